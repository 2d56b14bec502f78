// Reads KILL, so that whoever stands between clients and servers can put its own number in.
//
// https://dev.mysql.com/doc/refman/8.0/en/kill.html
// https://mariadb.com/kb/en/kill/
#pragma once

#include <mysqlwire/sql/dialect.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mysqlwire::sql {

/// `KILL [HARD|SOFT] [CONNECTION|QUERY [ID]] number` or `KILL … USER name`, as it stands in the
/// text.
struct KillStatement {
  enum class Scope : std::uint8_t { connection, query };
  enum class Target : std::uint8_t {
    connection_id,
    query_id,    ///< KILL QUERY ID of MariaDB
    user,        ///< KILL USER of MariaDB
    expression,  ///< anything else that MySQL would compute: KILL @id, KILL 5 + 1
  };

  Scope scope = Scope::connection;
  Target target = Target::connection_id;
  std::uint64_t id = 0;       ///< for connection_id and query_id
  std::size_t id_offset = 0;  ///< where the number's digits stand in the text; for those two
  std::size_t id_size = 0;
  bool alone = true;  ///< no `;` with anything behind it, not even another `;`
};

/// The KILL that `sql` begins with; nothing for another statement, for one without a target, and
/// for a number beyond 64 bits.
std::optional<KillStatement> parse_kill(std::string_view sql, const Dialect& dialect) noexcept;

}  // namespace mysqlwire::sql
