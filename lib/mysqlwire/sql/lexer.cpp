#include <mysqlwire/sql/lexer.hpp>
#include <mysqlwire/wire/collation.hpp>

#include <array>

namespace mysqlwire::sql {
namespace {

enum CharacterClass : std::uint8_t { other, blank, letter, high, digit };

// By byte. Letters are what a word is of; from 0x80 on it depends on the character set.
constexpr std::array<std::uint8_t, 256> classes = [] {
  std::array<std::uint8_t, 256> result{};
  for (unsigned c = 0; c < 256; ++c) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) result[c] = blank;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$')
      result[c] = letter;
    if (c >= 0x80) result[c] = high;
    if (c >= '0' && c <= '9') result[c] = digit;
  }
  return result;
}();

constexpr CharacterClass class_of(unsigned char c) noexcept {
  return static_cast<CharacterClass>(classes[c]);
}
constexpr bool is_digit(unsigned char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_hex_digit(unsigned char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr bool is_control(unsigned char c) noexcept { return c < 0x20 || c == 0x7F; }
constexpr bool within(unsigned char c, unsigned low, unsigned high_end) noexcept {
  return c >= low && c <= high_end;
}

// Bytes of the character that `text` begins with; 1 for a lead byte that nothing fitting follows.
std::size_t size_of_character(Multibyte set, std::string_view text) noexcept {
  if (set == Multibyte::none || set == Multibyte::latin1 || text.size() < 2) return 1;
  const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0), second = at(1);
  bool pair = false;
  switch (set) {
    case Multibyte::big5:
      pair =
          within(first, 0xA1, 0xF9) && (within(second, 0x40, 0x7E) || within(second, 0xA1, 0xFE));
      break;
    case Multibyte::sjis:
      pair = (within(first, 0x81, 0x9F) || within(first, 0xE0, 0xFC)) &&
             (within(second, 0x40, 0x7E) || within(second, 0x80, 0xFC));
      break;
    case Multibyte::gbk:
      pair =
          within(first, 0x81, 0xFE) && (within(second, 0x40, 0x7E) || within(second, 0x80, 0xFE));
      break;
    case Multibyte::gb18030:
      if (!within(first, 0x81, 0xFE)) return 1;
      pair = within(second, 0x40, 0x7E) || within(second, 0x80, 0xFE);
      if (!pair && text.size() >= 4 && is_digit(second) && within(at(2), 0x81, 0xFE) &&
          is_digit(at(3))) {
        return 4;
      }
      break;
    case Multibyte::none:
    case Multibyte::latin1: break;
  }
  return pair ? 2 : 1;
}

bool starts_with_hints(Keyword word) noexcept {
  return word == Keyword::k_SELECT || word == Keyword::k_INSERT || word == Keyword::k_REPLACE ||
         word == Keyword::k_UPDATE || word == Keyword::k_DELETE;
}

bool is_introducer(std::string_view word) noexcept {
  return word.size() > 1 && word[0] == '_' && default_collation(word.substr(1)).has_value();
}

}  // namespace

Token Lexer::operator_token(TokenKind kind, std::size_t size) noexcept {
  const std::size_t start = at_;
  at_ += size;
  return token(kind, start);
}

Token Lexer::unterminated(std::size_t start) noexcept {
  at_ = sql_.size();
  return token(TokenKind::invalid, start);
}

std::size_t Lexer::character_size() const noexcept {
  return size_of_character(dialect_.multibyte, sql_.substr(at_));
}

bool Lexer::at_word_character(std::size_t ahead) const noexcept {
  const unsigned char c = peek(ahead);
  if (class_of(c) == high) return dialect_.multibyte != Multibyte::latin1 || c != 0xA0;
  return class_of(c) >= letter;
}

void Lexer::skip_word() noexcept {
  if (dialect_.multibyte == Multibyte::none) {
    while (at_ < sql_.size() && class_of(static_cast<unsigned char>(sql_[at_])) >= letter) ++at_;
    return;
  }
  while (!at_end() && at_word_character()) {
    at_ += class_of(peek()) == high ? character_size() : 1;
  }
}

