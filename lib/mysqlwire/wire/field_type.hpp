// Column types and column flags, as they stand in column definitions and in front of parameters.
#pragma once

#include <mysqlwire/wire/flags.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mysqlwire {

/// MYSQL_TYPE_*. Any byte can arrive; is_known() tells which have a name, and value_shape() of
/// value.hpp which a row or a parameter can have.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html
enum class FieldType : std::uint8_t {
  decimal = 0x00,  ///< before 5.0
  tiny = 0x01,
  short_ = 0x02,
  long_ = 0x03,
  float_ = 0x04,
  double_ = 0x05,
  null = 0x06,
  timestamp = 0x07,
  longlong = 0x08,
  int24 = 0x09,
  date = 0x0a,
  time = 0x0b,
  datetime = 0x0c,
  year = 0x0d,
  newdate = 0x0e,  ///< internal
  varchar = 0x0f,
  bit = 0x10,
  timestamp2 = 0x11,          ///< binary log only
  datetime2 = 0x12,           ///< binary log only
  time2 = 0x13,               ///< binary log only
  typed_array = 0x14,         ///< binary log only
  blob_compressed = 0x8c,     ///< MariaDB, binary log only
  varchar_compressed = 0x8d,  ///< MariaDB, binary log only
  vector = 0xf2,              ///< MySQL 9.0
  invalid = 0xf3,             ///< internal
  bool_ = 0xf4,               ///< internal
  json = 0xf5,
  newdecimal = 0xf6,
  enum_ = 0xf7,
  set = 0xf8,
  tiny_blob = 0xf9,
  medium_blob = 0xfa,
  long_blob = 0xfb,
  blob = 0xfc,
  var_string = 0xfd,
  string = 0xfe,
  geometry = 0xff,
};

/// The header's name, such as "MYSQL_TYPE_VAR_STRING"; empty for a byte that is no type.
std::string_view to_string(FieldType type) noexcept;

/// True for the bytes that have a name.
inline bool is_known(FieldType type) noexcept { return !to_string(type).empty(); }

/// The type with that name, with or without MYSQL_TYPE_, in any case.
std::optional<FieldType> parse_field_type(std::string_view name) noexcept;

/// What a column definition says of its column.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__column__definition__flags.html
enum class ColumnFlag : std::uint16_t {
  not_null = 0x0001,
  pri_key = 0x0002,
  unique_key = 0x0004,
  multiple_key = 0x0008,
  blob = 0x0010,
  unsigned_ = 0x0020,
  zerofill = 0x0040,
  binary = 0x0080,
  enum_ = 0x0100,
  auto_increment = 0x0200,
  timestamp = 0x0400,
  set = 0x0800,
  no_default_value = 0x1000,
  on_update_now = 0x2000,
  part_key = 0x4000,
  num = 0x8000,
};

using ColumnFlags = Flags<ColumnFlag>;

/// The header's name of one flag, such as "NOT_NULL_FLAG"; empty for an unknown bit.
std::string_view to_string(ColumnFlag flag) noexcept;

/// Every flag, lowest bit first.
std::span<const ColumnFlag> all_column_flags() noexcept;

}  // namespace mysqlwire
