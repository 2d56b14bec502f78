#include <mysqlwire/sql/digest_detail.hpp>
#include <mysqlwire/sql/keyword_detail.hpp>

#include <bit>

namespace mysqlwire::sql {
namespace detail {
namespace {

// Copies of a fixed size are cheaper than those of the right one, where there is room for them.
constexpr std::size_t block = 16;

}  // namespace

void DigestText::push_keyword(Part part, Keyword keyword) noexcept {
  const ShownKeyword& shown = shown_keywords[static_cast<std::size_t>(keyword)];
  if (!has_room(1 + ShownKeyword::room)) return push(part, {shown.text, shown.size});
  note(part);
  separate();
  std::memcpy(data_ + size_, shown.text, block);
  if (shown.size > block) {
    std::memcpy(data_ + size_ + block, shown.text + block, ShownKeyword::room - block);
  }
  size_ += shown.size;
}

void DigestText::push_name(std::string_view name) noexcept {
  if (!has_room(3 + block + name.size())) {
    push(Part::name, "`");
    append(name);
    return append("`");
  }
  note(Part::name);
  separate();
  data_[size_++] = '`';
  if (name.size() <= block && static_cast<std::size_t>(sql_end_ - name.data()) >= block) {
    std::memcpy(data_ + size_, name.data(), block);
  } else {
    std::memcpy(data_ + size_, name.data(), name.size());
  }
  size_ += name.size();
  data_[size_++] = '`';
}

namespace {

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

}  // namespace

// Signs are part of a number, but not of a string, a placeholder or NULL.
void push_value(DigestText& text, bool number) noexcept {
  if (number && text.last() == Part::sign) text.pop();
  if (text.last() == Part::comma && is_value(text.last(1))) {
    text.pop(2);
    text.push(Part::values, text_of(Part::values));
  } else {
    text.push(Part::value, text_of(Part::value));
  }
}

namespace {

void push_close(DigestText& text) noexcept {
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
bool expects_operand(Part part) noexcept { return part >= Part::before_operand; }

void push_sign(DigestText& text, char sign) noexcept {
  if (text.last() == Part::sign) {  // one part for all of them
    text.append(" ");
    text.append({&sign, 1});
  } else if (text.last() == Part::before_null ||
             !(expects_operand(text.last()) || text.last() == Part::before_sign)) {
    text.push(Part::before_operand, sign);
  } else {
    text.push(Part::sign, sign);
  }
}

// NULL is a value where an operand is expected; elsewhere (IS NULL, a column that may be NULL) it
// is a word.
void push_null(DigestText& text) noexcept {
  if (expects_operand(text.last()) || text.last() == Part::sign) {
    push_value(text, false);
  } else {
    text.push(Part::null, "NULL");
  }
}

// What the word is; NOT and BINARY are others where an operand is expected.
consteval Part part_of(Keyword word) noexcept {
  using enum Keyword;
  switch (word) {
    case k_IN: return Part::in;
    case k_NOT: return Part::before_sign;
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

constexpr std::array<Part, keyword_count> parts = []() consteval {
  std::array<Part, keyword_count> result{};
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = part_of(static_cast<Keyword>(i));
  return result;
}();

void push_keyword(DigestText& text, Keyword word) noexcept {
  Part part = parts[static_cast<std::size_t>(word)];
  if (word == Keyword::k_NULL) return push_null(text);
  if (word == Keyword::k_NOT && expects_operand(text.last())) part = Part::before_operand;
  if (word == Keyword::k_BINARY && expects_operand(text.last())) part = Part::before_null;
  text.push_keyword(part, word);
}

}  // namespace

void push_quoted(DigestText& text, std::string_view quoted) noexcept {
  const char quote = quoted.front();
  std::string_view content = quoted.substr(1, quoted.size() - 2);
  if (content.find(quote) == std::string_view::npos) return text.push_name(content);
  text.push(Part::name, "`");
  for (std::size_t at; (at = content.find(quote)) != std::string_view::npos;) {
    text.append(content.substr(0, at + 1));
    content.remove_prefix(at + 2 <= content.size() ? at + 2 : content.size());
  }
  text.append(content);
  text.append("`");
}

void push_symbol(DigestText& text, char symbol) noexcept {
  switch (symbol) {
    case '(': return text.push(Part::open, '(');
    case ')': return push_close(text);
    case ',': return text.push(Part::comma, ',');
    case '+':
    case '-': return push_sign(text, symbol);
    case '*':
    case '/':
    case '%':
    case '^':
    case '&':
    case '|': return text.push(Part::before_operand, symbol);
    case '=':
    case '<':
    case '>':
    case '~':
    case '!': return text.push(Part::before_null, symbol);
    default: return text.push(Part::other, symbol);
  }
}

void DigestBuilder::push(const Token& token) noexcept {
  DigestText& text = text_;
  switch (token.kind) {
    case TokenKind::keyword: return push_keyword(text, token.keyword);
    case TokenKind::null_escape: push_null(text); break;
    case TokenKind::identifier: text.push_name(token.text); break;
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
    case TokenKind::hint: push_hints(text, token.text, dialect_); break;
    case TokenKind::symbol:
      if (token.text[0] == ';') {
        semicolon_ = true;
      } else {
        push_symbol(text, token.text[0]);
      }
      break;
    case TokenKind::not_equal: text.push(Part::before_null, "!="); break;
    case TokenKind::assign:
    case TokenKind::equal_null:
    case TokenKind::less_equal:
    case TokenKind::greater_equal: text.push(Part::before_null, token.text); break;
    case TokenKind::and_and:
    case TokenKind::or_or:
    case TokenKind::shift_left:
    case TokenKind::shift_right: text.push(Part::before_operand, token.text); break;
    case TokenKind::invalid: invalid_ = true; [[fallthrough]];
    case TokenKind::arrow:
    case TokenKind::arrow_text:
    case TokenKind::end: text.push(Part::other, token.text); break;
  }
}

void DigestBuilder::push_semicolon() noexcept {
  semicolon_ = false;
  text_.push(Part::other, ';');
}

void DigestBuilder::finish(Digest& result) const noexcept {
  result.text = text_.text();
  result.hash = digest_hash(result.text);
  result.truncated = text_.truncated();
  result.invalid = invalid_;
}

}  // namespace detail

namespace {

// Little-endian on every machine.
std::uint64_t load(const char* bytes, std::size_t size) noexcept {
  std::uint64_t value = 0;
  if (std::endian::native == std::endian::little && size == sizeof(value)) {
    std::memcpy(&value, bytes, sizeof(value));
    return value;
  }
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

// Two sums, so that neither waits for the other; the last words overlap what came before.
std::uint64_t digest_hash(std::string_view text) noexcept {
  constexpr std::uint64_t factor = 0x9E3779B97F4A7C15ULL, other = 0xA0761D6478BD642FULL;
  std::uint64_t even = factor ^ text.size(), odd = other + text.size();
  std::size_t at = 0;
  for (; at + 16 <= text.size(); at += 16) {
    even = std::rotl((even ^ load(text.data() + at, 8)) * factor, 29);
    odd = std::rotl((odd ^ load(text.data() + at + 8, 8)) * other, 31);
  }
  if (text.size() >= 16) {
    even ^= load(text.data() + text.size() - 16, 8);
    odd ^= load(text.data() + text.size() - 8, 8);
  } else {
    const std::size_t first = text.size() < 8 ? text.size() : 8;
    even ^= load(text.data(), first);
    odd ^= load(text.data() + first, text.size() - first);
  }
  return mix(mix(even * other) ^ odd * factor);
}

Digest digest(std::string_view sql, const Dialect& dialect, std::span<char> buffer) noexcept {
  detail::DigestBuilder builder(sql, dialect, buffer);
  Lexer lexer(sql, dialect);
  Token token;
  for (lexer.read(token); token.kind != TokenKind::end && !builder.full(); lexer.read(token)) {
    builder.feed(token);
  }
  Digest result;
  builder.finish(result);
  return result;
}

}  // namespace mysqlwire::sql