// From behind the opening quote to behind the closing one; false when there is none.
bool Lexer::skip_quoted(char quote, bool escapes) noexcept {
  while (at_ < sql_.size()) {
    const char c = sql_[at_];
    if (c == quote) {
      ++at_;
      if (at_end() || sql_[at_] != quote) return true;
      ++at_;  // doubled: one of the content
    } else if (c == '\\' && escapes) {
      ++at_;
      if (at_end()) return false;
      ++at_;
    } else if (dialect_.multibyte > Multibyte::latin1 &&
               class_of(static_cast<unsigned char>(c)) == high) {
      at_ += character_size();
    } else {
      ++at_;
    }
  }
  return false;
}

void Lexer::skip_line() noexcept {
  const auto found = sql_.find('\n', at_);
  at_ = found == std::string_view::npos ? sql_.size() : found + 1;
}

// From inside a comment to behind its end. A comment inside a version comment that is passed over
// is skipped with it, one level deep.
bool Lexer::pass_comment_end(bool nested) noexcept {
  for (;;) {
    const std::size_t found = nested ? sql_.find_first_of("*/", at_) : sql_.find('*', at_);
    if (found == std::string_view::npos) return false;
    at_ = found + 1;
    if (sql_[found] == '*' && peek() == '/') {
      ++at_;
      return true;
    }
    if (nested && sql_[found] == '/' && peek() == '*') {
      ++at_;
      pass_comment_end(false);
    }
  }
}

// At "/*!" or "/*M!": enters the comment or passes over it, as the server's version says. Five
// digits are a version; a sixth is part of it for MariaDB.
bool Lexer::skip_version_comment() noexcept {
  saw_version_comment_ = true;
  const bool mariadb_only = peek(2) == 'M';
  at_ += mariadb_only ? 4 : 3;
  std::uint32_t version = 0;
  std::size_t digits = 0;
  const std::size_t most = dialect_.flavor == Flavor::mariadb ? 6 : 5;
  while (digits < most && is_digit(peek(digits))) {
    version = version * 10 + (peek(digits) - '0');
    ++digits;
  }
  if (digits >= 5) {
    // What MySQL 5.7 and later understand need not be what MariaDB does.
    const bool foreign =
        dialect_.flavor == Flavor::mariadb && !mariadb_only && version >= 50700 && version <= 99999;
    if (version > dialect_.version || foreign) return pass_comment_end(true);
    at_ += digits;
  }
  in_version_comment_ = true;
  return true;
}

// At "/*".
bool Lexer::skip_comment() noexcept {
  saw_comment_ = true;
  if (peek(2) == '!' || (peek(2) == 'M' && peek(3) == '!' && dialect_.flavor == Flavor::mariadb)) {
    return skip_version_comment();
  }
  at_ += 2;
  return pass_comment_end(false);
}

// Blanks and comments; false when a comment has no end. Stops in front of hints.
bool Lexer::skip_blanks() noexcept {
  bool hints = hint_may_follow_;
  hint_may_follow_ = false;
  for (;;) {
    const unsigned char c = peek();
    if (class_of(c) == blank || (c == 0xA0 && dialect_.multibyte == Multibyte::latin1)) {
      ++at_;
    } else if (c == '/' && peek(1) == '*') {
      if (hints && peek(2) == '+') return true;
      if (!skip_comment()) return false;
      hints = false;
    } else if (c == '*' && in_version_comment_ && peek(1) == '/') {
      at_ += 2;
      in_version_comment_ = false;
    } else if (c == '#' || (c == '-' && peek(1) == '-' &&
                            (class_of(peek(2)) == blank || is_control(peek(2))))) {
      saw_comment_ = true;
      skip_line();
      hints = false;
    } else {
      return true;
    }
  }
}

