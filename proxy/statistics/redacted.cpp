#include "proxy/statistics/redacted.hpp"

#include <mysqlwire/sql/lexer.hpp>

#include <algorithm>

namespace mysqlproxy {
namespace {

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n\v\f") == text.npos;
}

/// What stands between two tokens: blanks and comments, or the marks of a version comment.
void append_gap(std::string& out, std::string_view gap) {
  if (is_blank(gap)) {
    out += gap;
    return;
  }
  const std::size_t mark = gap.find_first_not_of(" \t\r\n\v\f");
  if (gap.substr(mark).starts_with("*/")) {
    out += " */";
    return append_gap(out, gap.substr(mark + 2));
  }
  out += gap.find('\n') == gap.npos ? " /* */ " : " /* */\n";
}

}  // namespace

std::string redacted(std::string_view sql, const mysqlwire::sql::Dialect& dialect,
                     std::size_t limit) {
  using mysqlwire::sql::TokenKind;
  std::string out;
  out.reserve(std::min(limit, sql.size()));
  mysqlwire::sql::Lexer lexer(sql, dialect);
  std::size_t at = 0;
  bool version_comment = false;
  while (out.size() < limit) {
    const mysqlwire::sql::Token token = lexer.next();
    if (token.kind == TokenKind::end) break;
    const auto begin = static_cast<std::size_t>(token.text.data() - sql.data());
    const std::string_view gap = sql.substr(at, begin - at);
    const std::size_t opened = gap.rfind("/*");
    if (opened != gap.npos && gap.find("*/", opened) == gap.npos && gap.find('!') != gap.npos) {
      version_comment = true;
      append_gap(out, gap.substr(0, opened));
      out += gap.substr(opened);  // "/*!50110 "
    } else if (version_comment || gap.find("*/") == gap.npos || !is_blank(gap)) {
      append_gap(out, gap);
    }
    at = begin + token.text.size();
    if (token.kind == TokenKind::invalid) {
      out += '?';
      if (at >= sql.size()) break;
    } else if (token.is_literal()) {
      out += '?';
    } else {
      out += token.text;
    }
  }
  if (out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace mysqlproxy
