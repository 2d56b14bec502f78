#include <mysqlwire/sql/digest.hpp>
#include <mysqlwire/sql/lexer.hpp>

#include <array>
#include <cstring>

namespace mysqlwire::sql {
namespace {

// What the tokens that were written last are, as far as later ones may change them.
enum class Part : std::uint8_t {
  none,  // nothing, or too long ago
  other,
  name,            // an identifier: what follows is no expression's beginning
  before_sign,     // NOT of NOT NULL: a sign behind it is unary, but NULL is a word
  before_operand,  // a keyword or operator that an operand follows: a sign behind it is unary
  before_null,     // a keyword or operator behind which NULL is a value, but a sign a token
  open,
  comma,
  in,
  sign,  // a unary + or -, or several
  null,  // NULL as a word, not as a value
  value,
  values,
  row_of_one,
  rows_of_one,
  row,
  rows,
};

std::string_view text_of(Part part) noexcept {
  switch (part) {
    case Part::value: return "?";
    case Part::values: return "?, ...";
    case Part::row_of_one: return "(?)";
    case Part::rows_of_one: return "(?) /* , ... */";
    case Part::row: return "(...)";
    case Part::rows: return "(...) /* , ... */";
    default: return "";
  }
}

bool is_value(Part part) noexcept { return part == Part::value || part == Part::values; }

// The digest under construction: text in the caller's buffer, and the last parts with their places,
// so that they can be taken back when what follows makes them one.
class Text {
 public:
  explicit Text(std::span<char> buffer) noexcept : buffer_(buffer) {}

  Part last(std::size_t back = 0) const noexcept {
    return back < count_ ? entries_[(top_ - back) % depth].part : Part::none;
  }

  void pop(std::size_t count = 1) noexcept {
    for (; count > 0 && count_ > 0; --count, --count_, --top_) {
      size_ = entries_[top_ % depth].start;
      joined_ = entries_[top_ % depth].joined;
    }
  }

  // Begins a token: a blank, unless the one before it says otherwise.
  void begin(Part part) noexcept {
    ++top_;
    if (count_ < depth) ++count_;
    entries_[top_ % depth] = {part, joined_, size_};
    if (size_ > 0 && !joined_) append(" ");
    joined_ = false;
  }

  void push(Part part, std::string_view text) noexcept {
    begin(part);
    append(text);
  }

  void append(std::string_view text) noexcept {
    if (text.size() <= buffer_.size() - size_ && !truncated_) {
      std::memcpy(buffer_.data() + size_, text.data(), text.size());
      size_ += text.size();
    } else {
      truncated_ = truncated_ || !text.empty();
    }
  }

  // The next token follows without a blank.
  void join() noexcept { joined_ = true; }

  std::string_view text() const noexcept { return {buffer_.data(), size_}; }
  bool truncated() const noexcept { return truncated_; }

 private:
  // The longest that is looked back over is `IN ( ? , -`, and a pop needs what is below it.
  static constexpr std::size_t depth = 8;
  struct Entry {
    Part part = Part::none;
    bool joined = false;  // begins without a blank
    std::size_t start = 0;
  };

