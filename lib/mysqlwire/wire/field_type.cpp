#include <mysqlwire/wire/ascii_detail.hpp>
#include <mysqlwire/wire/field_type.hpp>

#include <array>
#include <bit>

namespace mysqlwire {

using detail::equal_ignoring_case;

namespace {

constexpr std::string_view type_prefix = "MYSQL_TYPE_";

constexpr std::array<std::string_view, 16> flag_names{
    "NOT_NULL_FLAG",
    "PRI_KEY_FLAG",
    "UNIQUE_KEY_FLAG",
    "MULTIPLE_KEY_FLAG",
    "BLOB_FLAG",
    "UNSIGNED_FLAG",
    "ZEROFILL_FLAG",
    "BINARY_FLAG",
    "ENUM_FLAG",
    "AUTO_INCREMENT_FLAG",
    "TIMESTAMP_FLAG",
    "SET_FLAG",
    "NO_DEFAULT_VALUE_FLAG",
    "ON_UPDATE_NOW_FLAG",
    "PART_KEY_FLAG",
    "NUM_FLAG",
};

constexpr auto every_flag = [] {
  std::array<ColumnFlag, flag_names.size()> all{};
  for (unsigned bit = 0; bit < all.size(); ++bit) all[bit] = static_cast<ColumnFlag>(1U << bit);
  return all;
}();

std::string_view without_prefix(std::string_view name) noexcept {
  if (equal_ignoring_case(name.substr(0, type_prefix.size()), type_prefix))
    name.remove_prefix(type_prefix.size());
  return name;
}

}  // namespace

std::string_view to_string(FieldType type) noexcept {
  switch (type) {
    case FieldType::decimal: return "MYSQL_TYPE_DECIMAL";
    case FieldType::tiny: return "MYSQL_TYPE_TINY";
    case FieldType::short_: return "MYSQL_TYPE_SHORT";
    case FieldType::long_: return "MYSQL_TYPE_LONG";
    case FieldType::float_: return "MYSQL_TYPE_FLOAT";
    case FieldType::double_: return "MYSQL_TYPE_DOUBLE";
    case FieldType::null: return "MYSQL_TYPE_NULL";
    case FieldType::timestamp: return "MYSQL_TYPE_TIMESTAMP";
    case FieldType::longlong: return "MYSQL_TYPE_LONGLONG";
    case FieldType::int24: return "MYSQL_TYPE_INT24";
    case FieldType::date: return "MYSQL_TYPE_DATE";
    case FieldType::time: return "MYSQL_TYPE_TIME";
    case FieldType::datetime: return "MYSQL_TYPE_DATETIME";
    case FieldType::year: return "MYSQL_TYPE_YEAR";
    case FieldType::newdate: return "MYSQL_TYPE_NEWDATE";
    case FieldType::varchar: return "MYSQL_TYPE_VARCHAR";
    case FieldType::bit: return "MYSQL_TYPE_BIT";
    case FieldType::timestamp2: return "MYSQL_TYPE_TIMESTAMP2";
    case FieldType::datetime2: return "MYSQL_TYPE_DATETIME2";
    case FieldType::time2: return "MYSQL_TYPE_TIME2";
    case FieldType::typed_array: return "MYSQL_TYPE_TYPED_ARRAY";
    case FieldType::blob_compressed: return "MYSQL_TYPE_BLOB_COMPRESSED";
    case FieldType::varchar_compressed: return "MYSQL_TYPE_VARCHAR_COMPRESSED";
    case FieldType::vector: return "MYSQL_TYPE_VECTOR";
    case FieldType::invalid: return "MYSQL_TYPE_INVALID";
    case FieldType::bool_: return "MYSQL_TYPE_BOOL";
    case FieldType::json: return "MYSQL_TYPE_JSON";
    case FieldType::newdecimal: return "MYSQL_TYPE_NEWDECIMAL";
    case FieldType::enum_: return "MYSQL_TYPE_ENUM";
    case FieldType::set: return "MYSQL_TYPE_SET";
    case FieldType::tiny_blob: return "MYSQL_TYPE_TINY_BLOB";
    case FieldType::medium_blob: return "MYSQL_TYPE_MEDIUM_BLOB";
    case FieldType::long_blob: return "MYSQL_TYPE_LONG_BLOB";
    case FieldType::blob: return "MYSQL_TYPE_BLOB";
    case FieldType::var_string: return "MYSQL_TYPE_VAR_STRING";
    case FieldType::string: return "MYSQL_TYPE_STRING";
    case FieldType::geometry: return "MYSQL_TYPE_GEOMETRY";
  }
  return {};
}

std::optional<FieldType> parse_field_type(std::string_view name) noexcept {
  for (unsigned code = 0; code < 256; ++code) {
    const auto type = static_cast<FieldType>(code);
    if (is_known(type) &&
        equal_ignoring_case(without_prefix(to_string(type)), without_prefix(name)))
      return type;
  }
  return std::nullopt;
}

std::string_view to_string(ColumnFlag flag) noexcept {
  const unsigned bits = static_cast<std::uint16_t>(flag);
  return std::has_single_bit(bits) ? flag_names[static_cast<unsigned>(std::countr_zero(bits))]
                                   : std::string_view{};
}

std::span<const ColumnFlag> all_column_flags() noexcept { return every_flag; }

}  // namespace mysqlwire
