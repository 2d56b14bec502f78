// Statements as exact-size heap text, tokens as short strings.
#pragma once

#include "support/hex.hpp"

#include <mysqlwire/sql/lexer.hpp>
#include <mysqlwire/wire/bytes.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace mysqlwire::test {

/// Every token's text up to the end, `!` in front of invalid ones.
inline std::vector<std::string> texts(std::string_view sql, const sql::Dialect& dialect = {}) {
  const ExactBytes exact(as_bytes(sql));
  sql::Lexer lexer(as_text(exact), dialect);
  std::vector<std::string> result;
  for (;;) {
    const sql::Token token = lexer.next();
    if (token.kind == sql::TokenKind::end) break;
    result.push_back((token.kind == sql::TokenKind::invalid ? "!" : "") + std::string(token.text));
    REQUIRE(result.size() <= 2 * sql.size() + 1);
  }
  CHECK(lexer.next().kind == sql::TokenKind::end);
  return result;
}

inline std::vector<sql::TokenKind> kinds(std::string_view sql, const sql::Dialect& dialect = {}) {
  const ExactBytes exact(as_bytes(sql));
  sql::Lexer lexer(as_text(exact), dialect);
  std::vector<sql::TokenKind> result;
  for (sql::Token token = lexer.next(); token.kind != sql::TokenKind::end; token = lexer.next()) {
    result.push_back(token.kind);
  }
  return result;
}

}  // namespace mysqlwire::test
