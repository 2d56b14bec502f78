#include "proxy/health/standing_query.hpp"

#include "proxy/pool/second_thoughts.hpp"

#include <mysqlwire/sql/dialect.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace mysqlproxy {

namespace {

/// wsrep_local_state of a member that has all and holds nobody up. Others are joining, are a
/// donor's or a desynced member's, or have joined and not caught up.
constexpr std::string_view wsrep_synced = "4";

/// The column that has one of the two names, which are those of before and since MySQL 8.0.22.
std::optional<std::size_t> column(const TextResult& result, std::string_view old_name,
                                  std::string_view new_name) {
  const auto& names = result.names();
  const auto found = std::ranges::find_if(
      names, [&](const std::string& name) { return name == old_name || name == new_name; });
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace

std::string_view replication_query(const mysqlwire::ServerGreeting& server) noexcept {
  mysqlwire::sql::Dialect dialect;
  dialect.set_server_version(server.server_version);
  if (dialect.flavor == mysqlwire::Flavor::mariadb) return "SHOW ALL SLAVES STATUS";
  return dialect.version >= 80022 ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS";
}

std::string take_read_only(const TextResult& result, Standing& standing) {
  if (!result.error().empty()) return result.error();
  if (result.rows().size() != 1 || result.rows()[0].size() != 1)
    return "no single value for read_only";
  // Newer MariaDB servers have words for it.
  const std::string& value = result.rows()[0][0];
  standing.writable = value == "0" || value == "OFF";
  return {};
}

std::string take_replication(const TextResult& result, Standing& standing) {
  if (!result.error().empty()) return result.error();
  const auto receiver = column(result, "Slave_IO_Running", "Replica_IO_Running");
  const auto applier = column(result, "Slave_SQL_Running", "Replica_SQL_Running");
  const auto behind = column(result, "Seconds_Behind_Master", "Seconds_Behind_Source");
  if (!receiver || !applier || !behind) return "a replication status of unknown columns";
  // Of several sources the slowest counts, and one that stands still is enough to be out of date.
  standing.replicating = !result.rows().empty();
  standing.receiving = standing.replicating;
  // What an earlier check has found is no bound for this one.
  standing.lag.reset();
  for (const TextResult::Row& row : result.rows()) {
    const bool runs = row[*receiver] == "Yes" && row[*applier] == "Yes";
    standing.replicating = standing.replicating && runs;
    standing.receiving = standing.receiving && row[*receiver] == "Yes";
    std::int64_t seconds = 0;
    const std::string& text = row[*behind];
    const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || read.ec != std::errc()) {
      standing.replicating = false;
      continue;
    }
    standing.lag = std::max(standing.lag.value_or(std::chrono::seconds(0)),
                            std::chrono::seconds(std::max<std::int64_t>(seconds, 0)));
  }
  if (!standing.replicating) standing.lag.reset();
  return {};
}

bool refuses_statements(const TextResult& result) noexcept {
  return refused_by_cluster(result.code(), result.error());
}

std::string take_cluster(const TextResult& result, Standing& standing) {
  if (!result.error().empty()) return result.error();
  bool ready = true;
  bool member = false;
  bool synced = true;
  for (const TextResult::Row& row : result.rows()) {
    if (row.size() != 2) return "a cluster status of unknown columns";
    if (row[0] == "wsrep_ready") ready = row[1] == "ON";
    if (row[0] == "wsrep_provider_name") member = !row[1].empty();
    if (row[0] == "wsrep_local_state") synced = row[1] == wsrep_synced;
  }
  standing.clustered = member;
  standing.out_of_step = member && !ready;
  standing.unsynced = member && ready && !synced;
  return {};
}

std::string take_threads(const TextResult& status, const TextResult& most, Threads& threads) {
  for (const TextResult* one : {&status, &most}) {
    if (!one->error().empty()) return one->error();
  }
  const auto number = [](const std::string& text, std::uint32_t& out) {
    return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc();
  };
  int found = 0;
  for (const TextResult::Row& row : status.rows()) {
    if (row.size() != 2) return "a status of unknown columns";
    if (row[0] == "Threads_connected" && number(row[1], threads.connected)) ++found;
    if (row[0] == "Threads_running" && number(row[1], threads.running)) ++found;
  }
  const auto& rows = most.rows();
  if (rows.size() == 1 && rows[0].size() == 1 && number(rows[0][0], threads.most)) ++found;
  return found == 3 ? std::string() : "no count of its threads";
}

}  // namespace mysqlproxy
