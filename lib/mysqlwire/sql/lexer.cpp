#include <mysqlwire/sql/keyword_detail.hpp>
#include <mysqlwire/sql/lexer.hpp>
#include <mysqlwire/wire/collation.hpp>

#include <array>

namespace mysqlwire::sql {
namespace {

// What a byte may begin. What stands behind `letter` is what words are of.
enum CharacterClass : std::uint8_t {
  other,
  blank,
  comment,  // perhaps: / * # -
  alone,    // a token of one byte whatever follows
  quote,    // ' and `
  letter,
  prefix,  // one that a quoted literal may begin with: n x b
  digit,
  high,  // from 0x80 on it depends on the character set
};

constexpr std::array<CharacterClass, 256> classes = [] {
  std::array<CharacterClass, 256> result{};
  for (unsigned c = 0; c < 256; ++c) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) result[c] = blank;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$')
      result[c] = letter;
    if (c >= 0x80) result[c] = high;
    if (c >= '0' && c <= '9') result[c] = digit;
  }
  for (const unsigned char c : {'/', '*', '#', '-'}) result[c] = comment;
  for (const unsigned char c : {'(', ')', ',', ';', '=', '+', '%', '^', '~', '{', '}'})
    result[c] = alone;
  for (const unsigned char c : {'\'', '`'}) result[c] = quote;
  for (const unsigned char c : {'n', 'N', 'x', 'X', 'b', 'B'}) result[c] = prefix;
  return result;
}();

// Where reading of a quoted text has to look closer.
constexpr std::array<bool, 256> ends_plain_text = [] {
  std::array<bool, 256> result{};
  for (const unsigned char c : {'\'', '"', '`', '\\'}) result[c] = true;
  for (unsigned c = 0x80; c < 256; ++c) result[c] = true;
  return result;
}();

constexpr CharacterClass class_of(unsigned char c) noexcept { return classes[c]; }
constexpr CharacterClass class_at(std::string_view text, std::size_t at) noexcept {
  return classes[static_cast<unsigned char>(text[at])];
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

// Where the word that begins at `at` ends, when every byte from 0x80 on is of a word.
std::size_t end_of_word(std::string_view sql, std::size_t at) noexcept {
  while (at < sql.size() && class_at(sql, at) >= letter) ++at;
  return at;
}

bool starts_with_hints(Keyword word) noexcept {
  return word == Keyword::k_SELECT || word == Keyword::k_INSERT || word == Keyword::k_REPLACE ||
         word == Keyword::k_UPDATE || word == Keyword::k_DELETE;
}

bool is_introducer(std::string_view word) noexcept {
  return word.size() > 1 && word[0] == '_' && default_collation(word.substr(1)).has_value();
}

}  // namespace

void Lexer::take(Token& token, TokenKind kind, std::size_t size) noexcept {
  const std::size_t start = at_;
  at_ += size;
  set(token, kind, start);
}

void Lexer::take_rest(Token& token, std::size_t start) noexcept {
  at_ = sql_.size();
  set(token, TokenKind::invalid, start);
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
    at_ = end_of_word(sql_, at_);
    return;
  }
  while (!at_end() && at_word_character()) {
    at_ += class_of(peek()) == high ? character_size() : 1;
  }
}

