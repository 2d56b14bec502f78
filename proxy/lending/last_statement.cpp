#include "proxy/lending/last_statement.hpp"

#include <mysqlwire/sql/keyword.hpp>
#include <mysqlwire/sql/lexer.hpp>

#include <cstddef>

namespace mysqlproxy::lending {

namespace {

using mysqlwire::sql::Lexer;
using mysqlwire::sql::Token;
using mysqlwire::sql::TokenKind;
using enum mysqlwire::sql::Keyword;

bool is_call(const Token& token) noexcept {
  return (token.kind == TokenKind::identifier || token.kind == TokenKind::keyword) &&
         (token.keyword == k_FOUND_ROWS || token.keyword == k_ROW_COUNT);
}

/// Behind it an item of a SELECT list begins, or may begin.
bool begins_item(const Token& token) noexcept {
  switch (token.keyword) {
    case k_SELECT:
    case k_ALL:
    case k_DISTINCT:
    case k_DISTINCTROW:
    case k_HIGH_PRIORITY:
    case k_SQL_NO_CACHE: return true;
    default: return token.is(',');
  }
}

/// With it an item that has no alias ends.
bool ends_item(const Token& token) noexcept {
  switch (token.keyword) {
    case k_FROM:
    case k_INTO:
    case k_WHERE:
    case k_GROUP:
    case k_HAVING:
    case k_ORDER:
    case k_LIMIT:
    case k_UNION:
    case k_EXCEPT:
    case k_INTERSECT:
    case k_FOR:
    case k_LOCK: return true;
    default: return token.kind == TokenKind::end || token.is(',') || token.is(';');
  }
}

/// What a token does to the number of parentheses that are open.
int step(const Token& token) noexcept { return token.is('(') ? 1 : token.is(')') ? -1 : 0; }

}  // namespace

std::optional<std::string> with_values(std::string_view sql, const LastStatement& last,
                                       const mysqlwire::sql::Dialect& dialect) {
  std::string text;
  std::size_t taken = 0;
  Lexer lexer(sql, dialect);
  Token before;
  int depth = 0;
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    const Token name = token;
    const Token front = before;
    before = token;
    depth += step(token);
    if (token.is(';')) break;  // what follows asks about this one
    if (!is_call(name)) continue;
    const Token open = lexer.next();
    const Token close = open.is('(') ? lexer.next() : open;
    before = close;
    if (!open.is('(') || !close.is(')')) {
      depth += step(open) + (open.is('(') ? step(close) : 0);
      continue;
    }
    const auto begin = static_cast<std::size_t>(name.text.data() - sql.data());
    const std::size_t end = lexer.offset();
    text += sql.substr(taken, begin - taken);
    const std::string value = name.keyword == k_ROW_COUNT ? std::to_string(last.row_count)
                                                          : std::to_string(last.found_rows);
    const std::string_view call = sql.substr(begin, end - begin);
    // Of the type that the call itself has.
    text.append("IF(0, ").append(call).append(", ").append(value).append(")");
    taken = end;
    Lexer ahead = lexer;
    if (depth == 0 && begins_item(front) && ends_item(ahead.next()))
      text.append(" AS `").append(call).append("`");
  }
  if (taken == 0) return std::nullopt;
  text += sql.substr(taken);
  return text;
}

}  // namespace mysqlproxy::lending
