// What a statement can ask about the one before it, when that ran on another connection.
#pragma once

#include <mysqlwire/sql/dialect.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy::lending {

/// What ROW_COUNT() and FOUND_ROWS() give behind a session's last statement.
struct LastStatement {
  std::int64_t row_count = -1;
  std::uint64_t found_rows = 0;

  friend bool operator==(const LastStatement&, const LastStatement&) = default;
};

/// `sql` with the values in the place of the functions, and of the same type and name for the
/// client, in the first statement of several; nothing when it calls neither. What stands inside of
/// strings, names and comments is left alone.
std::optional<std::string> with_values(std::string_view sql, const LastStatement& last,
                                       const mysqlwire::sql::Dialect& dialect);

}  // namespace mysqlproxy::lending
