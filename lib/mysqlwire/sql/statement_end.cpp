#include <mysqlwire/sql/statement_end_detail.hpp>

namespace mysqlwire::sql::detail {

using enum Keyword;

// Behind what a statement of a body may begin. The end of a routine's head is one of many words,
// but no operator and no comma.
bool StatementEnd::at_statement_start(const Token& last) const noexcept {
  if (depth_ == 0) {
    return last.is(')') || last.is(k_ROW) || last.is(k_DETERMINISTIC) || last.is(k_SQL) ||
           last.is(k_DATA) || last.is(k_DEFINER) || last.is(k_INVOKER) || last.is(k_DO) ||
           last.is(':') || last.kind == TokenKind::string;
  }
  return last.is(';') || last.is(':') || last.is(k_BEGIN) || last.is(k_THEN) || last.is(k_ELSE) ||
         last.is(k_DO) || last.is(k_LOOP) || last.is(k_REPEAT) || last.is(k_ATOMIC) ||
         last.is(k_HANDLER);
}

bool StatementEnd::opens_block(const Token& last, const Token& token,
                               const Token& ahead) const noexcept {
  if (last.is(k_END)) return false;  // END IF, END LOOP …
  switch (token.keyword) {
    case k_BEGIN:
    case k_CASE: return true;
    case k_IF: return at_statement_start(last) && !ahead.is(k_EXISTS) && !ahead.is(k_NOT);
    case k_LOOP:
    case k_WHILE: return at_statement_start(last);
    case k_REPEAT: return at_statement_start(last) && !ahead.is('(');
    default: return false;
  }
}

bool StatementEnd::feed_program(const Token& last, const Token& token,
                                const Token& ahead) noexcept {
  const bool first = first_;
  first_ = false;
  bool ends = false;
  if (token.is(';')) {
    ends = depth_ == 0;
  } else if (token.kind == TokenKind::keyword) {
    if (first) {
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
    } else if (opens_block(last, token, ahead)) {
      ++depth_;
    }
  }
  plain_ = !creates_ && !program_;
  return ends;
}

}  // namespace mysqlwire::sql::detail
