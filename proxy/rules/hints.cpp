#include "proxy/rules/hints.hpp"

#include "proxy/rules/text_pattern.hpp"

#include <mysqlwire/sql/lexer.hpp>

#include <algorithm>

namespace mysqlproxy::rules {
namespace {

bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

bool is_separator(char c) noexcept {
  return c == ' ' || c == ',' || c == ';' || (c >= '\t' && c <= '\r');
}

/// The hints of a comment's inside.
void read_comment(std::string_view text, Hints& hints) noexcept {
  while (!text.empty()) {
    const auto start = std::ranges::find_if_not(text, is_separator);
    text.remove_prefix(static_cast<std::size_t>(start - text.begin()));
    const auto end = std::ranges::find_if(text, is_separator);
    const std::string_view item = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(item.size());
    const std::size_t equals = item.find('=');
    if (equals == item.npos) continue;
    const Hint hint{item.substr(0, equals), item.substr(equals + 1)};
    if (!hint.key.empty() && !hint.value.empty() && std::ranges::all_of(hint.key, is_word) &&
        std::ranges::all_of(hint.value, is_word))
      hints.add(hint);
  }
}

/// `gap` is what the lexer passed over between two tokens: blanks, comments, and the marks of
/// version comments whose content was code.
void read_gap(std::string_view gap, Hints& hints) noexcept {
  std::size_t at = 0;
  while (at < gap.size()) {
    const std::string_view rest = gap.substr(at);
    if (rest.starts_with("/*")) {
      std::size_t end = rest.find("*/", 2);
      if (end == rest.npos) end = rest.size();
      const bool version = rest.starts_with("/*!") || rest.starts_with("/*M!");
      if (!version && !rest.starts_with("/*+")) read_comment(rest.substr(2, end - 2), hints);
      // The mark of a version comment that is entered ends before the next token, not at `*/`.
      at += version && end == rest.size() ? rest.size() : end + 2;
    } else if (rest.starts_with('#') || rest.starts_with("--")) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const std::size_t mark = rest[0] == '#' ? 1 : 2;
      read_comment(rest.substr(mark, end - mark), hints);
      at += end;
    } else {
      ++at;
    }
  }
}

}  // namespace

std::string_view Hints::find(std::string_view key, bool ignore_case) const noexcept {
  for (const Hint& hint : all()) {
    if (matches_pattern(key, hint.key, ignore_case)) return hint.value;
  }
  return {};
}

Hints find_hints(std::string_view sql, const mysqlwire::sql::Dialect& dialect) noexcept {
  Hints hints;
  mysqlwire::sql::Lexer lexer(sql, dialect);
  std::size_t end = 0;
  for (;;) {
    const auto token = lexer.next();
    const bool last = token.kind == mysqlwire::sql::TokenKind::end;
    const std::size_t start =
        last ? sql.size() : static_cast<std::size_t>(token.text.data() - sql.data());
    if (start > end) read_gap(sql.substr(end, start - end), hints);
    if (last) return hints;
    end = start + token.text.size();
    if (token.kind == mysqlwire::sql::TokenKind::symbol && token.text == ";") return hints;
  }
}

}  // namespace mysqlproxy::rules
