// Rows of both protocols: values are written as they were read, and their text forms read back.
//
// Input: Parameters of round_trip.hpp (what: 0 text, 1 binary), decimals 1, zerofill 1, column
// count 1, then per column type 1 and flags 1 (1: unsigned), then the payload.
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/wire/row_binary.hpp>
#include <mysqlwire/wire/row_text.hpp>
#include <mysqlwire/wire/value_text.hpp>

#include <variant>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::fuzz;

namespace {

bool is_floating(const Value& value) {
  return std::holds_alternative<float>(value) || std::holds_alternative<double>(value);
}

/// The text form of a value fits its room, whatever the format.
void print(const Value& value, const TextFormat& format) {
  ValueText scratch;
  const auto text = to_text(value, format, scratch);
  require(std::holds_alternative<std::string_view>(value) || text.size() <= scratch.size());
}

void text_row(Bytes payload, std::span<const ValueType> types, const Context& context) {
  TextRow row(payload, types.size(), context);
  std::vector<TextRow::Cell> cells;
  for (TextRow::Cell cell; row.next(cell);) {
    const ValueType type = types[cells.size()];
    cells.push_back(cell);
    if (!cell) continue;
    const auto value = parse_text(*cell, type);
    if (!value) continue;
    ValueText scratch;
    const auto printed = to_text(*value, {}, scratch);
    const auto again = parse_text(printed, type);
    // Servers print fewer digits of a FLOAT than it takes to read the same again.
    require(is_floating(*value) || (again && *again == *value));
  }
  if (!row.ok()) {
    require(row.error().offset <= payload.size());
    return;
  }
  require(cells.size() == types.size());
  Buffer out;
  Writer writer(out);
  write_text_row(writer, cells);
  require(writer.ok());
  TextRow second(out, types.size(), context);
  std::size_t i = 0;
  for (TextRow::Cell cell; second.next(cell); ++i) require(cell == cells[i]);
  require(second.ok() && i == cells.size());
}

void binary_row(Bytes payload, std::span<const ValueType> types, const Context& context,
                const TextFormat& format) {
  BinaryRow row(payload, types, context);
  std::vector<Value> values;
  for (Value value; row.next(value);) {
    print(value, format);
    values.push_back(value);
  }
  Context lenient = context;
  lenient.strict = false;
  BinaryRow skipping(payload, types, lenient);
  while (skipping.skip()) {
  }
  require(context.strict || skipping.ok() == row.ok());
  if (!row.ok()) {
    require(row.error().offset <= payload.size());
    return;
  }
  require(values.size() == types.size());
  Buffer once;
  Writer writer(once);
  write_binary_row(writer, values, types);
  require(writer.ok());
  BinaryRow second(once, types, lenient);
  std::vector<Value> same;
  for (Value value; second.next(value);) same.push_back(value);
  require(second.ok());
  Buffer twice;
  Writer again(twice);
  write_binary_row(again, same, types);
  require(again.ok() && twice == once);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Proportion proportion(size);
  if (size < Parameters::size + 3) return 0;
  const Parameters parameters(data);
  Bytes input(data + Parameters::size, size - Parameters::size);
  const TextFormat format{input[0], input[1]};
  const std::size_t columns = input[2];
  input = input.subspan(3);
  if (input.size() < 2 * columns) return 0;
  std::vector<ValueType> types;
  for (std::size_t i = 0; i < columns; ++i)
    types.push_back({static_cast<FieldType>(input[2 * i]), (input[2 * i + 1] & 1) != 0});
  const Exact payload(input.subspan(2 * columns));
  if (parameters.what == 0) text_row(payload, types, parameters.context);
  if (parameters.what == 1) binary_row(payload, types, parameters.context, format);
  return 0;
}