Token Lexer::next() noexcept {
  const State state = state_;
  state_ = State::start;
  switch (state) {
    case State::name: return word_from(at_);
    case State::at_name: {
      const std::size_t start = at_;
      while (!at_end() && (at_word_character() || peek() == '.')) ++at_;
      return token(TokenKind::at_name, start);
    }
    case State::system_name: {
      const std::size_t start = at_;
      if (!at_word_character()) return token(TokenKind::invalid, start);
      skip_word();
      if (peek() == '.') state_ = State::dot;
      Token name = token(TokenKind::identifier, start);
      name.keyword = find_keyword(name.text);
      if (keyword_use(name.keyword, dialect_.flavor) == KeywordUse::always) {
        name.kind = TokenKind::keyword;
      }
      return name;
    }
    case State::dot:
      if (at_word_character(1)) state_ = State::name;
      return operator_token(TokenKind::symbol, 1);
    case State::start: break;
  }

  const std::size_t before = at_;
  if (!skip_blanks()) return unterminated(before);
  if (at_end()) {
    if (!in_version_comment_) return token(TokenKind::end, at_);
    in_version_comment_ = false;
    return token(TokenKind::invalid, at_);
  }
  const unsigned char c = peek();
  switch (class_of(c)) {
    case letter:
    case high: return word();
    case digit: return number();
    case blank:
    case other: break;
  }
  return punctuation();
}

Token Lexer::word() noexcept {
  const std::size_t start = at_;
  if (peek(1) == '\'') {
    switch (sql_[start]) {
      case 'n':
      case 'N': ++at_; return quoted_string(start);
      case 'x':
      case 'X': return quoted_digits(TokenKind::hex);
      case 'b':
      case 'B': return quoted_digits(TokenKind::bits);
      default: break;
    }
  }
  skip_word();
  if (at_ == start) {  // a byte that begins no word
    ++at_;
    return token(TokenKind::invalid, start);
  }
  Token result = token(TokenKind::identifier, start);
  if (peek() == '.' && at_word_character(1)) {
    state_ = State::dot;  // the first part of a name, whatever the word
    return result;
  }
  result.keyword = find_keyword(result.text);
  if (result.keyword != Keyword::none) {
    const KeywordUse use = keyword_use(result.keyword, dialect_.flavor);
    if (use == KeywordUse::always) {
      result.kind = TokenKind::keyword;
      hint_may_follow_ = starts_with_hints(result.keyword) && dialect_.optimizer_hints();
    } else if (use == KeywordUse::call) {
      std::size_t ahead = 0;
      while (dialect_.ignore_space && class_of(peek(ahead)) == blank) ++ahead;
      if (peek(ahead) == '(') result.kind = TokenKind::keyword;
    }
  } else if (sql_[start] == '_' && is_introducer(result.text)) {
    result.kind = TokenKind::introducer;
  }
  return result;
}

// A name where no keyword is looked for; at_ may stand inside it already.
Token Lexer::word_from(std::size_t start) noexcept {
  skip_word();
  if (peek() == '.' && at_word_character(1)) state_ = State::dot;
  return token(TokenKind::identifier, start);
}

// At a digit. What begins like a number and goes on like a word is a word: 1a, 0xg, 1e.
Token Lexer::number() noexcept {
  const std::size_t start = at_;
  if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'b')) {
    const bool is_hex = peek(1) == 'x';
    at_ += 2;
    while (is_hex ? is_hex_digit(peek()) : (peek() == '0' || peek() == '1')) ++at_;
    if (at_ - start > 2 && !at_word_character()) {
      return token(is_hex ? TokenKind::hex : TokenKind::bits, start);
    }
    return word_from(start);
  }
  while (is_digit(peek())) ++at_;
  if (!at_word_character()) {
    if (peek() != '.') return token(TokenKind::integer, start);
    ++at_;
    return fraction(start);
  }
  if (peek() == 'e' || peek() == 'E') {
    const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
    if (is_digit(peek(1 + sign))) {
      at_ += 1 + sign;
      while (is_digit(peek())) ++at_;
      return token(TokenKind::floating, start);
    }
  }
  return word_from(start);
}

