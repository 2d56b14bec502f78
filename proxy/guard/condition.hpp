// Conditions that are true, or false, whatever is in the table.
#pragma once

#include <mysqlwire/sql/dialect.hpp>

#include <cstddef>
#include <string_view>

namespace mysqlproxy {

/// What the conditions of a statement come to without looking at a row.
struct Conditions {
  /// The first WHERE outside of parentheses comes to the same for every row: `WHERE 1`, `id = id`,
  /// `a = 5 OR 'x' = 'x'`. That of an UPDATE or DELETE is none, then.
  bool constant_where = false;
  /// Somewhere constants are compared and it is true (`AND 5 = 5`, `HAVING 1 < 2`), something is
  /// compared with itself (`id = id`), or a constant stands where a condition does (`OR 1`).
  bool tautology = false;
  /// Whether the two above can differ between statements of one digest.
  bool depends_on_values = false;
  /// More tokens or deeper nesting than is read: nothing of the above is known.
  bool too_complex = false;
};

/// Tokens and levels of nesting that are read at most.
constexpr std::size_t most_condition_tokens = 20'000;
constexpr std::size_t deepest_condition = 100;

/// Reads the conditions (WHERE, HAVING, ON, WHEN, and expressions behind SELECT, BY and commas) of
/// the first statement of `sql`, folding literals, arithmetic and calls whose arguments are all
/// constant. A condition that happens to hold for all rows (`id > 0`, `id IS NOT NULL`) is not
/// found; nor is what a subquery or a variable comes to. Placeholders are taken as unknown.
Conditions read_conditions(std::string_view sql, const mysqlwire::sql::Dialect& dialect);

}  // namespace mysqlproxy
