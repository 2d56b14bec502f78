// Whether a statement can be answered by another server connection than its session's.
#pragma once

#include <mysqlwire/sql/classify.hpp>

#include <string_view>

namespace mysqlproxy::rules {

/// What ties the statement to its session, in a word of `effect` or "several"; empty where nothing
/// does: outside of a transaction, in autocommit mode, any connection of the same user with the
/// same schema gives the same answer. What a statement leaves behind in any case (ROW_COUNT(),
/// LAST_INSERT_ID(), SHOW WARNINGS) stays behind on the other connection.
std::string_view tie_to_session(const mysqlwire::sql::Classification& what) noexcept;

}  // namespace mysqlproxy::rules
