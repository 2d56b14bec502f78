// What is said to servers to move a primary, in the words of each vendor and version.
#pragma once

#include <mysqlwire/wire/context.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// Where a replica is to copy from, and as whom.
struct ReplicationSource {
  std::string host;
  std::uint16_t port = 0;
  std::string user;  ///< empty: as it has done so far
  std::string_view password;
  bool tls = false;
};

/// The statements for one server. Pure.
/// https://dev.mysql.com/doc/refman/8.0/en/sql-replication-statements.html
/// https://mariadb.com/kb/en/replication-commands/
class ReplicationSql {
 public:
  /// `server_version` as the server greets with it.
  explicit ReplicationSql(std::string_view server_version);

  mysqlwire::Flavor flavor() const noexcept { return flavor_; }
  /// A row for each source.
  std::string_view status() const noexcept;
  /// One row: what it has, whether it uses GTIDs, writes a binary log, and writes there what it
  /// copies.
  std::string_view facts() const noexcept;
  /// One row: 0 when it has everything of `progress`, as the variables have it.
  std::string wait_for(std::string_view progress, std::chrono::seconds longest) const;
  std::vector<std::string> set_read_only() const;
  std::vector<std::string> set_writable() const;
  std::string stop_copying() const;
  /// One row: how many seconds a semi-synchronous replica that is to stop copying tries to connect
  /// to its source, to end what it has there. Empty: such a server never does.
  /// https://mariadb.com/kb/en/semisynchronous-replication/
  std::string_view farewell() const noexcept;
  std::string set_farewell(std::string_view seconds) const;
  std::string start_copying() const;
  // One part of it. The receiver is what is connected to the source.
  std::string stop_receiving() const;
  std::string start_receiving() const;
  std::string start_applying() const;
  /// It is no replica any more, and forgets whose it was.
  std::string forget_source() const;
  /// For a server that has stopped copying. `own_progress`: what a server that was a primary has
  /// written itself, for MariaDB, where it does not count by itself; empty for a replica.
  std::vector<std::string> copy_from(const ReplicationSource& source,
                                     std::string_view own_progress) const;
  /// The privileges for moving a primary that `grants`, the rows of SHOW GRANTS, do not show. What
  /// comes by a role is not seen.
  std::vector<std::string> missing_privileges(const std::vector<std::string>& grants) const;

 private:
  bool mysql_from(std::uint32_t version) const noexcept;

  mysqlwire::Flavor flavor_;
  std::uint32_t version_;  ///< 80015 is 8.0.15
};

/// As a literal, for a session whose sql_mode is empty.
std::string sql_text(std::string_view text);

}  // namespace mysqlproxy
