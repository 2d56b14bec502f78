// Single messages and numbers, decoded and encoded. Items are messages, or numbers.
#include "counted.hpp"

#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/message.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>

namespace mysqlwire::bench {
namespace {

constexpr std::string_view salt = "abcdefghijklmnopqrst";

Context context() {
  Context context;
  context.capabilities = {Capability::long_password,   Capability::protocol_41,
                          Capability::connect_with_db, Capability::secure_connection,
                          Capability::plugin_auth,     Capability::transactions};
  return context;
}

HandshakeV10 greeting() {
  HandshakeV10 message;
  message.server_version = "8.0.36";
  message.connection_id = 4711;
  message.auth_plugin_data_part1 = as_bytes(salt.substr(0, 8));
  message.capabilities = context().capabilities;
  message.collation = 45;
  message.auth_plugin_data_part2 = as_bytes(salt.substr(8));
  message.auth_plugin_name = "mysql_native_password";
  return message;
}

HandshakeResponse41 login() {
  HandshakeResponse41 message;
  message.capabilities = context().capabilities;
  message.max_packet_size = 1U << 24;
  message.collation = 45;
  message.user = "application";
  message.auth_response = as_bytes(salt);
  message.schema = "shop";
  message.auth_plugin_name = "mysql_native_password";
  return message;
}

ColumnDefinition41 column() {
  ColumnDefinition41 message;
  message.schema = "sbtest";
  message.table = "sbtest1";
  message.org_table = "sbtest1";
  message.column_name = "id";
  message.org_name = "id";
  message.character_set = 63;
  message.column_length = 11;
  message.type = FieldType::long_;
  return message;
}

OkPacket ok() {
  OkPacket message;
  message.affected_rows = 1;
  message.last_insert_id = 50142;
  message.status = ServerStatus::autocommit;
  return message;
}

ErrPacket err() { return {1062, "23000", "Duplicate entry '50142' for key 'PRIMARY'"}; }

template <typename M>
Buffer encoded(const M& message) {
  Buffer bytes;
  Writer writer(bytes);
  message.encode(writer, context());
  return bytes;
}

void report(benchmark::State& state, std::size_t items, std::size_t bytes) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(items));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

template <Message M>
void decode(benchmark::State& state, M (*make)()) {
  const Buffer bytes = encoded(make());
  const Context in_force = context();
  for (auto _ : state) {
    const auto message = M::decode(bytes, in_force);
    if (!message) state.SkipWithError("not decoded");
    benchmark::DoNotOptimize(&*message);
  }
  report(state, 1, bytes.size());
}

template <typename M>
void encode(benchmark::State& state, M (*make)()) {
  const M message = make();
  const Context in_force = context();
  Buffer bytes;
  for (auto _ : state) {
    bytes.clear();
    Writer writer(bytes);
    message.encode(writer, in_force);
    benchmark::DoNotOptimize(bytes.data());
  }
  report(state, 1, bytes.size());
}

void decode_greeting(benchmark::State& state) { decode(state, greeting); }
BENCHMARK(decode_greeting)->Apply(counted);
void encode_greeting(benchmark::State& state) { encode(state, greeting); }
BENCHMARK(encode_greeting)->Apply(counted);
void decode_login(benchmark::State& state) { decode(state, login); }
BENCHMARK(decode_login)->Apply(counted);
void encode_login(benchmark::State& state) { encode(state, login); }
BENCHMARK(encode_login)->Apply(counted);
void encode_column(benchmark::State& state) { encode(state, column); }
BENCHMARK(encode_column)->Apply(counted);
void decode_ok(benchmark::State& state) { decode(state, ok); }
BENCHMARK(decode_ok)->Apply(counted);
void encode_ok(benchmark::State& state) { encode(state, ok); }
BENCHMARK(encode_ok)->Apply(counted);
void decode_err(benchmark::State& state) { decode(state, err); }
BENCHMARK(decode_err)->Apply(counted);
void encode_err(benchmark::State& state) { encode(state, err); }
BENCHMARK(encode_err)->Apply(counted);

void decode_column(benchmark::State& state) {
  const Buffer bytes = encoded(column());
  const Context in_force = context();
  for (auto _ : state) {
    const auto message = ColumnDefinition41::decode(bytes, in_force);
    if (!message) state.SkipWithError("not decoded");
    benchmark::DoNotOptimize(&*message);
  }
  report(state, 1, bytes.size());
}
BENCHMARK(decode_column)->Apply(counted);

/// Numbers of every length that the wire has for them.
constexpr std::array<std::uint64_t, 8> numbers = {1,     250,     251, 65535,
                                                  65536, 1 << 24, 7,   1ULL << 40};

void read_lenenc(benchmark::State& state) {
  Buffer bytes;
  Writer writer(bytes);
  for (const std::uint64_t number : numbers) writer.lenenc(number);
  const Context in_force = context();
  for (auto _ : state) {
    Reader reader(bytes, "bench", in_force);
    while (!reader.at_end()) benchmark::DoNotOptimize(reader.lenenc("number"));
    if (!reader.ok()) state.SkipWithError("not read");
  }
  report(state, numbers.size(), bytes.size());
}
BENCHMARK(read_lenenc)->Apply(counted);

void write_lenenc(benchmark::State& state) {
  Buffer bytes;
  for (auto _ : state) {
    bytes.clear();
    Writer writer(bytes);
    for (const std::uint64_t number : numbers) writer.lenenc(number);
    benchmark::DoNotOptimize(bytes.data());
  }
  report(state, numbers.size(), bytes.size());
}
BENCHMARK(write_lenenc)->Apply(counted);

}  // namespace
}  // namespace mysqlwire::bench
