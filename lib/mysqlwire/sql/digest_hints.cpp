#include <mysqlwire/sql/digest_detail.hpp>

namespace mysqlwire::sql::detail {
namespace {

// Words of hints that are no names though no parenthesis follows.
bool is_hint_strategy(std::string_view word) noexcept {
  constexpr std::string_view words[] = {"DUPSWEEDOUT", "FIRSTMATCH", "INTOEXISTS", "LOOSESCAN",
                                        "MATERIALIZATION"};
  for (const std::string_view known : words) {
    if (known.size() != word.size()) continue;
    std::size_t i = 0;
    while (i < word.size() && (word[i] & ~0x20) == known[i]) ++i;
    if (i == word.size()) return true;
  }
  return false;
}

void append_upper(DigestText& text, std::string_view word) noexcept {
  for (const char c : word) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    text.append({&upper, 1});
  }
}

}  // namespace

void push_hints(DigestText& text, std::string_view hint, const Dialect& dialect) noexcept {
  Lexer lexer(hint.substr(3, hint.size() - 5), dialect);
  Token token = lexer.next();
  if (token.kind == TokenKind::end) return;
  text.push(Part::other, "/*+");
  while (token.kind != TokenKind::end && !text.truncated()) {
    const Token after = lexer.next();
    switch (token.kind) {
      case TokenKind::at:
        // Behind a table's name without a blank, before a block's name always.
        if (text.last() == Part::name) text.join();
        text.push(Part::other, "@");
        text.join();
        break;
      case TokenKind::at_name:
      case TokenKind::identifier:
      case TokenKind::keyword:
        if (token.text[0] >= '0' && token.text[0] <= '9') {  // 16M
          push_value(text, true);
        } else if (after.is('(') || is_hint_strategy(token.text)) {
          text.begin(Part::other);
          append_upper(text, token.text);
        } else {
          text.push_name(token.text);
        }
        break;
      case TokenKind::quoted_identifier: push_quoted(text, token.text); break;
      case TokenKind::symbol: push_symbol(text, token.text[0]); break;
      default:
        if (token.is_literal()) {
          push_value(text, true);
        } else {
          text.push(Part::other, token.text);
        }
        break;
    }
    token = after;
  }
  text.push(Part::other, "*/");
}

}  // namespace mysqlwire::sql::detail
