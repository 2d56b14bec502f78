// A prepared statement's text with its parameters put in, for people to read and to run again.
#pragma once

#include <mysqlwire/sql/dialect.hpp>
#include <mysqlwire/wire/stmt.hpp>
#include <mysqlwire/wire/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlwire::capture {

/// Appends a value as an SQL literal: numbers bare, text quoted, bytes that are no UTF-8 text as
/// x'…', NULL as the word.
void append_literal(std::string& out, const Value& value, ValueType type,
                    const sql::Dialect& dialect);

/// Writes `query` into `out`, each placeholder replaced by its parameter. Question marks in
/// strings, quoted names and comments stay; so do placeholders that have no parameter. Long data,
/// which was sent before, is written as a comment.
void expand(std::string_view query, const ComStmtExecute& execute, const sql::Dialect& dialect,
            std::string& out);

/// How many placeholders the statement has, as the server will count them.
std::uint16_t count_placeholders(std::string_view query, const sql::Dialect& dialect) noexcept;

}  // namespace mysqlwire::capture
