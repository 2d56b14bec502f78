// Typed values: what a column or a parameter holds, and its binary form on the wire.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/field_type.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace mysqlwire {

/// A DATE as it travels. Zero parts are legal ("0000-00-00", "2024-00-00"), so this is not a
/// calendar date.
struct Date {
  std::uint16_t year = 0;
  std::uint8_t month = 0;
  std::uint8_t day = 0;

  friend bool operator==(const Date&, const Date&) = default;
};

/// A DATETIME or TIMESTAMP, in the session's time zone unless it has a utc_offset.
struct DateTime {
  std::uint16_t year = 0;
  std::uint8_t month = 0;
  std::uint8_t day = 0;
  std::uint8_t hour = 0;
  std::uint8_t minute = 0;
  std::uint8_t second = 0;
  std::uint32_t microsecond = 0;
  /// Minutes east of UTC; only clients send it, in parameters, from MySQL 8.0.19 on.
  std::optional<std::int16_t> utc_offset{};

  friend bool operator==(const DateTime&, const DateTime&) = default;
};

/// A TIME: a signed span. Hours are 0 to 23, what is above goes into days; the text form adds them
/// up ("-30:01:02" is negative, 1 day, 6 hours, 1 minute, 2 seconds).
struct Time {
  bool negative = false;
  std::uint32_t days = 0;
  std::uint8_t hour = 0;
  std::uint8_t minute = 0;
  std::uint8_t second = 0;
  std::uint32_t microsecond = 0;

  friend bool operator==(const Time&, const Time&) = default;
};

/// One value of a row or of a parameter; std::monostate is NULL.
///
/// The last alternative is for everything that travels as a byte range: strings, and also DECIMAL
/// (its digits), JSON (its text), ENUM and SET (their labels), BIT (big-endian bits), BLOB,
/// GEOMETRY (SRID and WKB) and VECTOR (float32 array). It borrows from the payload, and whether it
/// is text, and in which character set, is said by the column and not by the value. as_bytes()
/// turns it into Bytes.
using Value = std::variant<std::monostate, std::int64_t, std::uint64_t, float, double, Date,
                           DateTime, Time, std::string_view>;

inline bool is_null(const Value& value) noexcept {
  return std::holds_alternative<std::monostate>(value);
}

/// What the binary form of a value depends on.
struct ValueType {
  FieldType type = FieldType::null;
  bool is_unsigned = false;  ///< for the integer types only

  friend bool operator==(const ValueType&, const ValueType&) = default;
};

/// The binary forms, of which several field types share one.
enum class ValueShape : std::uint8_t {
  invalid,  ///< never travels in rows or parameters: internal, binlog-only and unknown codes
  none,     ///< NULL: no bytes
  int8,
  int16,
  int32,
  int64,
  float32,
  float64,
  date,
  datetime,
  time,
  bytes,  ///< string<lenenc>
};

/// The binary form of a field type; `invalid` for what no row or parameter can have.
ValueShape value_shape(FieldType type) noexcept;

/// Reads one non-NULL value in its binary form.
///
///   | TINY                              | 1, two's complement unless unsigned             |
///   | SHORT, YEAR                       | 2; YEAR is always unsigned                      |
///   | LONG, INT24                       | 4                                               |
///   | LONGLONG                          | 8                                               |
///   | FLOAT, DOUBLE                     | 4, 8: IEEE 754                                  |
///   | DATE, DATETIME, TIMESTAMP         | length 0, 4, 7, 11 or 13: year 2, month 1,      |
///   |                                   | day 1, [hour 1, minute 1, second 1,             |
///   |                                   | [microsecond 4, [utc_offset 2, signed]]]        |
///   | TIME                              | length 0, 8 or 12: negative 1, days 4, hour 1,  |
///   |                                   | minute 1, second 1, [microsecond 4]             |
///   | NULL                              | no bytes; the value is NULL                     |
///   | all others                        | string<lenenc>                                  |
///
/// Signed integers become std::int64_t, unsigned ones std::uint64_t. A type that can't travel and
/// any other length of a date or time is bad_value. A part out of its range (month 13, hour 24)
/// and a time of day inside a DATE, which is dropped as the servers do, are notes. Byte ranges
/// borrow from the payload.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html
Value read_binary_value(Reader& reader, ValueType type, const char* field) noexcept;
/// The same into the place of `into`, which a row has for its values one after the other: a value
/// that is copied as soon as it is written makes the processor wait. False when the reader failed.
bool read_binary_value(Reader& reader, ValueType type, const char* field, Value& into) noexcept;

/// Steps over one non-NULL value; the same failures as read_binary_value, but no notes.
void skip_binary_value(Reader& reader, FieldType type, const char* field) noexcept;

/// Writes a value in its binary form, the shortest one for dates and times; nothing for NULL.
/// A value of another kind than the type needs is bad_value, an integer that does not fit it is
/// too_long.
void write_binary_value(Writer& writer, const Value& value, ValueType type, const char* field = "");

}  // namespace mysqlwire
