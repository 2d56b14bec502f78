// User variables as SQL that makes them again, with their type, character set and collation.
#pragma once

#include "proxy/lending/reported_value.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mysqlproxy::lending {

/// The columns that are asked for of each variable, to stand in a SELECT: see user_value().
inline constexpr std::size_t user_value_columns = 5;
std::string user_value_query(std::string_view name, std::size_t longest);

/// The expression for a variable's value, from the answer to that: "NULL" for one that is as if it
/// had never been set. Nothing for a value that no expression makes again (MariaDB's geometry), or
/// for what is no answer to it.
std::optional<std::string> user_value(std::span<const ReportedValue> columns);

/// The expression for a string; `digits` are its bytes in hex, upper case.
std::string text_value(std::string_view charset, std::string_view collation,
                       std::string_view digits);

std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view digits);

}  // namespace mysqlproxy::lending