  std::span<char> buffer_;
  std::size_t size_ = 0;
  std::array<Entry, depth> entries_{};
  std::size_t top_ = 0;
  std::size_t count_ = 0;
  bool joined_ = false;
  bool truncated_ = false;
};

// Signs are part of a number, but not of a string, a placeholder or NULL.
void push_value(Text& text, bool number) noexcept {
  if (number && text.last() == Part::sign) text.pop();
  if (text.last() == Part::comma && is_value(text.last(1))) {
    text.pop(2);
    text.push(Part::values, text_of(Part::values));
  } else {
    text.push(Part::value, text_of(Part::value));
  }
}

void push_close(Text& text) noexcept {
  if (!is_value(text.last()) || text.last(1) != Part::open) {
    text.push(Part::other, ")");
    return;
  }
  const bool one = text.last() == Part::value;
  Part row = one ? Part::row_of_one : Part::row;
  const Part rows = one ? Part::rows_of_one : Part::rows;
  text.pop(2);
  if (text.last() == Part::comma && (text.last(1) == row || text.last(1) == rows)) {
    text.pop(2);
    row = rows;
  } else if (text.last() == Part::in) {
    text.pop();
    text.push(Part::other, "IN (...)");
    return;
  }
  text.push(row, text_of(row));
}

// True where an operand is expected: what follows is its beginning.
bool expects_operand(Part part) noexcept {
  return part == Part::before_operand || part == Part::before_null || part == Part::open ||
         part == Part::comma;
}

void push_sign(Text& text, std::string_view sign) noexcept {
  if (text.last() == Part::sign) {  // one part for all of them
    text.append(" ");
    text.append(sign);
  } else if (text.last() == Part::before_null ||
             !(expects_operand(text.last()) || text.last() == Part::before_sign)) {
    text.push(Part::before_operand, sign);
  } else {
    text.push(Part::sign, sign);
  }
}

// NULL is a value where an operand is expected; elsewhere (IS NULL, a column that may be NULL) it
// is a word.
void push_null(Text& text) noexcept {
  if (expects_operand(text.last()) || text.last() == Part::sign) {
    push_value(text, false);
  } else {
    text.push(Part::null, "NULL");
  }
}

// `operand`: the word stands where an operand is expected.
Part part_of(Keyword word, bool operand) noexcept {
  using enum Keyword;
  switch (word) {
    case k_IN: return Part::in;
    case k_NOT: return operand ? Part::before_operand : Part::before_sign;
    case k_BINARY: return operand ? Part::before_null : Part::other;
    case k_AND:
    case k_BETWEEN:
    case k_CASE:
    case k_DEFAULT:
    case k_DIV:
    case k_ELSEIF:
    case k_ENDS:
    case k_EVERY:
    case k_IF:
    case k_INTERVAL:
    case k_LIKE:
    case k_MOD:
    case k_OR:
    case k_REGEXP:
    case k_RETURN:
    case k_RLIKE:
    case k_SELECT:
    case k_STARTS:
    case k_UNTIL:
    case k_WHEN:
    case k_WHILE:
    case k_XOR: return Part::before_operand;
    case k_ALL:
    case k_AT:
    case k_BOTH:
    case k_BY:
    case k_CONDITION:
    case k_DISTINCT:
    case k_DISTINCTROW:
    case k_DO:
    case k_ELSE:
    case k_FROM:
    case k_HAVING:
    case k_HIGH_PRIORITY:
    case k_LEADING:
    case k_ON:
    case k_SQL_BIG_RESULT:
    case k_SQL_BUFFER_RESULT:
    case k_SQL_CALC_FOUND_ROWS:
    case k_SQL_NO_CACHE:
    case k_SQL_SMALL_RESULT:
    case k_STRAIGHT_JOIN:
    case k_THEN:
    case k_TRAILING:
    case k_WHERE: return Part::before_null;
    default: return Part::other;
  }
}

// A quoted identifier's content, doubled quotes undone, in backticks: not quoted again, as in
// MySQL's digests.
void push_quoted(Text& text, std::string_view quoted) noexcept {
  const char quote = quoted.front();
  std::string_view content = quoted.substr(1, quoted.size() - 2);
  text.push(Part::name, "`");
  for (std::size_t at; (at = content.find(quote)) != std::string_view::npos;) {
    text.append(content.substr(0, at + 1));
    content.remove_prefix(at + 2 <= content.size() ? at + 2 : content.size());
  }
  text.append(content);
  text.append("`");
}

void push_name(Text& text, std::string_view name) noexcept {
  text.push(Part::name, "`");
  text.append(name);
  text.append("`");
}

void push_symbol(Text& text, std::string_view symbol) noexcept {
  switch (symbol[0]) {
    case '(': text.push(Part::open, symbol); break;
    case ')': push_close(text); break;
    case ',': text.push(Part::comma, symbol); break;
    case '+':
    case '-': push_sign(text, symbol); break;
    case '*':
    case '/':
    case '%':
    case '^':
    case '&':
    case '|': text.push(Part::before_operand, symbol); break;
    case '=':
    case '<':
    case '>':
    case '~':
    case '!': text.push(Part::before_null, symbol); break;
    default: text.push(Part::other, symbol); break;
  }
}

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

void append_upper(Text& text, std::string_view word) noexcept {
  for (const char c : word) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    text.append({&upper, 1});
  }
}

// Optimizer hints: `/*+ NAME ( `table`@`block` ? ) */`.
void push_hints(Text& text, std::string_view hint, const Dialect& dialect) noexcept {
  Lexer lexer(hint.substr(3, hint.size() - 5), dialect);
  Token token = lexer.next();
  if (token.kind == TokenKind::end) return;
  text.push(Part::other, "/*+");
  while (token.kind != TokenKind::end) {
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
          push_name(text, token.text);
        }
        break;
      case TokenKind::quoted_identifier: push_quoted(text, token.text); break;
      case TokenKind::symbol: push_symbol(text, token.text); break;
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

void push_token(Text& text, const Token& token, const Dialect& dialect) noexcept {
  switch (token.kind) {
    case TokenKind::keyword:
      if (token.keyword == Keyword::k_NULL) {
        push_null(text);
      } else {
        text.push(part_of(token.keyword, expects_operand(text.last())),
                  keyword_shown(token.keyword));
      }
      break;
    case TokenKind::null_escape: push_null(text); break;
    case TokenKind::identifier: push_name(text, token.text); break;
    case TokenKind::quoted_identifier: push_quoted(text, token.text); break;
    case TokenKind::integer:
    case TokenKind::decimal:
    case TokenKind::floating:
    case TokenKind::hex:
    case TokenKind::bits: push_value(text, true); break;
    case TokenKind::string:
    case TokenKind::parameter:
    case TokenKind::at_name: push_value(text, false); break;
    case TokenKind::introducer: text.push(Part::other, "(_charset)"); break;
    case TokenKind::at:
    case TokenKind::at_at:
      text.push(Part::other, token.text);
      text.join();
      break;
    case TokenKind::hint: push_hints(text, token.text, dialect); break;
    case TokenKind::symbol: push_symbol(text, token.text); break;
    case TokenKind::not_equal: text.push(Part::before_null, "!="); break;
    case TokenKind::assign:
    case TokenKind::equal_null:
    case TokenKind::less_equal:
    case TokenKind::greater_equal: text.push(Part::before_null, token.text); break;
    case TokenKind::and_and:
    case TokenKind::or_or:
    case TokenKind::shift_left:
    case TokenKind::shift_right: text.push(Part::before_operand, token.text); break;
    case TokenKind::arrow:
    case TokenKind::arrow_text:
    case TokenKind::invalid:
    case TokenKind::end: text.push(Part::other, token.text); break;
  }
}

std::uint64_t load(const char* bytes, std::size_t size) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return value;
}

std::uint64_t mix(std::uint64_t value) noexcept {
  value ^= value >> 32;
  value *= 0xD6E8FEB86659FD93ULL;
  value ^= value >> 29;
  return value;
}

}  // namespace

std::uint64_t digest_hash(std::string_view text) noexcept {
  std::uint64_t value = 0x9E3779B97F4A7C15ULL ^ text.size();
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    value = mix(value ^ load(text.data() + at, 8)) * 0xA0761D6478BD642FULL;
  }
  value = mix(value ^ load(text.data() + at, text.size() - at)) * 0xE7037ED1A0B428DBULL;
  return mix(mix(value));
}

Digest digest(std::string_view sql, const Dialect& dialect, std::span<char> buffer) noexcept {
  Text text(buffer);
  Lexer lexer(sql, dialect);
  Digest result;
  Token token = lexer.next();
  while (token.kind != TokenKind::end && !text.truncated()) {
    if (token.kind == TokenKind::invalid) result.invalid = true;
    const Token current = token;
    token = lexer.next();
    if (token.kind == TokenKind::end && current.is(';')) break;
    push_token(text, current, dialect);
  }
  result.text = text.text();
  result.hash = digest_hash(result.text);
  result.truncated = text.truncated();
  return result;
}

}  // namespace mysqlwire::sql
