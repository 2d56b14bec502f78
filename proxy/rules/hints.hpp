// key=value in the comments of a statement.
#pragma once

#include <mysqlwire/sql/dialect.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace mysqlproxy::rules {

/// `/* pool=reporting */`. Borrows from the statement.
struct Hint {
  std::string_view key;
  std::string_view value;
};

/// The hints of one statement, in its order; what is beyond `most` is left out.
class Hints {
 public:
  static constexpr std::size_t most = 16;

  std::span<const Hint> all() const noexcept { return std::span(hints_).first(count_); }
  /// The value of the first one with this key; "" when there is none.
  std::string_view find(std::string_view key, bool ignore_case) const noexcept;
  void add(Hint hint) noexcept {
    if (count_ < most) hints_[count_++] = hint;
  }

 private:
  std::array<Hint, most> hints_{};
  std::size_t count_ = 0;
};

/// Reads comments of all three kinds as the server finds them, so that nothing inside of a string
/// is taken for one; version comments and optimizer hints are none. In a comment each `key=value`
/// counts that stands by itself: blanks, `,` or `;` around, and in both parts letters, digits, `_`,
/// `-` and `.` only.
Hints find_hints(std::string_view sql, const mysqlwire::sql::Dialect& dialect) noexcept;

}  // namespace mysqlproxy::rules
