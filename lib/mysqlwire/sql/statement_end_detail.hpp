// Finds where a statement ends among several; not installed.
#pragma once

#include <mysqlwire/sql/lexer.hpp>

#include <cstddef>

namespace mysqlwire::sql::detail {

/// Follows a statement's tokens. A `;` ends it, but for those in the body of a stored program or of
/// an anonymous block, where blocks nest: BEGIN, CASE, IF, LOOP, REPEAT, WHILE … END.
class StatementEnd {
 public:
  /// True when `token` is the `;` behind the statement. `ahead` is the token behind it.
  bool feed(const Token& token, const Token& ahead) noexcept;

 private:
  bool at_statement_start() const noexcept;
  bool opens_block(const Token& token, const Token& ahead) const noexcept;

  std::size_t count_ = 0;  // tokens seen
  std::size_t depth_ = 0;  // open blocks
  bool creates_ = false;   // begins with CREATE
  bool program_ = false;   // has a body
  Token last_{};
};

}  // namespace mysqlwire::sql::detail
