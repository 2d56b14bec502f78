// MySQL's binary form of JSON documents, which row events carry.
#pragma once

#include <mysqlwire/wire/bytes.hpp>

#include <string>

namespace mysqlwire::binlog {

/// Appends a document as the server prints it: {"a": 1, "b": [true, "x"]}. False, and nothing is
/// appended, when the bytes are no document. MariaDB's JSON is text already and not for this.
///
/// | type | value |
/// |------|-------|
/// | 0, 1 | object, small or large |
/// | 2, 3 | array, small or large |
/// | 4    | literal int<1>: 0 null, 1 true, 2 false |
/// | 5 … 10 | int16, uint16, int32, uint32, int64, uint64 |
/// | 11   | double |
/// | 12   | length of 7 bits a byte, UTF-8 |
/// | 15   | field type int<1>, length as above, bytes: DECIMAL, dates and times, and all else |
///
/// An object or an array is count, size, for an object its keys (offset, length int<2>), values
/// (type int<1>, then the value where it fits, else its offset), and what the offsets point at; all
/// but the lengths are 2 bytes in a small one and 4 in a large one.
///
/// Depth is bounded by what the server allows (100), and the work by the size of the document,
/// though offsets of a hostile one can point at one value many times. No bytes at all are null, as
/// for the server.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/json__binary_8h.html
bool append_json_text(std::string& out, Bytes document);

}  // namespace mysqlwire::binlog
