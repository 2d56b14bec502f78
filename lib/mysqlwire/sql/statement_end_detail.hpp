// Finds where a statement ends among several; not installed.
#pragma once

#include <mysqlwire/sql/lexer.hpp>

#include <cstddef>

namespace mysqlwire::sql::detail {

/// Follows a statement's tokens. A `;` ends it, but for those in the body of a stored program or of
/// an anonymous block, where blocks nest: BEGIN, CASE, IF, LOOP, REPEAT, WHILE … END.
class StatementEnd {
 public:
  /// True when `token` is the `;` behind the statement. The other two stand around it.
  bool feed(const Token& last, const Token& token, const Token& ahead) noexcept {
    if (plain_) return token.is(';');
    return feed_program(last, token, ahead);
  }

 private:
  bool feed_program(const Token& last, const Token& token, const Token& ahead) noexcept;
  bool at_statement_start(const Token& last) const noexcept;
  bool opens_block(const Token& last, const Token& token, const Token& ahead) const noexcept;

  bool plain_ = false;  // no body can come any more
  bool first_ = true;
  std::size_t depth_ = 0;  // open blocks
  bool creates_ = false;   // begins with CREATE
  bool program_ = false;   // has a body
};

}  // namespace mysqlwire::sql::detail
