// The schema that a USE statement names.
#pragma once

#include <mysqlwire/sql/dialect.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// "db" for "USE db" and "use `db`;"; nothing when the text is something else.
std::optional<std::string> schema_of_use(std::string_view sql,
                                         const mysqlwire::sql::Dialect& dialect);

}  // namespace mysqlproxy
