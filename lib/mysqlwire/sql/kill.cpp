#include <mysqlwire/sql/kill.hpp>
#include <mysqlwire/sql/lexer.hpp>

#include <charconv>
#include <system_error>

namespace mysqlwire::sql {
namespace {

// HARD and SOFT are keywords of MariaDB only, and of no harm in MySQL.
bool is_word(const Token& token, Keyword word) noexcept {
  return token.keyword == word &&
         (token.kind == TokenKind::keyword || token.kind == TokenKind::identifier);
}

// What stands behind the target; the end, or `;` and perhaps more.
bool ends(Lexer& lexer, KillStatement& kill) noexcept {
  const Token after = lexer.next();
  if (after.kind == TokenKind::end) return true;
  if (!after.is(';')) return false;
  kill.alone = lexer.next().kind == TokenKind::end;
  return true;
}

}  // namespace

std::optional<KillStatement> parse_kill(std::string_view sql, const Dialect& dialect) noexcept {
  Lexer lexer(sql, dialect);
  if (!lexer.next().is(Keyword::k_KILL)) return std::nullopt;
  KillStatement kill;
  Token token = lexer.next();
  if (is_word(token, Keyword::k_HARD) || is_word(token, Keyword::k_SOFT)) token = lexer.next();
  if (is_word(token, Keyword::k_CONNECTION)) {
    token = lexer.next();
  } else if (is_word(token, Keyword::k_QUERY)) {
    kill.scope = KillStatement::Scope::query;
    token = lexer.next();
    if (is_word(token, Keyword::k_ID)) {
      kill.target = KillStatement::Target::query_id;
      token = lexer.next();
    }
  }
  if (token.kind == TokenKind::end || token.is(';')) return std::nullopt;
  if (is_word(token, Keyword::k_USER)) {
    kill.target = KillStatement::Target::user;
    return kill;
  }
  const char* end = token.text.data() + token.text.size();
  if (token.kind == TokenKind::integer) {
    if (std::from_chars(token.text.data(), end, kill.id).ec != std::errc()) return std::nullopt;
    kill.id_offset = static_cast<std::size_t>(token.text.data() - sql.data());
    kill.id_size = token.text.size();
    if (ends(lexer, kill)) return kill;
  }
  if (token.kind == TokenKind::invalid) return std::nullopt;
  return KillStatement{kill.scope, KillStatement::Target::expression};
}

}  // namespace mysqlwire::sql
