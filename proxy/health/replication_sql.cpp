#include "proxy/health/replication_sql.hpp"

#include <mysqlwire/sql/dialect.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace mysqlproxy {

namespace {

using mysqlwire::Flavor;

/// The versions that brought the words.
constexpr std::uint32_t replica_words = 80022;
constexpr std::uint32_t source_words = 80023;
constexpr std::uint32_t public_key_words = 80004;

/// A privilege that is wanted, and one that has it among others; of servers that do not know the
/// former the latter is enough.
struct Wanted {
  std::string_view name;
  std::string_view older;
};

constexpr Wanted of_mysql[] = {{"SYSTEM_VARIABLES_ADMIN", "SUPER"},
                               {"REPLICATION_SLAVE_ADMIN", "SUPER"},
                               {"REPLICATION CLIENT", "SUPER"},
                               {"RELOAD", "RELOAD"}};
/// Before 10.5.
constexpr Wanted of_old_mariadb[] = {{"SUPER", "SUPER"}, {"RELOAD", "RELOAD"}};
constexpr Wanted of_mariadb[] = {{"READ_ONLY ADMIN", "READ_ONLY ADMIN"},
                                 {"REPLICATION SLAVE ADMIN", "REPLICATION SLAVE ADMIN"},
                                 {"SLAVE MONITOR", "REPLICA MONITOR"},
                                 {"RELOAD", "RELOAD"}};

}  // namespace

ReplicationSql::ReplicationSql(std::string_view server_version) {
  mysqlwire::sql::Dialect dialect;
  dialect.set_server_version(server_version);
  flavor_ = dialect.flavor;
  version_ = dialect.version;
}

bool ReplicationSql::mysql_from(std::uint32_t version) const noexcept {
  return flavor_ == Flavor::mysql && version_ >= version;
}

std::string_view ReplicationSql::status() const noexcept {
  if (flavor_ == Flavor::mariadb) return "SHOW ALL SLAVES STATUS";
  return mysql_from(replica_words) ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS";
}

std::string_view ReplicationSql::facts() const noexcept {
  if (flavor_ == Flavor::mariadb)
    return "SELECT @@global.gtid_binlog_pos, 'ON', @@global.log_bin, @@global.log_slave_updates, "
           "@@global.read_only, @@global.gtid_slave_pos";
  return mysql_from(80026) ? "SELECT @@global.gtid_executed, @@global.gtid_mode, @@global.log_bin, "
                             "@@global.log_replica_updates, @@global.read_only, ''"
                           : "SELECT @@global.gtid_executed, @@global.gtid_mode, @@global.log_bin, "
                             "@@global.log_slave_updates, @@global.read_only, ''";
}

std::string ReplicationSql::wait_for(std::string_view progress,
                                     std::chrono::seconds longest) const {
  const std::string_view function =
      flavor_ == Flavor::mariadb ? "MASTER_GTID_WAIT" : "WAIT_FOR_EXECUTED_GTID_SET";
  return fmt::format("SELECT {}({}, {})", function, sql_text(progress), longest.count());
}

std::vector<std::string> ReplicationSql::set_read_only() const {
  if (flavor_ == Flavor::mariadb) return {"SET GLOBAL read_only = 1"};
  // It sets read_only as well; nobody writes then, administrators included.
  return {"SET GLOBAL super_read_only = 1"};
}

std::vector<std::string> ReplicationSql::set_writable() const {
  if (flavor_ == Flavor::mariadb) return {"SET GLOBAL read_only = 0"};
  return {"SET GLOBAL super_read_only = 0", "SET GLOBAL read_only = 0"};
}

std::string ReplicationSql::stop_copying() const {
  return mysql_from(replica_words) ? "STOP REPLICA" : "STOP SLAVE";
}

std::string_view ReplicationSql::farewell() const noexcept {
  return flavor_ == Flavor::mariadb ? "SELECT @@global.rpl_semi_sync_slave_kill_conn_timeout" : "";
}

std::string ReplicationSql::set_farewell(std::string_view seconds) const {
  return fmt::format("SET GLOBAL rpl_semi_sync_slave_kill_conn_timeout = {}", seconds);
}

std::string ReplicationSql::start_copying() const {
  return mysql_from(replica_words) ? "START REPLICA" : "START SLAVE";
}

std::string ReplicationSql::stop_receiving() const { return stop_copying() + " IO_THREAD"; }

std::string ReplicationSql::start_receiving() const { return start_copying() + " IO_THREAD"; }

std::string ReplicationSql::start_applying() const { return start_copying() + " SQL_THREAD"; }

std::string ReplicationSql::forget_source() const {
  return mysql_from(replica_words) ? "RESET REPLICA ALL" : "RESET SLAVE ALL";
}

std::vector<std::string> ReplicationSql::copy_from(const ReplicationSource& source,
                                                   std::string_view own_progress) const {
  const std::string_view word = mysql_from(source_words) ? "SOURCE" : "MASTER";
  std::string change = fmt::format("CHANGE {} TO {}_HOST={}, {}_PORT={}",
                                   mysql_from(source_words) ? "REPLICATION SOURCE" : "MASTER", word,
                                   sql_text(source.host), word, source.port);
  if (!source.user.empty()) {
    change += fmt::format(", {}_USER={}, {}_PASSWORD={}, {}_SSL={}", word, sql_text(source.user),
                          word, sql_text(source.password), word, source.tls ? 1 : 0);
    // Without TLS the password of caching_sha2_password wants the source's key.
    if (!source.tls && mysql_from(public_key_words))
      change +=
          mysql_from(source_words) ? ", GET_SOURCE_PUBLIC_KEY=1" : ", GET_MASTER_PUBLIC_KEY=1";
  }
  change += flavor_ == Flavor::mariadb ? ", MASTER_USE_GTID=slave_pos"
                                       : fmt::format(", {}_AUTO_POSITION=1", word);
  std::vector<std::string> statements;
  if (flavor_ == Flavor::mariadb && !own_progress.empty())
    statements.push_back(fmt::format("SET GLOBAL gtid_slave_pos = {}", sql_text(own_progress)));
  statements.push_back(std::move(change));
  statements.push_back(start_copying());
  return statements;
}

std::string sql_text(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::vector<std::string> ReplicationSql::missing_privileges(
    const std::vector<std::string>& grants) const {
  // "GRANT SUPER, RELOAD ON *.* TO …": what is granted on everything.
  std::vector<std::string> granted;
  for (const std::string& grant : grants) {
    const auto on = grant.find(" ON *.* TO ");
    if (!grant.starts_with("GRANT ") || on == grant.npos) continue;
    std::string_view list(grant);
    list = list.substr(6, on - 6);
    while (!list.empty()) {
      // With a space behind the comma, or, of MySQL's dynamic privileges, without.
      const auto comma = list.find(',');
      granted.emplace_back(list.substr(0, comma));
      list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
      if (list.starts_with(' ')) list.remove_prefix(1);
    }
  }
  const auto has = [&](std::string_view name) {
    return std::ranges::find(granted, name) != granted.end();
  };
  std::vector<std::string> missing;
  if (has("ALL PRIVILEGES") || has("ALL")) return missing;
  const auto look = [&](const auto& wanted) {
    for (const Wanted& one : wanted)
      if (!has(one.name) && !has(one.older)) missing.emplace_back(one.name);
  };
  if (flavor_ == Flavor::mysql)
    look(of_mysql);
  else if (version_ < 100500)
    look(of_old_mariadb);
  else
    look(of_mariadb);
  return missing;
}

}  // namespace mysqlproxy
