#include <mysqlwire/sql/statement_end_detail.hpp>

namespace mysqlwire::sql::detail {

using enum Keyword;

// Behind what a statement of a body may begin. The end of a routine's head is one of many words,
// but no operator and no comma.
bool StatementEnd::at_statement_start() const noexcept {
  if (depth_ == 0) {
    return last_.is(')') || last_.is(k_ROW) || last_.is(k_DETERMINISTIC) || last_.is(k_SQL) ||
           last_.is(k_DATA) || last_.is(k_DEFINER) || last_.is(k_INVOKER) || last_.is(k_DO) ||
           last_.is(':') || last_.kind == TokenKind::string;
  }
  return last_.is(';') || last_.is(':') || last_.is(k_BEGIN) || last_.is(k_THEN) ||
         last_.is(k_ELSE) || last_.is(k_DO) || last_.is(k_LOOP) || last_.is(k_REPEAT) ||
         last_.is(k_ATOMIC) || last_.is(k_HANDLER);
}

bool StatementEnd::opens_block(const Token& token, const Token& ahead) const noexcept {
  if (last_.is(k_END)) return false;  // END IF, END LOOP …
  switch (token.keyword) {
    case k_BEGIN:
    case k_CASE: return true;
    case k_IF: return at_statement_start() && !ahead.is(k_EXISTS) && !ahead.is(k_NOT);
    case k_LOOP:
    case k_WHILE: return at_statement_start();
    case k_REPEAT: return at_statement_start() && !ahead.is('(');
    default: return false;
  }
}

bool StatementEnd::feed(const Token& token, const Token& ahead) noexcept {
  const std::size_t index = count_++;
  bool ends = false;
  if (token.is(';')) {
    ends = depth_ == 0;
  } else if (token.kind == TokenKind::keyword) {
    if (index == 0) {
      creates_ = token.is(k_CREATE);
      // BEGIN NOT ATOMIC and the other blocks that MariaDB runs outside of programs.
      program_ = token.is(k_IF) || token.is(k_CASE) || token.is(k_LOOP) || token.is(k_WHILE) ||
                 (token.is(k_REPEAT) && !ahead.is('(')) || (token.is(k_BEGIN) && ahead.is(k_NOT)) ||
                 token.is(k_FOR);
      depth_ = program_ ? 1 : 0;
    } else if (!program_) {
      program_ = creates_ && (token.is(k_PROCEDURE) || token.is(k_FUNCTION) ||
                              token.is(k_TRIGGER) || token.is(k_EVENT) || token.is(k_PACKAGE));
    } else if (token.is(k_END)) {
      if (depth_ > 0) --depth_;
    } else if (opens_block(token, ahead)) {
      ++depth_;
    }
  }
  last_ = token;
  return ends;
}

}  // namespace mysqlwire::sql::detail
