// What rules have said of statements of one shape.
#pragma once

#include "proxy/rules/bits.hpp"
#include "proxy/rules/rule_book.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy::rules {

/// A number that no other book of this process has or had, nor a scope of one. Never 0.
std::uint64_t next_id() noexcept;

/// Remembers for the shapes that a thread has seen lately which rules can match them at all. Shapes
/// are compared in full, so that no statement passes for another.
class ShapeMemo {
 public:
  /// Longer digests and texts are not remembered.
  static constexpr std::size_t longest = 2048;

  /// All that rules ask of a statement before they look at values. Borrows.
  struct Key {
    std::uint64_t book;
    const Statement& statement;
    std::string_view schema;  ///< to which tables without one belong
    std::uint64_t effects;
  };

  class Entry {
   public:
    /// It is this shape whose rules are here.
    bool is(const Key& key) const noexcept;
    void become(const Key& key);

    Bits rules;

   private:
    struct Table {
      std::string schema;
      std::string name;
    };

    std::uint64_t book_ = 0;
    std::uint64_t effects_ = 0;
    mysqlwire::sql::StatementKind kind_ = mysqlwire::sql::StatementKind::unknown;
    bool prepared_ = false;
    std::string digest_;
    std::string text_;  ///< of what was prepared
    std::string schema_;
    std::vector<Table> tables_;
  };

  static ShapeMemo& of_this_thread();

  /// Where a shape is, or has its place; null when it is not to be remembered.
  Entry* find(const Key& key) noexcept;

 private:
  std::array<Entry, 256> entries_;
};

}  // namespace mysqlproxy::rules
