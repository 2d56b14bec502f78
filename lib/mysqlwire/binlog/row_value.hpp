// One value of a row event.
#pragma once

#include <mysqlwire/binlog/table_map.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/value.hpp>

#include <array>
#include <cstdint>

namespace mysqlwire::binlog {

/// Room for the digits of a DECIMAL: 65 of them, a sign, a zero and a point.
using DecimalText = std::array<char, 72>;

/// Reads one non-NULL value as row events store it.
///
///   | TINY, SHORT, INT24, LONG, LONGLONG | 1, 2, 3, 4, 8                                       |
///   | YEAR                               | 1: year - 1900, or 0                                |
///   | FLOAT, DOUBLE                      | 4, 8: IEEE 754                                      |
///   | NEWDECIMAL                         | 9 digits in 4 bytes, most significant byte first;   |
///   |                                    | fewer at both ends; first bit inverted, all bits of |
///   |                                    | a negative one                                      |
///   | DATE                               | 3: day 5 bits, month 4, year 15                     |
///   | TIME, DATETIME, TIMESTAMP          | 3: hhmmss; 8: YYYYMMDDhhmmss; 4: seconds            |
///   | TIME2, DATETIME2, TIMESTAMP2       | 3, 5, 4, most significant byte first, and 0 to 3    |
///   |                                    | bytes of fraction                                   |
///   | BIT                                | (bits + 7) / 8, most significant byte first         |
///   | ENUM, SET                          | as many bytes as the metadata say                   |
///   | STRING, VARCHAR                    | length 1, or 2 where a value can be above 255, text |
///   | BLOB, JSON, GEOMETRY, VECTOR       | length 1 to 4 by the metadata, bytes                |
///
/// A TIMESTAMP becomes a DateTime in UTC, with utc_offset 0; the zero time stamp has none. ENUM and
/// SET become std::uint64_t: a number of a label, from 1 on, and a set of bits. JSON is in its
/// binary form (json.hpp). A DECIMAL's digits are written to `scratch`; all other byte ranges
/// borrow from the event. Parts out of range (month 15) are passed on.
///
/// Errors: those of the reader, bad_value for digits that are none, unsupported for a type that no
/// row has.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Table__map__event.html
/// and https://mariadb.com/kb/en/rows_event_v1v2-rows_compressed_event_v1/
Value read_row_value(Reader& reader, const ColumnLayout& column, DecimalText& scratch,
                     const char* field) noexcept;

}  // namespace mysqlwire::binlog
