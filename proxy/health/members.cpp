#include "proxy/health/members.hpp"

#include "proxy/session/ask.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace mysqlproxy {

using std::chrono::milliseconds;

namespace {

/// Held by whoever moves a primary, on each server that takes part; one name for all pools, since
/// another proxy may have another name for this one.
constexpr std::string_view lock_query = "SELECT GET_LOCK('mysqlproxy.primary', 0)";

bool is_on(std::string_view text) { return text == "1" || text == "ON"; }

/// The cell of the column that has one of these names, which are those of before and since MySQL
/// 8.0.22; empty where there is none.
std::string cell(const TextResult& result, const TextResult::Row& row, std::string_view old_name,
                 std::string_view new_name) {
  for (std::size_t i = 0; i < result.names().size() && i < row.size(); ++i)
    if (result.names()[i] == old_name || result.names()[i] == new_name) return row[i];
  return {};
}

Progress progress_of(mysqlwire::Flavor flavor, std::string_view text) {
  const auto progress =
      flavor == mysqlwire::Flavor::mariadb ? Progress::mariadb(text) : Progress::mysql(text);
  return progress.value_or(Progress());
}

Task<void> run_and_notify(Task<void> task, Waker& waker) {
  co_await task;
  waker.notify();
}

}  // namespace

std::string only_value(const TextResult& result) {
  const auto& rows = result.rows();
  return rows.size() == 1 && !rows[0].empty() ? rows[0][0] : std::string();
}

Members::Members(Loop& loop, Waker& waker, const Topology& topology, const Pool& pool)
    : loop_(loop), waker_(waker), patience_(topology.config().health.reachable.timeout) {
  const HealthConfig& health = topology.config().health;
  account_.user = health.user;
  account_.secret.clear = health.password.clone();
  for (const auto& server : pool.servers()) {
    Member& member = members_.emplace_back();
    member.server = server;
    member.waker = std::make_unique<Waker>(loop);
    Candidate& one = candidates_.emplace_back();
    one.name = server->name();
    const Endpoint& address =
        server->config().replication_address.value_or(server->config().address);
    if (address.kind != Endpoint::Kind::tcp) continue;
    one.host = address.host;
    one.port = address.port;
  }
}

std::vector<std::size_t> Members::asked() const {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < candidates_.size(); ++i)
    if (candidates_[i].asked()) places.push_back(i);
  return places;
}

Task<void> Members::gather(bool spare_lost) {
  std::vector<Task<void>> looks;
  for (std::size_t i = 0; i < members_.size(); ++i) looks.push_back(find(i, spare_lost));
  co_await all(std::move(looks));
}

Task<void> Members::find(std::size_t place, bool spare_lost) {
  Member& member = members_[place];
  Candidate& one = candidates_[place];
  one.trouble.clear();
  if (!member.connection && spare_lost && member.server->down_by_checks()) {
    // One that hangs would take the time of another check, while writes wait.
    one.trouble = member.server->describe();
  } else if (!member.connection) {
    const std::string fault = co_await reconnect(member);
    one.trouble = fault;
  }
  if (member.connection) co_await look_at(place);
}

Task<std::string> Members::reconnect(Member& member) {
  member.connection.reset();
  OnBehalf nobody;
  nobody.tells_server = false;
  ServerConnector connector(loop_, *member.waker, patience_, nobody);
  const SessionWishes wishes = own_wishes();
  ConnectOutcome outcome = co_await connector.connect(member.server, account_, wishes);
  if (!outcome.connection) {
    const std::string prefix = member.name() + ": ";
    const bool named = outcome.reason.starts_with(prefix);
    co_return named ? outcome.reason.substr(prefix.size()) : outcome.reason;
  }
  member.connection = std::move(outcome.connection);
  member.sql = ReplicationSql(member.connection->greeting.server_version);
  // So that texts are written in one way.
  const std::string fault = co_await tell_one(member, "SET SESSION sql_mode = ''", soon);
  co_return fault;
}

Task<void> Members::look_at(std::size_t place) {
  Member& member = members_[place];
  Candidate& one = candidates_[place];
  one.flavor = member.sql.flavor();
  const TextResult facts = co_await ask(member, member.sql.facts(), soon);
  const auto& rows = facts.rows();
  if (!facts.error().empty() || rows.size() != 1 || rows[0].size() != 6) {
    one.trouble = facts.error().empty() ? "an answer of unknown columns" : facts.error();
    co_return;
  }
  const TextResult::Row& row = rows[0];
  member.position = row[0];
  std::erase(member.position, '\n');
  one.has = progress_of(one.flavor, row[0]);
  one.has.add(progress_of(one.flavor, row[5]));
  one.gtid = row[1] == "ON";
  one.binary_log = is_on(row[2]) && is_on(row[3]);
  one.writable = row[4] == "0" || row[4] == "OFF";
  co_await look_at_source(place);
  const TextResult grants = co_await ask(member, "SHOW GRANTS", soon);
  std::vector<std::string> lines;
  for (const auto& grant : grants.rows()) lines.push_back(grant.empty() ? "" : grant[0]);
  one.missing = member.sql.missing_privileges(lines);
}

