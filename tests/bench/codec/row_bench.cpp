// Reading and writing rows: of four columns, 200 bytes, and of six, 64 bytes. Items are rows.
#include "counted.hpp"
#include "stream.hpp"

#include <benchmark/benchmark.h>

#include <cstring>

namespace mysqlwire::bench {
namespace {

void report(benchmark::State& state, const Buffer& row) {
  const auto rounds = static_cast<std::int64_t>(state.iterations());
  state.SetItemsProcessed(rounds);
  state.SetBytesProcessed(rounds * static_cast<std::int64_t>(row.size()));
}

void read_text(benchmark::State& state, const Buffer& bytes, std::size_t columns) {
  for (auto _ : state) {
    TextRow row(bytes, columns, {});
    for (TextRow::Cell cell; row.next(cell);) benchmark::DoNotOptimize(cell);
    if (!row.ok()) state.SkipWithError("not read");
  }
  report(state, bytes);
}

void text_row_cells(benchmark::State& state) { read_text(state, text_row(), row_types().size()); }
BENCHMARK(text_row_cells)->Apply(counted);

void text_row_of_six(benchmark::State& state) {
  read_text(state, order_text_row(), order_types().size());
}
BENCHMARK(text_row_of_six)->Apply(counted);

/// What the same bytes cost to be moved.
void copy_row(benchmark::State& state, const Buffer& bytes) {
  Buffer target(bytes.size());
  const std::uint8_t* source = bytes.data();
  for (auto _ : state) {
    benchmark::DoNotOptimize(source);
    std::memcpy(target.data(), source, target.size());
    benchmark::DoNotOptimize(target.data());
    benchmark::ClobberMemory();
  }
  report(state, bytes);
}

void copy_text_row_of_six(benchmark::State& state) { copy_row(state, order_text_row()); }
BENCHMARK(copy_text_row_of_six)->Apply(counted);

void copy_binary_row_of_six(benchmark::State& state) { copy_row(state, order_binary_row()); }
BENCHMARK(copy_binary_row_of_six)->Apply(counted);

void read_binary(benchmark::State& state, const Buffer& bytes,
                 const std::vector<ValueType>& types) {
  for (auto _ : state) {
    BinaryRow row(bytes, types, {});
    for (Value value; row.next(value);) benchmark::DoNotOptimize(value);
    if (!row.ok()) state.SkipWithError("not read");
  }
  report(state, bytes);
}

void binary_row_values(benchmark::State& state) { read_binary(state, binary_row(), row_types()); }
BENCHMARK(binary_row_values)->Apply(counted);

void binary_row_of_six(benchmark::State& state) {
  read_binary(state, order_binary_row(), order_types());
}
BENCHMARK(binary_row_of_six)->Apply(counted);

void binary_row_skip(benchmark::State& state) {
  const Buffer bytes = binary_row();
  for (auto _ : state) {
    BinaryRow row(bytes, row_types(), {});
    while (row.skip()) {
    }
    if (!row.ok()) state.SkipWithError("not read");
  }
  report(state, bytes);
}
BENCHMARK(binary_row_skip)->Apply(counted);

void write_binary(benchmark::State& state) {
  const Buffer bytes = binary_row();
  std::vector<Value> values;
  BinaryRow row(bytes, row_types(), {});
  for (Value value; row.next(value);) values.push_back(value);
  Buffer out;
  for (auto _ : state) {
    out.clear();
    Writer writer(out);
    write_binary_row(writer, values, row_types());
    benchmark::DoNotOptimize(out.data());
  }
  if (out != bytes) state.SkipWithError("not the row that was read");
  report(state, bytes);
}
BENCHMARK(write_binary)->Apply(counted);

}  // namespace
}  // namespace mysqlwire::bench
