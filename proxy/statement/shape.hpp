// What a statement is found to be, remembered for the next one that differs from it in values only.
#pragma once

#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/sql/dialect.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// A text with a mark in the place of each plain number and each plain string in it. Two texts of
/// one pattern fall into the same tokens but for the values of these.
struct Pattern {
  std::string_view text;
  bool numbers = false;  ///< some were left out
  bool strings = false;
  /// Some of these have a byte above '?': letters, and what is not ASCII. Dates, amounts and
  /// telephone numbers have none.
  bool letters = false;
};

constexpr char number_mark = '\1';
constexpr char string_mark = '\2';

/// Writes the pattern of `sql` into `room`. False when it is none of those that are simple enough:
/// they have a comment, a control character, more than one statement, something that changes with
/// the rest of the text, or are too long. Linear; most texts that are not simple are given up at
/// their first byte that is not.
bool find_pattern(std::string_view sql, const mysqlwire::sql::Dialect& dialect,
                  std::span<char> room, Pattern& pattern) noexcept;

/// What is known of all statements with one pattern, in one dialect. What others find out by it and
/// want to remember is kept here too, so that a statement that comes again costs one look. Belongs
/// to one thread, as its cache does.
struct alignas(64) Shape {
  enum class Of : std::uint8_t {
    text,     ///< one text, once
    pattern,  ///< all texts of `pattern`, sent as text
    exact,    ///< all that are text(), to be prepared
  };
  /// Which rules of a book this shape does not rule out.
  struct RuleMemo {
    std::uint64_t book = 0;
    std::string schema;  ///< to which tables without one belong
    std::vector<std::uint64_t> rules;
  };
  /// A guard has nothing against it, whatever its values are.
  struct GuardMemo {
    std::uint64_t guard = 0;
    std::string schema;
  };
  /// Its line in the statistics.
  struct LineMemo {
    const void* statistics = nullptr;
    std::uint32_t slot = 0;
    std::uint32_t age = 0;
  };

  // What every statement needs stands together: to get at memory is most of what one costs.
  Of of = Of::text;
  bool numbers = false;  ///< of a pattern: some were left out
  bool strings = false;
  bool letters = false;  ///< in some of these
  bool digest_truncated = false;
  mysqlwire::sql::Dialect dialect;
  std::uint64_t digest = 0;
  mutable LineMemo line;
  /// Of rules: the id of one in which no rule can match a statement of this shape.
  mutable std::uint64_t quiet_scope = 0;
  mutable GuardMemo guard;
  std::string pattern;  ///< empty but for Of::pattern
  std::string digest_text;
  mysqlwire::sql::Classification what;  ///< borrows from `sample`, or from the text it is of
  mutable RuleMemo rules;

  /// The text that it was found by; empty where that is borrowed.
  std::string_view text() const noexcept { return sample_; }
  /// Others of this shape will come: it is worth to remember something.
  bool lasts() const noexcept { return of != Of::text; }

 private:
  friend class ShapeCache;
  std::string sample_;
};

/// The shapes of a thread's statements. Bounded: a new shape takes the place of an old one. A hash
/// leads to a few places, so that two shapes that are used in turn do not drive each other out.
class ShapeCache {
 public:
  /// Longer patterns, and longer texts to be prepared, are not remembered.
  static constexpr std::size_t longest = 2048;
  static constexpr std::size_t sets = 128;
  static constexpr std::size_t ways = 4;
  /// Digests are cut there.
  static constexpr std::size_t longest_digest = 16 * 1024;

  /// Of a statement that is sent as text: `text` has to be there as long as the shape is used. What
  /// is returned, here and below, is never null, and stays there until the next call.
  const std::shared_ptr<const Shape>& of_query(std::string_view text,
                                               const mysqlwire::sql::Dialect& dialect);
  /// Of one that is prepared, or to be: nothing of `text` is borrowed.
  const std::shared_ptr<const Shape>& of_prepared(std::string_view text,
                                                  const mysqlwire::sql::Dialect& dialect);

 private:
  using Set = std::array<std::shared_ptr<const Shape>, ways>;

  Set& set_of(Shape::Of of, std::string_view pattern) noexcept;
  /// Null when it is not there.
  static const std::shared_ptr<const Shape>* find(const Set& set, Shape::Of of,
                                                  const Pattern& pattern,
                                                  const mysqlwire::sql::Dialect& dialect) noexcept;
  /// In place of the oldest.
  static const std::shared_ptr<const Shape>& keep(Set& set, std::shared_ptr<const Shape> shape);
  std::shared_ptr<Shape> make(std::string_view text, const mysqlwire::sql::Dialect& dialect,
                              bool own);

  alignas(64) std::array<Set, sets> shapes_;
  std::shared_ptr<const Shape> passing_;  ///< the newest of those that are not remembered
  std::array<char, longest> pattern_room_;
  std::array<char, longest_digest> digest_room_;
};

}  // namespace mysqlproxy
