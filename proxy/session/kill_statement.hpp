// Recognises KILL, whose connection ids the proxy has to translate.
#pragma once

#include <mysqlwire/sql/kill.hpp>

#include <optional>
#include <string_view>

namespace mysqlproxy {

using mysqlwire::sql::KillStatement;

/// A look at a statement's first bytes: false when it can't be a KILL, whatever follows.
bool may_be_kill(std::string_view start) noexcept;

/// The KILL of a connection number that `sql` begins with; nothing for any other statement, and for
/// the forms that name no connection number (KILL USER, KILL QUERY ID, expressions).
std::optional<KillStatement> parse_kill(std::string_view sql) noexcept;

}  // namespace mysqlproxy
