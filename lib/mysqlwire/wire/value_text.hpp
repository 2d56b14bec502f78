// Typed values in the text protocol: read from a cell, and printed as the server prints them.
#pragma once

#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/value.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlwire {

/// What the printed form depends on beside the value.
struct TextFormat {
  /// Digits behind the point, as ColumnDefinition41 has them: exactly that many for FLOAT, DOUBLE
  /// (0 to 30), and for the fraction of DATETIME and TIME (0 to 6). Above: as many as are needed,
  /// which for a time is none or six.
  std::uint8_t decimals = 0x1f;
  /// Numbers are filled with zeros up to this width (ZEROFILL and YEAR: the column's length).
  std::uint8_t zerofill = 0;
};

/// Room for every printed value that is no byte range: a DOUBLE of 309 digits with 30 decimals.
using ValueText = std::array<char, 384>;

/// The value as a server prints it into a text row. A byte range is returned as it is; all else is
/// printed into `scratch`, which the result then borrows from. NULL has no text form: empty.
/// DOUBLE is printed with the fewest digits that read back the same, FLOAT with six.
std::string_view to_text(const Value& value, const TextFormat& format, ValueText& scratch) noexcept;

/// The same, appended to a string.
void append_text(std::string& out, const Value& value, const TextFormat& format = {});

/// A cell of a text row that is not NULL, as the value that the binary protocol would carry for a
/// column of that type. Byte ranges borrow from `text`.
///
/// Errors: bad_value for what is not exactly the type's text form (signs, blanks, missing digits,
/// a month above 12 …) and for types that can't travel, too_long for a number that the type can't
/// hold, truncated for empty text. The offset counts from the start of `text`.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_row.html
Result<Value> parse_text(std::string_view text, ValueType type) noexcept;

}  // namespace mysqlwire
