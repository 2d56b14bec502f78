// Splits a statement's text into tokens as the servers' own lexers do.
//
// https://dev.mysql.com/doc/refman/8.0/en/language-structure.html
// https://mariadb.com/kb/en/sql-language-structure/
#pragma once

#include <mysqlwire/sql/dialect.hpp>
#include <mysqlwire/sql/keyword.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mysqlwire::sql {

enum class TokenKind : std::uint8_t {
  end,      ///< the end of the text, again and again; its text is empty
  invalid,  ///< what no server can read: a quote or a comment without its end, a stray byte

  keyword,            ///< a word that the server has in its table, reserved or not
  identifier,         ///< any other word
  quoted_identifier,  ///< `x`, or "x" with ANSI_QUOTES; the text has the quotes

  string,       ///< 'x', "x", N'x'; the text has the quotes, and the N
  integer,      ///< 15
  decimal,      ///< 1.5, .5, 1.
  floating,     ///< 1e5
  hex,          ///< 0x1F, x'1F'
  bits,         ///< 0b01, b'01'
  parameter,    ///< ?
  null_escape,  ///< \N, which MariaDB and MySQL 5.7 read as NULL
  introducer,   ///< _utf8mb4 in front of a literal
  at,           ///< @ in front of a user variable's or a host's name
  at_at,        ///< @@ in front of a system variable's name
  at_name,      ///< the name that follows @, unless it is quoted; may be empty, as in `@ x`
  hint,         ///< /*+ … */ where the server reads optimizer hints

  assign,         ///< :=
  equal_null,     ///< <=>
  not_equal,      ///< <> !=
  less_equal,     ///< <=
  greater_equal,  ///< >=
  shift_left,     ///< <<
  shift_right,    ///< >>
  and_and,        ///< &&
  or_or,          ///< ||
  arrow,          ///< -> of MySQL
  arrow_text,     ///< ->> of MySQL
  symbol,         ///< any other character: ( ) , . ; = < > + - * / % & | ^ ~ ! : { }
};

/// One token. `text` borrows from the statement: its offset there is text.data() - sql.data().
struct Token {
  TokenKind kind = TokenKind::end;
  /// For `keyword` and `identifier` what find_keyword knows: an identifier can have one too, the
  /// name of a function for instance, or a word that is a keyword of the other server only.
  Keyword keyword = Keyword::none;
  std::string_view text;

  constexpr bool is(char c) const noexcept { return kind == TokenKind::symbol && text[0] == c; }
  constexpr bool is(Keyword k) const noexcept { return kind == TokenKind::keyword && keyword == k; }
  /// A value that stands in the text: what redaction hides and digests fold. NULL, TRUE, FALSE and
  /// placeholders are none.
  constexpr bool is_literal() const noexcept {
    return kind >= TokenKind::string && kind <= TokenKind::bits;
  }
  constexpr bool is_identifier() const noexcept {
    return kind == TokenKind::identifier || kind == TokenKind::quoted_identifier;
  }
};

/// Reads tokens one after the other; comments are skipped, version comments entered or skipped as
/// the dialect's server does. Allocates nothing, borrows `sql`, accepts any bytes. Cheap to copy:
/// a copy looks ahead.
///
/// An `invalid` token reaches to the end of the text when something has no end; otherwise it is the
/// byte, and reading goes on behind it.
class Lexer {
 public:
  explicit Lexer(std::string_view sql, const Dialect& dialect = {}) noexcept
      : sql_(sql), dialect_(dialect) {}

  Token next() noexcept {
    Token token;
    read(token);
    return token;
  }
  /// The same, into a token that the caller keeps: saves a copy where every nanosecond counts.
  void read(Token& token) noexcept;

  std::string_view sql() const noexcept { return sql_; }
  /// Where the last token ended.
  std::size_t offset() const noexcept { return at_; }
  /// True when comments of any kind have been passed; version comments that were entered count too.
  bool saw_comment() const noexcept { return saw_comment_; }
  /// True when a version comment's content was read as code, or passed over because of the version:
  /// another server may read the statement otherwise.
  bool saw_version_comment() const noexcept { return saw_version_comment_; }

 private:
  enum class State : std::uint8_t {
    start,
    name,         // behind a '.': a name even when the word is a keyword
    at_name,      // behind '@'
    dot,          // at the '.' behind a name
    system_name,  // behind '@@'
  };

  unsigned char peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < sql_.size() ? static_cast<unsigned char>(sql_[at_ + ahead]) : 0;
  }
  bool at_end() const noexcept { return at_ >= sql_.size(); }
  void set(Token& token, TokenKind kind, std::size_t start) noexcept {
    token.kind = kind;
    token.keyword = Keyword::none;
    token.text = {sql_.data() + start, at_ - start};
  }
  void take(Token& token, TokenKind kind, std::size_t size) noexcept;
  void take_rest(Token& token, std::size_t start) noexcept;

  std::size_t character_size() const noexcept;
  bool at_word_character(std::size_t ahead = 0) const noexcept;
  void skip_word() noexcept;
  bool skip_quoted(char quote, bool escapes) noexcept;
  bool skip_blanks() noexcept;
  bool skip_comment() noexcept;
  bool skip_version_comment() noexcept;
  bool pass_comment_end(bool nested) noexcept;
  void skip_line() noexcept;

  void read_inside_name(Token& token) noexcept;
  void read_slowly(Token& token) noexcept;
  void read_prefixed(Token& token) noexcept;
  void read_word(Token& token) noexcept;
  void read_name(Token& token, std::size_t start) noexcept;
  void read_number(Token& token) noexcept;
  void read_fraction(Token& token, std::size_t start) noexcept;
  void read_string(Token& token, std::size_t start) noexcept;
  void read_quoted_digits(Token& token, TokenKind kind) noexcept;
  void read_quoted_name(Token& token, char quote) noexcept;
  void read_at_sign(Token& token) noexcept;
  void read_punctuation(Token& token) noexcept;

  std::string_view sql_;
  Dialect dialect_;
  std::size_t at_ = 0;
  State state_ = State::start;
  bool in_version_comment_ = false;
  bool hint_may_follow_ = false;
  bool saw_comment_ = false;
  bool saw_version_comment_ = false;
};

}  // namespace mysqlwire::sql