Task<void> Members::look_at_source(std::size_t place) {
  Member& member = members_[place];
  Candidate& one = candidates_[place];
  const TextResult status = co_await ask(member, member.sql.status(), soon);
  if (!status.error().empty()) {
    one.trouble = status.error();
    co_return;
  }
  one.sources = status.rows().size();
  one.received = one.has;
  one.receiver_runs = one.receiving = one.applying = one.named_source = false;
  one.lag.reset();
  member.applied_all = false;
  for (const TextResult::Row& row : status.rows()) {
    const auto of = [&](std::string_view old_name, std::string_view new_name) {
      return cell(status, row, old_name, new_name);
    };
    const bool mariadb = one.flavor == mysqlwire::Flavor::mariadb;
    const std::string by_gtid = mariadb ? of("Using_Gtid", "") : of("Auto_Position", "");
    one.gtid = one.gtid && !by_gtid.empty() && by_gtid != "No" && by_gtid != "0";
    one.named_source = one.named_source || !of("Connection_name", "Channel_Name").empty();
    const std::string receiver = of("Slave_IO_Running", "Replica_IO_Running");
    one.receiving = receiver == "Yes";
    one.receiver_runs = receiver != "No";
    one.applying = of("Slave_SQL_Running", "Replica_SQL_Running") == "Yes";
    member.received = mariadb ? of("Gtid_IO_Pos", "") : of("Retrieved_Gtid_Set", "");
    std::erase(member.received, '\n');
    one.received.add(progress_of(one.flavor, member.received));
    const std::string state = of("Slave_SQL_Running_State", "Replica_SQL_Running_State");
    member.applied_all = state.find("has read all relay log") != state.npos;
    member.trouble = of("Last_IO_Error", "");
    const std::string behind = of("Seconds_Behind_Master", "Seconds_Behind_Source");
    std::int64_t seconds = 0;
    const auto read = std::from_chars(behind.data(), behind.data() + behind.size(), seconds);
    if (!behind.empty() && read.ec == std::errc())
      one.lag = std::chrono::seconds(std::max<std::int64_t>(seconds, 0));
  }
}

Task<std::string> Members::lock(std::vector<std::size_t> places) {
  for (const std::size_t place : places) {
    const TextResult got = co_await ask(members_[place], lock_query, soon);
    if (!got.error().empty()) co_return fmt::format("{}: {}", candidates_[place].name, got.error());
    if (only_value(got) != "1")
      co_return fmt::format("another proxy moves a primary: it holds the lock on {}",
                            candidates_[place].name);
  }
  co_return std::string();
}

Task<TextResult> Members::ask(Member& member, std::string_view sql, milliseconds longest) {
  if (!member.connection) {
    TextResult nothing{mysqlwire::Capabilities()};
    nothing.fail("the connection is lost");
    co_return nothing;
  }
  TextResult result =
      co_await mysqlproxy::ask(loop_, *member.waker, *member.connection, sql, longest, true);
  // Without an ERR of the server's an answer may still come.
  if (!result.error().empty() && result.code() == 0) {
    member.abandoned = member.connection->greeting.connection_id;
    member.connection.reset();
  }
  co_return result;
}

Task<std::string> Members::tell(Member& member, std::vector<std::string> statements,
                                milliseconds longest) {
  for (const std::string& statement : statements) {
    const TextResult result = co_await ask(member, statement, longest);
    if (!result.error().empty()) co_return result.error();
  }
  co_return std::string();
}

Task<std::string> Members::tell_one(Member& member, std::string statement, milliseconds longest) {
  const TextResult result = co_await ask(member, statement, longest);
  co_return result.error();
}

Task<void> Members::all(std::vector<Task<void>> tasks) {
  std::vector<Task<void>> running;
  for (Task<void>& task : tasks) running.push_back(run_and_notify(std::move(task), waker_));
  for (const Task<void>& task : running) task.start();
  while (!std::ranges::all_of(running, &Task<void>::done)) co_await waker_;
}

Task<void> Members::pause() {
  Deadline pause(loop_, waker_);
  pause.set(pause_time);
  while (!pause.passed()) co_await waker_;
}

void Members::say_farewell() {
  constexpr std::uint8_t quit[] = {1, 0, 0, 0, 1};
  for (Member& member : members_)
    if (member.connection) member.connection->channel.send_command(quit);
}

}  // namespace mysqlproxy
