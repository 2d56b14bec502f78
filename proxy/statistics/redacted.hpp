// Statements without what people typed into them.
#pragma once

#include <mysqlwire/sql/dialect.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// `sql` with `?` in the place of each literal, and `/* */` in the place of each comment, since
/// values stand in comments too; the rest as it was written. What is no token is `?`, and where
/// something has no end the text ends. At most `limit` bytes.
std::string redacted(std::string_view sql, const mysqlwire::sql::Dialect& dialect,
                     std::size_t limit);

}  // namespace mysqlproxy