// Behind a number's point.
Token Lexer::fraction(std::size_t start) noexcept {
  while (is_digit(peek())) ++at_;
  if (peek() != 'e' && peek() != 'E') return token(TokenKind::decimal, start);
  ++at_;
  if (peek() == '+' || peek() == '-') ++at_;
  if (!is_digit(peek())) return token(TokenKind::invalid, start);
  while (is_digit(peek())) ++at_;
  return token(TokenKind::floating, start);
}

// At the opening quote of a string that begins at `start`.
Token Lexer::quoted_string(std::size_t start) noexcept {
  const char quote = sql_[at_];
  ++at_;
  if (!skip_quoted(quote, !dialect_.no_backslash_escapes)) return unterminated(start);
  return token(TokenKind::string, start);
}

// At x'…' or b'…': digits only, and an even number of hexadecimal ones.
Token Lexer::quoted_digits(TokenKind kind) noexcept {
  const std::size_t start = at_;
  at_ += 2;
  const std::size_t first = at_;
  while (kind == TokenKind::hex ? is_hex_digit(peek()) : (peek() == '0' || peek() == '1')) ++at_;
  const bool complete = peek() == '\'' && (kind != TokenKind::hex || (at_ - first) % 2 == 0);
  if (peek() == '\'') ++at_;
  return token(complete ? kind : TokenKind::invalid, start);
}

Token Lexer::quoted_name(char quote) noexcept {
  const std::size_t start = at_;
  ++at_;
  if (!skip_quoted(quote, false)) return unterminated(start);
  return token(TokenKind::quoted_identifier, start);
}

Token Lexer::at_sign() noexcept {
  if (peek(1) == '@') {
    if (peek(2) != '`') state_ = State::system_name;
    return operator_token(TokenKind::at_at, 2);
  }
  const unsigned char next = peek(1);
  if (next != '\'' && next != '"' && next != '`') state_ = State::at_name;
  return operator_token(TokenKind::at, 1);
}

Token Lexer::punctuation() noexcept {
  using enum TokenKind;
  const unsigned char second = peek(1);
  switch (sql_[at_]) {
    case '\'': return quoted_string(at_);
    case '"': return dialect_.ansi_quotes ? quoted_name('"') : quoted_string(at_);
    case '`': return quoted_name('`');
    case '@': return at_sign();
    case '?': return operator_token(parameter, 1);
    case '.':
      if (is_digit(second)) {
        const std::size_t start = at_++;
        return fraction(start);
      }
      if (at_word_character(1)) state_ = State::name;
      break;
    case '/':
      if (second == '*') {  // only hints are left here
        const std::size_t start = at_;
        at_ += 3;
        saw_comment_ = true;
        if (!pass_comment_end(false)) return unterminated(start);
        return token(hint, start);
      }
      break;
    case '<':
      if (second == '=')
        return peek(2) == '>' ? operator_token(equal_null, 3) : operator_token(less_equal, 2);
      if (second == '>') return operator_token(not_equal, 2);
      if (second == '<') return operator_token(shift_left, 2);
      break;
    case '>':
      if (second == '=') return operator_token(greater_equal, 2);
      if (second == '>') return operator_token(shift_right, 2);
      break;
    case '!':
      if (second == '=') return operator_token(not_equal, 2);
      break;
    case '&':
      if (second == '&') return operator_token(and_and, 2);
      break;
    case '|':
      if (second == '|') return operator_token(or_or, 2);
      break;
    case ':':
      if (second == '=') return operator_token(assign, 2);
      break;
    case '-':
      if (second == '>' && dialect_.flavor == Flavor::mysql) {
        return peek(2) == '>' ? operator_token(arrow_text, 3) : operator_token(arrow, 2);
      }
      break;
    case '\\':
      if (second == 'N' && (dialect_.flavor == Flavor::mariadb || dialect_.version < 80000)) {
        return operator_token(null_escape, 2);
      }
      return operator_token(invalid, 1);
    case '(':
    case ')':
    case ',':
    case ';':
    case '=':
    case '+':
    case '*':
    case '%':
    case '^':
    case '~':
    case '{':
    case '}': break;
    default: return operator_token(invalid, 1);
  }
  return operator_token(symbol, 1);
}

}  // namespace mysqlwire::sql