// From behind the opening quote to behind the closing one; false when there is none.
bool Lexer::skip_quoted(char quote, bool escapes) noexcept {
  for (std::size_t at = at_;; at = at_) {
    while (at < sql_.size() && !ends_plain_text[static_cast<unsigned char>(sql_[at])]) ++at;
    at_ = at;
    if (at_end()) return false;
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

// Behind a part of a name, an @ or an @@.
void Lexer::read_inside_name(Token& token) noexcept {
  const State state = state_;
  state_ = State::start;
  const std::size_t start = at_;
  switch (state) {
    case State::name: return read_name(token, start);
    case State::at_name:
      while (!at_end() && (at_word_character() || peek() == '.')) ++at_;
      return set(token, TokenKind::at_name, start);
    case State::system_name:
      if (!at_word_character()) return set(token, TokenKind::invalid, start);
      skip_word();
      if (peek() == '.') state_ = State::dot;
      set(token, TokenKind::identifier, start);
      token.keyword = find_keyword(token.text);
      if (keyword_use(token.keyword, dialect_.flavor) == KeywordUse::always) {
        token.kind = TokenKind::keyword;
      }
      return;
    case State::dot:
    case State::start:
      if (at_word_character(1)) state_ = State::name;
      return take(token, TokenKind::symbol, 1);
  }
}

void Lexer::read(Token& token) noexcept {
  if (state_ != State::start) return read_inside_name(token);
  std::size_t at = at_;
  for (; at < sql_.size(); ++at) {
    switch (class_at(sql_, at)) {
      case blank: continue;
      case alone:
        hint_may_follow_ = false;
        at_ = at + 1;
        return set(token, TokenKind::symbol, at);
      case letter: at_ = at; return read_word(token);
      case prefix: at_ = at; return peek(1) == '\'' ? read_prefixed(token) : read_word(token);
      case digit: at_ = at; return read_number(token);
      case quote:
        hint_may_follow_ = false;
        at_ = at;
        return sql_[at] == '`' ? read_quoted_name(token, '`') : read_string(token, at);
      default: return read_slowly(token);
    }
  }
  read_slowly(token);
}

// At what may be a comment, the end, or the beginning of a token of any kind.
void Lexer::read_slowly(Token& token) noexcept {
  const std::size_t before = at_;
  if (!skip_blanks()) return take_rest(token, before);
  if (at_end()) {
    set(token, in_version_comment_ ? TokenKind::invalid : TokenKind::end, at_);
    in_version_comment_ = false;
    return;
  }
  switch (class_at(sql_, at_)) {
    case prefix: return peek(1) == '\'' ? read_prefixed(token) : read_word(token);
    case letter:
    case high: return read_word(token);
    case digit: return read_number(token);
    default: return read_punctuation(token);
  }
}

// N'…', x'…', b'…'
void Lexer::read_prefixed(Token& token) noexcept {
  hint_may_follow_ = false;
  const std::size_t start = at_;
  switch (sql_[start]) {
    case 'x':
    case 'X': return read_quoted_digits(token, TokenKind::hex);
    case 'b':
    case 'B': return read_quoted_digits(token, TokenKind::bits);
    default: ++at_; return read_string(token, start);
  }
}

void Lexer::read_word(Token& token) noexcept {
  hint_may_follow_ = false;
  const std::size_t start = at_;
  if (dialect_.multibyte == Multibyte::none) {
    at_ = end_of_word(sql_, start + 1);
  } else {
    skip_word();
    if (at_ == start) return take(token, TokenKind::invalid, 1);  // a byte that begins no word
  }
  set(token, TokenKind::identifier, start);
  if (peek() == '.' && at_word_character(1)) {
    state_ = State::dot;  // the first part of a name, whatever the word
    return;
  }
  token.keyword = detail::find_word(sql_.data() + start, at_ - start, sql_.data() + sql_.size());
  if (token.keyword == Keyword::none) {
    if (sql_[start] == '_' && is_introducer(token.text)) token.kind = TokenKind::introducer;
    return;
  }
  const KeywordUse use = detail::keyword_uses[dialect_.flavor == Flavor::mysql ? 0 : 1]
                                             [static_cast<std::size_t>(token.keyword)];
  if (use == KeywordUse::always) {
    token.kind = TokenKind::keyword;
    hint_may_follow_ = starts_with_hints(token.keyword) && dialect_.optimizer_hints();
  } else if (use == KeywordUse::call) {
    std::size_t ahead = 0;
    while (dialect_.ignore_space && class_of(peek(ahead)) == blank) ++ahead;
    if (peek(ahead) == '(') token.kind = TokenKind::keyword;
  }
}

// A name where no keyword is looked for; at_ may stand inside it already.
void Lexer::read_name(Token& token, std::size_t start) noexcept {
  skip_word();
  if (peek() == '.' && at_word_character(1)) state_ = State::dot;
  set(token, TokenKind::identifier, start);
}

// At a digit. What begins like a number and goes on like a word is a word: 1a, 0xg, 1e.
void Lexer::read_number(Token& token) noexcept {
  hint_may_follow_ = false;
  const std::size_t start = at_;
  if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'b')) {
    const bool is_hex = peek(1) == 'x';
    at_ += 2;
    while (is_hex ? is_hex_digit(peek()) : (peek() == '0' || peek() == '1')) ++at_;
    if (at_ - start > 2 && !at_word_character()) {
      return set(token, is_hex ? TokenKind::hex : TokenKind::bits, start);
    }
    return read_name(token, start);
  }
  while (is_digit(peek())) ++at_;
  if (!at_word_character()) {
    if (peek() != '.') return set(token, TokenKind::integer, start);
    ++at_;
    return read_fraction(token, start);
  }
  if (peek() == 'e' || peek() == 'E') {
    const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
    if (is_digit(peek(1 + sign))) {
      at_ += 1 + sign;
      while (is_digit(peek())) ++at_;
      return set(token, TokenKind::floating, start);
    }
  }
  return read_name(token, start);
}

