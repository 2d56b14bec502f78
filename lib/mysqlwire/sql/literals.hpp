// The values that stand in a statement: for redaction, and for rules on the value of a column.
#pragma once

#include <mysqlwire/sql/dialect.hpp>
#include <mysqlwire/sql/lexer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mysqlwire::sql {

/// What a value is to the column that it stands with.
enum class LiteralUse : std::uint8_t {
  other,     ///< no column is known: part of an expression, an argument, a LIMIT …
  equal,     ///< column = value, column <=> value, value = column in WHERE, ON or HAVING
  in,        ///< column IN (value, …) there
  assigned,  ///< SET column = value of UPDATE and INSERT
  inserted,  ///< a row's value: INSERT INTO t (column, …) VALUES (value, …)
};

/// A literal or a placeholder. Everything borrows from the statement.
struct Literal {
  static constexpr std::uint32_t no_placeholder = 0xFFFFFFFF;

  /// `string` to `bits`, or `parameter`. NULL, TRUE and FALSE are none.
  TokenKind kind = TokenKind::end;
  LiteralUse use = LiteralUse::other;
  /// A `-` stands in front, which is not part of `text`. Only told where a column is.
  bool negative = false;
  /// As it stands in the statement, with quotes: its offset is text.data() - sql.data().
  std::string_view text;
  /// The column that it is compared with or written to, and the table or alias in front of its `.`;
  /// quotes are left off, doubled ones inside stay doubled. Empty when no column can be told.
  std::string_view table;
  std::string_view column;
  /// For `inserted`: its place in the row, from 0. Known without the columns' names too.
  std::uint32_t position = 0;
  /// Of a `?`: its number, from 0, as COM_STMT_EXECUTE counts.
  std::uint32_t placeholder = no_placeholder;

  /// What stands between a string's quotes, escapes as they are; `text` of anything else.
  std::string_view content() const noexcept;
};

/// Reads a text's literals and placeholders, in order. A column is named only where the value
/// stands alone: not in `a = 1 + 2`, `a + 1 = 2`, `f(a) = 1`, `NOT a = 1`, `(a, b) = (1, 2)`. Reads
/// all statements of the text; placeholders count on. Allocates nothing, borrows `sql`.
///
///     for (Literals literals(sql, dialect); literals.next();) redact(literals.current().text);
class Literals {
 public:
  /// The columns of an INSERT that are known by name; values of further ones have none.
  static constexpr std::size_t max_columns = 64;

  explicit Literals(std::string_view sql, const Dialect& dialect = {}) noexcept;

  /// False at the end.
  bool next() noexcept;
  const Literal& current() const noexcept { return literal_; }

 private:
  friend std::optional<Literal> value_of(std::string_view sql, const Dialect& dialect,
                                         std::string_view column) noexcept;

  // One bit for each level of parentheses and CASE; deeper ones share the last.
  class Levels {
   public:
    bool has(std::size_t level) const noexcept { return (bits_ >> index(level) & 1) != 0; }
    bool any_up_to(std::size_t level) const noexcept {
      return (bits_ & (~std::uint64_t{0} >> (63 - index(level)))) != 0;
    }
    void set(std::size_t level, bool value = true) noexcept {
      bits_ = (bits_ & ~(std::uint64_t{1} << index(level))) | std::uint64_t{value} << index(level);
    }

   private:
    static std::size_t index(std::size_t level) noexcept { return level < 63 ? level : 63; }
    std::uint64_t bits_ = 0;
  };

  enum class Verb : std::uint8_t { other, insert, update };
  enum class Into : std::uint8_t { none, table, columns, rows, row };
  struct Column {
    std::string_view table;
    std::string_view name;
  };

  // What came before: back(0) is the token that was read last.
  const Token& back(std::size_t count) const noexcept { return history_[(read_ - count) % depth]; }
  void read() noexcept;
  void read_keyword() noexcept;
  void read_symbol() noexcept;
  void open(bool by_case) noexcept;
  void close() noexcept;
  void end_condition() noexcept;
  void note_alternative() noexcept;
  void describe() noexcept;
  void watch() noexcept;
  bool describe_reversed(std::size_t before) noexcept;
  void describe_row(std::size_t before) noexcept;
  bool begins_operand(std::size_t before) const noexcept;
  bool begins_assignment(std::size_t before) const noexcept;
  bool ends_operand(const Token& token) const noexcept;
  std::size_t find_column(std::size_t last, Column& column) const noexcept;
  void name(LiteralUse use, const Column& column) noexcept;

  static constexpr std::size_t depth = 16;  // the longest is `, a . b . c IN (`
  Lexer lexer_;
  bool pipes_as_concat_;
  std::array<Token, depth> history_{};
  std::size_t read_ = depth;
  Token ahead_;
  Literal literal_;
  std::uint32_t placeholders_ = 0;

  Verb verb_ = Verb::other;
  bool at_start_ = true;  // of a statement
  std::size_t level_ = 0;
  Levels cases_;         // CASE opened it, no parenthesis
  Levels conditions_;    // a WHERE, ON or HAVING has begun there
  Levels wheres_;        // … and it is a WHERE
  Levels firsts_;        // nothing but parentheses stands in front of it
  Levels outer_;         // … or it is part of the condition of such a one
  Levels alternatives_;  // OR, XOR or NOT stands there, so that no part has to hold
  Levels betweens_;      // the next AND belongs to a BETWEEN
  bool in_set_ = false;  // behind SET or ON DUPLICATE KEY UPDATE, at level 0
  bool duplicate_ = false;

  Column in_column_;  // of the IN list at in_level_
  std::size_t in_level_ = 0;

  Into into_ = Into::none;
  std::array<std::string_view, max_columns> columns_;
  std::size_t column_count_ = 0;
  std::uint32_t position_ = 0;

  // For value_of: whether the rows that the statement is about are those with this value.
  bool required_ = false;  // the current literal
  bool watching_ = false;  // an OR at watched_ or below makes one that was required no longer so
  std::size_t watched_ = 0;
  bool spoiled_ = false;  // it came; or a UNION did
  std::size_t rows_ = 0;  // of INSERT
  bool statement_ended_ = false;
};

/// The one value that `column` has in all rows that the first statement of `sql` is about: `WHERE
/// column = value` with nothing but AND beside it, `column IN (value)`, or the column's value in
/// every row of an INSERT. Nothing when there is none, when there are different ones, and when OR,
/// NOT or UNION stand in the way; conditions inside of subqueries don't count. `column` is a bare
/// name, case ignored; of whichever table it is. Where the value is a placeholder, `placeholder`
/// says which parameter to look at.
std::optional<Literal> value_of(std::string_view sql, const Dialect& dialect,
                                std::string_view column) noexcept;

}  // namespace mysqlwire::sql
