#include <mysqlwire/sql/lexer.hpp>
#include <mysqlwire/sql/session_dialect.hpp>
#include <mysqlwire/wire/ascii_detail.hpp>
#include <mysqlwire/wire/collation.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace mysqlwire::sql {
namespace {

constexpr std::size_t longest_modes = 4096;  // of CONCAT(@@sql_mode, …) again and again

bool is_word(std::string_view text, std::string_view word) noexcept {
  return detail::equal_ignoring_case(text, word);
}

std::string_view unquoted(const Token& token) noexcept {
  const std::string_view text = token.text;
  const bool quoted = token.kind == TokenKind::string || token.kind == TokenKind::quoted_identifier;
  if (!quoted || text.size() < 2) return text;
  const std::size_t begin = text.front() == 'N' || text.front() == 'n' ? 2 : 1;
  return begin < text.size() ? text.substr(begin, text.size() - begin - 1) : std::string_view();
}

// The assignments of one SET statement.
class Assignments {
 public:
  Assignments(std::string_view sql, const Dialect& dialect) : lexer_(sql, dialect) { take(); }

  const Token& token() const noexcept { return token_; }
  void take() { token_ = lexer_.next(); }
  bool take_word(std::string_view upper) {
    if (!is_word(token_.text, upper)) return false;
    take();
    return true;
  }
  bool at_end() const noexcept { return token_.kind == TokenKind::end || token_.is(';'); }

  // The name of a variable of the session, and the sign behind it; nothing for any other.
  std::optional<std::string_view> take_name() {
    bool is_global = false;
    if (token_.kind == TokenKind::at) return std::nullopt;
    if (token_.kind == TokenKind::at_at) take();
    for (;;) {
      const std::string_view word = unquoted(token_);
      take();
      const bool is_scope = is_word(word, "SESSION") || is_word(word, "LOCAL") ||
                            is_word(word, "GLOBAL") || is_word(word, "PERSIST") ||
                            is_word(word, "PERSIST_ONLY");
      if (!is_scope || at_end()) return is_global || !take_sign() ? std::nullopt : name(word);
      is_global = !is_word(word, "SESSION") && !is_word(word, "LOCAL");
      if (token_.is('.')) take();
    }
  }

  // Up to the comma behind an assignment.
  void skip_value() {
    for (int depth = 0; !at_end(); take()) {
      if (token_.is('(')) ++depth;
      if (token_.is(')')) --depth;
      if (token_.is(',') && depth == 0) break;
    }
    if (token_.is(',')) take();
  }

  // The value of sql_mode where it can be told.
  std::optional<std::string> take_modes(std::string_view current) {
    if (take_word("DEFAULT")) return std::string();
    const bool is_concat = take_word("CONCAT");
    if (is_concat) take();  // (
    std::string modes;
    for (;; take()) {
      if (token_.kind == TokenKind::at_at) {
        take();
        if (take_word("SESSION") || take_word("LOCAL")) take();  // .
        if (!is_word(token_.text, "SQL_MODE")) return std::nullopt;
        modes += current;
      } else if (token_.kind == TokenKind::string || token_.is_identifier()) {
        modes += unquoted(token_);
      } else {
        return std::nullopt;
      }
      take();
      if (!is_concat || token_.is(')')) break;
      if (!token_.is(',')) return std::nullopt;
    }
    if (is_concat) take();
    return at_end() || token_.is(',') ? std::optional(std::move(modes)) : std::nullopt;
  }

 private:
  static std::optional<std::string_view> name(std::string_view word) { return word; }
  bool take_sign() {
    if (!token_.is('=') && token_.kind != TokenKind::assign) return false;
    take();
    return true;
  }

  Lexer lexer_;
  Token token_;
};

}  // namespace

void SessionDialect::begin(std::uint16_t collation) {
  collation_ = collation;
  set_charset(charset_name(collation));
  set_modes({});
}

void SessionDialect::set_charset(std::string_view name) { dialect_.multibyte = multibyte_of(name); }

void SessionDialect::set_modes(std::string modes) {
  if (modes.size() > longest_modes) return;
  modes_ = std::move(modes);
  dialect_.set_sql_mode(modes_);
}

void SessionDialect::on_variable(std::string_view name, std::string_view value) {
  if (is_word(name, "CHARACTER_SET_CLIENT")) set_charset(value);
  if (is_word(name, "SQL_MODE")) set_modes(std::string(value));
}

void SessionDialect::on_statement(std::string_view sql) {
  Assignments set(sql, dialect_);
  if (!set.take_word("SET")) return;
  while (!set.at_end()) {
    const bool is_names = set.take_word("NAMES");
    const bool is_charset = !is_names && (set.take_word("CHARSET") || set.take_word("CHARACTER"));
    if (is_charset) (void)set.take_word("SET");
    if (is_names || is_charset) {
      const std::string_view charset = unquoted(set.token());
      set_charset(is_word(charset, "DEFAULT") ? charset_name(collation_) : charset);
    } else if (const auto name = set.take_name()) {
      if (is_word(*name, "CHARACTER_SET_CLIENT")) {
        set_charset(unquoted(set.token()));
      } else if (is_word(*name, "SQL_MODE")) {
        if (auto modes = set.take_modes(modes_)) set_modes(std::move(*modes));
      }
    }
    set.skip_value();
  }
}

}  // namespace mysqlwire::sql