// Behind a number's point.
void Lexer::read_fraction(Token& token, std::size_t start) noexcept {
  while (is_digit(peek())) ++at_;
  if (peek() != 'e' && peek() != 'E') return set(token, TokenKind::decimal, start);
  ++at_;
  if (peek() == '+' || peek() == '-') ++at_;
  if (!is_digit(peek())) return set(token, TokenKind::invalid, start);
  while (is_digit(peek())) ++at_;
  set(token, TokenKind::floating, start);
}

// At the opening quote of a string that begins at `start`.
void Lexer::read_string(Token& token, std::size_t start) noexcept {
  const char quote = sql_[at_];
  ++at_;
  if (!skip_quoted(quote, !dialect_.no_backslash_escapes)) return take_rest(token, start);
  set(token, TokenKind::string, start);
}

// At x'…' or b'…': digits only, and an even number of hexadecimal ones.
void Lexer::read_quoted_digits(Token& token, TokenKind kind) noexcept {
  const std::size_t start = at_;
  at_ += 2;
  const std::size_t first = at_;
  while (kind == TokenKind::hex ? is_hex_digit(peek()) : (peek() == '0' || peek() == '1')) ++at_;
  const bool complete = peek() == '\'' && (kind != TokenKind::hex || (at_ - first) % 2 == 0);
  if (peek() == '\'') ++at_;
  set(token, complete ? kind : TokenKind::invalid, start);
}

void Lexer::read_quoted_name(Token& token, char quote) noexcept {
  const std::size_t start = at_;
  ++at_;
  if (!skip_quoted(quote, false)) return take_rest(token, start);
  set(token, TokenKind::quoted_identifier, start);
}

void Lexer::read_at_sign(Token& token) noexcept {
  if (peek(1) == '@') {
    if (peek(2) != '`') state_ = State::system_name;
    return take(token, TokenKind::at_at, 2);
  }
  const unsigned char next = peek(1);
  if (next != '\'' && next != '"' && next != '`') state_ = State::at_name;
  return take(token, TokenKind::at, 1);
}

void Lexer::read_punctuation(Token& token) noexcept {
  using enum TokenKind;
  const unsigned char second = peek(1);
  switch (sql_[at_]) {
    case '\'': return read_string(token, at_);
    case '"': return dialect_.ansi_quotes ? read_quoted_name(token, '"') : read_string(token, at_);
    case '`': return read_quoted_name(token, '`');
    case '@': return read_at_sign(token);
    case '?': return take(token, parameter, 1);
    case '.':
      if (is_digit(second)) {
        const std::size_t start = at_++;
        return read_fraction(token, start);
      }
      if (at_word_character(1)) state_ = State::name;
      break;
    case '/':
      if (second == '*') {  // only hints are left here
        const std::size_t start = at_;
        at_ += 3;
        saw_comment_ = true;
        if (!pass_comment_end(false)) return take_rest(token, start);
        return set(token, hint, start);
      }
      break;
    case '<':
      if (second == '=')
        return peek(2) == '>' ? take(token, equal_null, 3) : take(token, less_equal, 2);
      if (second == '>') return take(token, not_equal, 2);
      if (second == '<') return take(token, shift_left, 2);
      break;
    case '>':
      if (second == '=') return take(token, greater_equal, 2);
      if (second == '>') return take(token, shift_right, 2);
      break;
    case '!':
      if (second == '=') return take(token, not_equal, 2);
      break;
    case '&':
      if (second == '&') return take(token, and_and, 2);
      break;
    case '|':
      if (second == '|') return take(token, or_or, 2);
      break;
    case ':':
      if (second == '=') return take(token, assign, 2);
      break;
    case '-':
      if (second == '>' && dialect_.flavor == Flavor::mysql) {
        return peek(2) == '>' ? take(token, arrow_text, 3) : take(token, arrow, 2);
      }
      break;
    case '\\':
      if (second == 'N' && (dialect_.flavor == Flavor::mariadb || dialect_.version < 80000)) {
        return take(token, null_escape, 2);
      }
      return take(token, invalid, 1);
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
    default: return take(token, invalid, 1);
  }
  take(token, symbol, 1);
}

}  // namespace mysqlwire::sql
