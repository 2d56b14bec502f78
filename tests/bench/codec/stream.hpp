// Bytes as they come from a server, for the benchmarks.
#pragma once

#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/row_binary.hpp>
#include <mysqlwire/wire/row_text.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlwire::bench {

/// A text row of sysbench's table: two numbers, 120 and 60 characters.
inline Buffer text_row() {
  static const std::string c(119, 'c');
  static const std::string pad(59, 'p');
  Buffer row;
  Writer writer(row);
  for (const std::string_view cell : {std::string_view("4711"), std::string_view("5012"),
                                      std::string_view(c), std::string_view(pad)})
    write_text_cell(writer, TextRow::Cell(cell));
  return row;
}

inline const std::vector<ValueType>& row_types() {
  static const std::vector<ValueType> types{
      {FieldType::long_}, {FieldType::long_}, {FieldType::string}, {FieldType::string}};
  return types;
}

/// The same as a binary row.
inline Buffer binary_row() {
  static const std::string c(119, 'c');
  static const std::string pad(59, 'p');
  const std::vector<Value> values{std::int64_t{4711}, std::int64_t{5012}, std::string_view(c),
                                  std::string_view(pad)};
  Buffer row;
  Writer writer(row);
  write_binary_row(writer, values, row_types());
  return row;
}

/// `count` packets of that payload, with their headers, from `sequence_id` on.
inline Buffer packets(Bytes payload, std::size_t count, std::uint8_t sequence_id) {
  Buffer stream;
  for (std::size_t i = 0; i < count; ++i) append_packet(stream, payload, sequence_id);
  return stream;
}

}  // namespace mysqlwire::bench
