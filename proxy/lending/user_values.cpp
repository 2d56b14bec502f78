#include "proxy/lending/user_values.hpp"

#include "proxy/lending/variables.hpp"

#include <mysqlwire/capture/utf8.hpp>

#include <algorithm>

namespace mysqlproxy::lending {

using mysqlwire::ColumnFlag;
using mysqlwire::FieldType;

namespace {

// The name of a character set or a collation.
bool is_name(const std::optional<std::string_view>& text) noexcept {
  return text && !text->empty() && std::all_of(text->begin(), text->end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                  c == '_';
         });
}

bool is_hex(std::string_view text) noexcept {
  return text.size() % 2 == 0 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
         });
}

std::optional<std::string> integer(std::string_view text, bool is_unsigned) {
  if (!is_plain_number(text)) return std::nullopt;
  std::string number(text);
  return is_unsigned ? "CAST(" + number + " AS UNSIGNED)" : number;
}

// "1.5" and "1e300", which the server writes with as many digits as it takes to read them again.
std::optional<std::string> floating(std::string_view text) {
  const std::size_t exponent = text.find('e');
  if (!is_plain_number(text.substr(0, exponent))) return std::nullopt;
  if (exponent == std::string_view::npos) return std::string(text) + "e0";
  if (!is_plain_number(text.substr(exponent + 1))) return std::nullopt;
  return std::string(text);
}

bool is_ascii(std::string_view bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Of characters that have more than one byte, other than in UTF-8.
bool is_wide(std::string_view charset) noexcept {
  static constexpr std::string_view wide[] = {"big5",   "cp932", "eucjpms", "euckr", "gb18030",
                                              "gb2312", "gbk",   "sjis",    "ujis",  "utf32"};
  return std::find(std::begin(wide), std::end(wide), charset) != std::end(wide);
}

// Servers refuse a literal whose bytes are no characters of its set, which a variable may have.
// What is none is certain for the usual sets; of the others anything but ASCII is taken for it.
bool may_be_literal(std::string_view charset, std::string_view digits) {
  const std::string bytes = from_hex(digits).value_or(std::string());
  if (charset.starts_with("utf8")) {
    const bool short_ones = charset != "utf8mb4";
    return mysqlwire::capture::is_utf8(bytes) &&
           !(short_ones && std::any_of(bytes.begin(), bytes.end(), [](char c) {
               return static_cast<unsigned char>(c) >= 0xF0;
             }));
  }
  if (charset.starts_with("utf16") || charset == "ucs2") return bytes.size() % 2 == 0;
  if (charset == "ascii" || is_wide(charset)) return is_ascii(bytes);
  return true;
}

// NULL, which has the type of the variable's last value.
std::optional<std::string> null_value(std::span<const ReportedValue> columns) {
  switch (columns[0].type) {
    case FieldType::tiny:
    case FieldType::short_:
    case FieldType::long_:
    case FieldType::int24:
    case FieldType::longlong:
      return columns[0].flags.has(ColumnFlag::unsigned_) ? "CAST(NULL AS UNSIGNED)"
                                                         : "CAST(NULL AS SIGNED)";
    case FieldType::newdecimal: return "CAST(NULL AS DECIMAL)";
    case FieldType::float_:
    case FieldType::double_: return "0e0 + NULL";
    default: break;
  }
  if (!is_name(columns[3].text) || !is_name(columns[4].text)) return std::nullopt;
  if (*columns[3].text == "binary") return "NULL";
  return "CONCAT(" + text_value(*columns[3].text, *columns[4].text, {}) + ", NULL)";
}

}  // namespace

bool ReportedValue::is_number() const noexcept {
  switch (type) {
    case FieldType::decimal:
    case FieldType::tiny:
    case FieldType::short_:
    case FieldType::long_:
    case FieldType::float_:
    case FieldType::double_:
    case FieldType::longlong:
    case FieldType::int24:
    case FieldType::newdecimal: return true;
    default: return false;
  }
}

std::string user_value_query(std::string_view name, std::size_t longest) {
  const std::string variable = "@`" + std::string(name) + '`';
  // The type; a number in full; a string, or the beginning of one that is too long.
  return "IF(0, " + variable + ", NULL), LEFT(" + variable + ", 100), HEX(LEFT(" + variable + ", " +
         std::to_string(longest + 1) + ")), CHARSET(" + variable + "), COLLATION(" + variable + ')';
}

std::optional<std::string> user_value(std::span<const ReportedValue> columns) {
  if (columns.size() != user_value_columns) return std::nullopt;
  const auto& text = columns[1].text;
  const auto& digits = columns[2].text;
  if (!text || !digits) return text || digits ? std::nullopt : null_value(columns);
  switch (columns[0].type) {
    case FieldType::tiny:
    case FieldType::short_:
    case FieldType::long_:
    case FieldType::int24:
    case FieldType::longlong: return integer(*text, columns[0].flags.has(ColumnFlag::unsigned_));
    case FieldType::newdecimal:
      return is_plain_number(*text) ? std::optional<std::string>(*text) : std::nullopt;
    case FieldType::float_:
    case FieldType::double_: return floating(*text);
    case FieldType::varchar:
    case FieldType::var_string:
    case FieldType::string:
    case FieldType::tiny_blob:
    case FieldType::medium_blob:
    case FieldType::long_blob:
    case FieldType::blob:
      if (!is_name(columns[3].text) || !is_name(columns[4].text) || !is_hex(*digits) ||
          !may_be_literal(*columns[3].text, *digits))
        return std::nullopt;
      return text_value(*columns[3].text, *columns[4].text, *digits);
    default: return std::nullopt;
  }
}

std::string text_value(std::string_view charset, std::string_view collation,
                       std::string_view digits) {
  std::string sql = "_";
  sql += charset;
  sql += " X'";
  sql += digits;
  sql += '\'';
  // MariaDB reads the word behind COLLATE as a type there.
  if (charset == "binary") return sql;
  sql += " COLLATE ";
  sql += collation;
  return sql;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view digits) {
  if (!is_hex(digits)) return std::nullopt;
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'A' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes += static_cast<char>(value(digits[i]) * 16 + value(digits[i + 1]));
  return bytes;
}

}  // namespace mysqlproxy::lending
