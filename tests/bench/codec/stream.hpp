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

/// Six columns of some 64 bytes as rows of orders have them: numbers, a decimal, a time, a NULL.
inline const std::vector<ValueType>& order_types() {
  static const std::vector<ValueType> types{{FieldType::longlong}, {FieldType::long_},
                                            {FieldType::string},   {FieldType::newdecimal},
                                            {FieldType::datetime}, {FieldType::string}};
  return types;
}

inline Buffer order_text_row() {
  Buffer row;
  Writer writer(row);
  for (const std::string_view cell :
       {std::string_view("8589934592"), std::string_view("4711"),
        std::string_view("somebody@example.net"), std::string_view("1299.95"),
        std::string_view("2026-11-22 12:34:56")})
    write_text_cell(writer, TextRow::Cell(cell));
  write_text_cell(writer, TextRow::Cell());
  return row;
}

inline Buffer order_binary_row() {
  DateTime time;
  time.year = 2026;
  time.month = 11;
  time.day = 22;
  time.hour = 12;
  time.minute = 34;
  time.second = 56;
  const std::vector<Value> values{std::int64_t{8589934592},
                                  std::int64_t{4711},
                                  std::string_view("somebody@example.net"),
                                  std::string_view("1299.95"),
                                  time,
                                  std::monostate()};
  Buffer row;
  Writer writer(row);
  write_binary_row(writer, values, order_types());
  return row;
}

/// `count` packets of that payload, with their headers, from `sequence_id` on.
inline Buffer packets(Bytes payload, std::size_t count, std::uint8_t sequence_id) {
  Buffer stream;
  for (std::size_t i = 0; i < count; ++i) append_packet(stream, payload, sequence_id);
  return stream;
}

}  // namespace mysqlwire::bench
