#include "proxy/health/move.hpp"

#include "proxy/health/hook.hpp"
#include "proxy/session/ask.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace mysqlproxy {

using std::chrono::milliseconds;

namespace {

/// For a statement that changes no more than a few variables.
constexpr milliseconds soon{5'000};
/// Between two looks at something that others have to do.
constexpr milliseconds pause_time{100};
/// How long sessions that are told to hurry may take.
constexpr milliseconds last_words{1'000};

/// Held by whoever moves a primary, on each server that takes part; one name for all pools, since
/// another proxy may have another name for this one.
constexpr std::string_view lock_query = "SELECT GET_LOCK('mysqlproxy.primary', 0)";

std::string value(const TextResult& result) {
  const auto& rows = result.rows();
  return rows.size() == 1 && !rows[0].empty() ? rows[0][0] : std::string();
}

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

}  // namespace

std::string_view MoveRequest::name() const noexcept {
  switch (kind) {
    case Kind::switchover: return "switchover";
    case Kind::promote: return "promote";
    case Kind::failover: return "failover";
    case Kind::demote: return "demote";
  }
  return {};
}

Move::Move(Loop& loop, Log& log, std::shared_ptr<const Topology> topology,
           std::shared_ptr<Pool> pool, MoveRequest request, Teller teller, Reconsider reconsider)
    : loop_(loop),
      log_(log),
      waker_(loop),
      self_(std::make_shared<Waker*>(&waker_)),
      topology_(std::move(topology)),
      pool_(std::move(pool)),
      request_(std::move(request)),
      teller_(std::move(teller)),
      reconsider_(std::move(reconsider)),
      task_(run()) {
  const HealthConfig& health = topology_->config().health;
  account_.user = health.user;
  account_.secret.clear = health.password.clone();
  for (const auto& server : pool_->servers()) {
    members_.emplace_back();
    members_.back().server = server;
    Candidate& one = candidates_.emplace_back();
    one.name = server->name();
    const Endpoint& address =
        server->config().replication_address.value_or(server->config().address);
    if (address.kind != Endpoint::Kind::tcp) continue;
    one.host = address.host;
    one.port = address.port;
  }
}

Move::~Move() {
  *self_ = nullptr;
  if (holding_) pool_->brake()->held = pool_->brake()->hurry = false;
}

void Move::start() { task_.start(); }

Task<void> Move::run() {
  using Kind = MoveRequest::Kind;
  if (request_.kind == Kind::switchover) {
    const bool done = co_await switch_over();
    good_ = done;
  } else if (request_.kind == Kind::demote) {
    const bool done = co_await take_back();
    good_ = done;
  } else {
    const bool done = co_await fail_over();
    good_ = done;
  }
  if (holding_) co_await let_writes_go_on();
  for (Member& member : members_) {
    if (!member.connection) continue;
    constexpr std::uint8_t quit[] = {1, 0, 0, 0, 1};
    member.connection->channel.send_command(quit);
  }
  over_ = true;
}

Task<bool> Move::switch_over() {
  co_await gather();
  const auto primary = pool_->last_primary();
  MoveWishes wishes{.to = std::nullopt,
                    .most_lag = std::chrono::duration_cast<std::chrono::seconds>(
                        pool_->config().failover.most_lag),
                    .replication_user = !pool_->config().failover.replication_user.empty()};
  std::optional<std::size_t> from;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].server == primary) from = i;
    if (members_[i].server->name() == request_.to) wishes.to = i;
  }
  if (!accept(plan_switchover(candidates_, from, wishes))) co_return false;
  if (request_.dry_run) co_return true;
  const std::vector<std::size_t> places = asked();
  const std::string locked = co_await lock(places);
  if (!locked.empty()) co_return fail(locked);
  until_ = loop_.now() + static_cast<std::uint64_t>(request_.timeout.count());
  co_await hold_writes(true);
  const std::string fault = co_await leave_primary();
  if (!fault.empty()) {
    fail(fault);
    co_await roll_back();
    co_return false;
  }
  const bool promoted = co_await promote();
  if (!promoted) co_return false;
  const bool finished = co_await finish();
  co_return finished;
}

Task<bool> Move::fail_over() {
  const bool forced = request_.kind == MoveRequest::Kind::promote;
  co_await gather();
  const auto primary = pool_->last_primary();
  MoveWishes wishes{.to = std::nullopt,
                    .replication_user = !pool_->config().failover.replication_user.empty()};
  std::optional<std::size_t> from;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].server == primary) from = i;
    if (members_[i].server->name() == request_.to) wishes.to = i;
  }
  // Asked to promote the one that was the primary last, there is nobody else to leave.
  if (wishes.to && wishes.to == from) from.reset();
  if (!accept(plan_failover(candidates_, from, wishes, forced))) co_return false;
  if (request_.dry_run) co_return true;
  const std::vector<std::size_t> places = asked();
  const std::string locked = co_await lock(places);
  if (!locked.empty()) co_return fail(locked);
  // Whoever had the lock until now may have done it.
  co_await gather();
  plan_ = plan_failover(candidates_, from, wishes, forced);
  if (!plan_.good()) co_return fail(plan_.refusal);
  until_ = loop_.now() + static_cast<std::uint64_t>(request_.timeout.count());
  co_await hold_writes(false);
  const std::string fault = co_await apply_all();
  if (!fault.empty()) co_return fail(fault);
  if (from && members_[*from].server->reachability() != Reachability::down)
    co_return fail(fmt::format("{} is back", candidates_[*from].name));
  const bool promoted = co_await promote();
  if (!promoted) co_return false;
  const bool finished = co_await finish();
  co_return finished;
}

/// A primary of old is back as it was: writable, and fenced here. It is made read-only, whatever
/// else becomes of it, and a replica when it has nothing that the new one lacks.
Task<bool> Move::take_back() {
  co_await gather();
  const auto primary = pool_->primary();
  std::optional<std::size_t> to;
  std::optional<std::size_t> old;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].server == primary) to = i;
    if (members_[i].server->name() == request_.to) old = i;
  }
  if (!to || !old || to == old) co_return fail("there is no primary that it could follow");
  Member& member = members_[*old];
  if (!candidates_[*old].asked()) co_return fail(candidates_[*old].trouble);
  const std::vector<std::size_t> place(1, *old);
  const std::string locked = co_await lock(place);
  if (!locked.empty()) co_return fail(locked);
  const std::string fault = co_await tell(member, member.sql.set_read_only(), soon);
  if (!fault.empty()) co_return fail(fmt::format("{}: {}", candidates_[*old].name, fault));
  member.server->fix_standing({.writable = false});
  note(fmt::format("{} is read-only", candidates_[*old].name));
  plan_.to = *to;
  if (pool_->config().failover.replication_user.empty()) co_return true;
  if (!candidates_[*to].asked()) co_return fail(candidates_[*to].trouble);
  if (!candidates_[*to].has.has(candidates_[*old].has))
    co_return fail(
        fmt::format("{} has transactions that {} lacks: it stays read-only, for "
                    "somebody to look at",
                    candidates_[*old].name, candidates_[*to].name));
  const ReplicationSource source = source_at(*to, true);
  const bool follows = co_await follow(*old, source, true);
  co_return follows;
}

/// Asks every server anew, over the connection that is there or a new one.
Task<void> Move::gather() {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    candidates_[i].trouble.clear();
    const bool lost =
        request_.kind == MoveRequest::Kind::failover && members_[i].server->down_by_checks();
    if (lost && !members_[i].connection) {
      // One that hangs would take the time of another check, while writes wait.
      candidates_[i].trouble = members_[i].server->describe();
    } else if (!members_[i].connection) {
      const std::string fault = co_await reconnect(members_[i]);
      candidates_[i].trouble = fault;
    }
    if (members_[i].connection) co_await look_at(i);
  }
}

Task<std::string> Move::reconnect(Member& member) {
  member.connection.reset();
  OnBehalf nobody;
  nobody.tells_server = false;
  const milliseconds longest = topology_->config().health.reachable.timeout;
  ServerConnector connector(loop_, waker_, longest, nobody);
  const SessionWishes wishes = own_wishes();
  ConnectOutcome outcome = co_await connector.connect(member.server, account_, wishes);
  if (!outcome.connection) {
    const std::string prefix = member.server->name() + ": ";
    const bool named = outcome.reason.starts_with(prefix);
    co_return named ? outcome.reason.substr(prefix.size()) : outcome.reason;
  }
  member.connection = std::move(outcome.connection);
  member.sql = ReplicationSql(member.connection->greeting.server_version);
  // So that texts are written in one way.
  const std::string fault = co_await tell_one(member, "SET SESSION sql_mode = ''", soon);
  co_return fault;
}

Task<void> Move::look_at(std::size_t place) {
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

Task<void> Move::look_at_source(std::size_t place) {
  Member& member = members_[place];
  Candidate& one = candidates_[place];
  const TextResult status = co_await ask(member, member.sql.status(), soon);
  if (!status.error().empty()) {
    one.trouble = status.error();
    co_return;
  }
  one.sources = status.rows().size();
  one.received = one.has;
  one.receiving = one.applying = one.named_source = false;
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
    one.receiving = of("Slave_IO_Running", "Replica_IO_Running") == "Yes";
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

/// Takes the plan, and says what is in it.
bool Move::accept(const MovePlan& plan) {
  plan_ = plan;
  if (!plan_.good()) return fail(plan_.refusal);
  for (const std::string& one : plan_.warnings) warn(one);
  const milliseconds patience = pool_->config().primary_wait;
  if (patience < request_.timeout)
    warn(fmt::format(
        "primary_wait is {} ms: clients may give up before the {} ms that writes may be "
        "held back",
        patience.count(), request_.timeout.count()));
  for (const std::string& step : describe(plan_, candidates_))
    note((request_.dry_run ? "would " : "will ") + step);
  return true;
}

std::vector<std::size_t> Move::asked() const {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < candidates_.size(); ++i)
    if (candidates_[i].asked()) places.push_back(i);
  return places;
}

/// So that no other proxy does the same at the same time. Let go with the connections.
Task<std::string> Move::lock(std::vector<std::size_t> places) {
  for (const std::size_t place : places) {
    const TextResult got = co_await ask(members_[place], lock_query, soon);
    if (!got.error().empty()) co_return fmt::format("{}: {}", candidates_[place].name, got.error());
    if (value(got) != "1")
      co_return fmt::format("another proxy moves a primary: it holds the lock on {}",
                            candidates_[place].name);
  }
  co_return std::string();
}

/// From here on nobody gets the primary. Sessions leave it as soon as they have no transaction
/// open, and at half of the time in any case.
Task<void> Move::hold_writes(bool wait_for_sessions) {
  Brake& brake = *pool_->brake();
  brake.hurry = !wait_for_sessions;
  brake.held = true;
  holding_ = true;
  note("new writes wait");
  co_await tell_sessions();
  if (!wait_for_sessions) co_return;
  const std::uint64_t hurry_at = loop_.now() + static_cast<std::uint64_t>(left().count()) / 2;
  while (brake.stragglers.load(std::memory_order_acquire) != 0) {
    if (!brake.hurry && loop_.now() >= hurry_at) {
      warn(fmt::format("{} sessions have a transaction open and are ended",
                       brake.stragglers.load()));
      brake.hurry = true;
      co_await tell_sessions();
    }
    const auto limit = hurry_at + static_cast<std::uint64_t>(last_words.count());
    if (loop_.now() >= limit) break;
    Deadline pause(loop_, waker_);
    pause.set(pause_time);
    while (!pause.passed()) co_await waker_;
  }
}

/// Has all sessions look where they are, and waits until they have.
Task<void> Move::tell_sessions() {
  struct Answer {
    bool done = false;
  };
  const auto answer = std::make_shared<Answer>();
  reconsider_([answer, self = self_, &loop = loop_] {
    loop.post([answer, self] {
      answer->done = true;
      if (*self != nullptr) (*self)->notify();
    });
  });
  Deadline deadline(loop_, waker_);
  deadline.set(soon);
  while (!answer->done && !deadline.passed()) co_await waker_;
}

/// Makes the old primary read-only and has the new one catch up with it.
Task<std::string> Move::leave_primary() {
  Member& old = members_[*plan_.from];
  const std::string& name = candidates_[*plan_.from].name;
  // It waits for commits that are under way.
  old_is_read_only_ = true;
  std::string fault = co_await tell(old, old.sql.set_read_only(), left());
  if (!fault.empty()) co_return fmt::format("{}: {}", name, fault);
  note(fmt::format("{} is read-only", name));
  const TextResult facts = co_await ask(old, old.sql.facts(), soon);
  if (!facts.error().empty() || facts.rows().size() != 1)
    co_return fmt::format("{} does not say what it has: {}", name, facts.error());
  old.position = value(facts);
  std::erase(old.position, '\n');
  fault = co_await catch_up(old.position);
  co_return fault;
}

Task<std::string> Move::catch_up(const std::string& position) {
  Member& next = members_[plan_.to];
  const std::string& name = candidates_[plan_.to].name;
  for (;;) {
    const std::string query = next.sql.wait_for(position, std::chrono::seconds(1));
    const TextResult waited = co_await ask(next, query, soon);
    if (!waited.error().empty()) co_return fmt::format("{}: {}", name, waited.error());
    if (value(waited) == "0") break;
    if (left() <= milliseconds(1)) co_return fmt::format("{} has not caught up in time", name);
  }
  note(fmt::format("{} has everything", name));
  co_return std::string();
}

/// The same without a primary: everything that is there is to be applied.
Task<std::string> Move::apply_all() {
  Member& next = members_[plan_.to];
  const std::string& name = candidates_[plan_.to].name;
  if (!candidates_[plan_.to].applying) {
    const std::string fault = co_await tell_one(next, next.sql.start_copying(), soon);
    if (!fault.empty()) co_return fmt::format("{}: {}", name, fault);
  }
  for (;;) {
    co_await look_at_source(plan_.to);
    const Candidate& one = candidates_[plan_.to];
    if (!one.asked()) co_return fmt::format("{}: {}", name, one.trouble);
    // A transaction that has come in half never will be: then the applier says that it has all.
    if (next.received.empty() || next.applied_all) break;
    const std::string query = next.sql.wait_for(next.received, std::chrono::seconds(1));
    const TextResult waited = co_await ask(next, query, soon);
    if (!waited.error().empty()) co_return fmt::format("{}: {}", name, waited.error());
    if (value(waited) == "0") break;
    if (left() <= milliseconds(1))
      co_return fmt::format("{} has not applied what it has received in time", name);
  }
  note(fmt::format("{} has applied everything that it has received", name));
  co_return std::string();
}

/// With MariaDB's semi-synchronous replication a replica first connects to its source, to end what
/// it has there; where the source is lost, that is not worth more than the shortest time there is.
Task<std::string> Move::stop_copying(Member& member) {
  constexpr std::string_view shortest = "1";
  const bool lost =
      request_.kind == MoveRequest::Kind::failover || request_.kind == MoveRequest::Kind::promote;
  const std::string_view query = member.sql.farewell();
  if (lost && !query.empty()) {
    const TextResult answer = co_await ask(member, query, soon);
    std::string usual = value(answer);
    if (!usual.empty() && usual != shortest) {
      const std::string refused =
          co_await tell_one(member, member.sql.set_farewell(shortest), soon);
      // Without an answer it may have been done.
      if (refused.empty() || !member.connection) member.usual_farewell = std::move(usual);
    }
  }
  std::string fault = co_await tell_one(member, member.sql.stop_copying(), soon);
  co_await restore_farewell(member);
  co_return fault;
}

Task<void> Move::restore_farewell(Member& member) {
  if (member.usual_farewell.empty() || !member.connection) co_return;
  const std::string statement = member.sql.set_farewell(member.usual_farewell);
  const std::string fault = co_await tell_one(member, statement, soon);
  if (fault.empty())
    member.usual_farewell.clear();
  else
    warn(fmt::format("{} has not taken \"{}\": {}", member.server->name(), statement, fault));
}

/// Makes the new one writable. What goes wrong before it is can be undone; when it is not known
/// whether it is, the old one stays as it is.
Task<bool> Move::promote() {
  Member& next = members_[plan_.to];
  const std::string name = candidates_[plan_.to].name;
  stopped_copying_ = true;
  std::string fault = co_await stop_copying(next);
  if (fault.empty()) {
    fault = co_await tell(next, next.sql.set_writable(), soon);
    if (!fault.empty()) {
      const std::string lost = co_await reconnect(next);
      candidates_[plan_.to].trouble = lost;
      if (lost.empty()) co_await look_at(plan_.to);
      if (!candidates_[plan_.to].asked()) {
        // The old one must not be written to when perhaps the new one is.
        old_is_read_only_ = stopped_copying_ = false;
        warn(fmt::format("{} may be the primary or not: nothing more is done", name));
      } else if (candidates_[plan_.to].writable) {
        fault.clear();
      }
    }
  }
  if (!fault.empty()) {
    fail(fmt::format("{}: {}", name, fault));
    co_await roll_back();
    co_return false;
  }
  if (plan_.from && old_is_read_only_)
    members_[*plan_.from].server->fix_standing({.writable = false});
  next.server->fix_standing({.writable = true});
  note(fmt::format("{} is the primary", name));
  co_await let_writes_go_on();
  co_return true;
}

Task<void> Move::let_writes_go_on() {
  pool_->brake()->held = false;
  pool_->brake()->hurry = false;
  holding_ = false;
  co_await tell_sessions();
  note("writes go on");
}

/// As it was before: the old one can be written to, the other copies.
Task<void> Move::roll_back() {
  Member& next = members_[plan_.to];
  if (stopped_copying_) {
    std::string fault;
    if (!next.connection) fault = co_await reconnect(next);
    if (fault.empty()) co_await restore_farewell(next);
    if (fault.empty()) fault = co_await tell_one(next, next.sql.start_copying(), soon);
    if (!fault.empty())
      warn(fmt::format("{} does not copy any more: {}", candidates_[plan_.to].name, fault));
  }
  if (!old_is_read_only_ || !plan_.from) co_return;
  Member& old = members_[*plan_.from];
  const std::string& name = candidates_[*plan_.from].name;
  std::string fault;
  // Where a statement has had no answer yet the connection is of no more use, and the statement
  // must not come true later.
  if (!old.connection) fault = co_await reconnect(old);
  if (fault.empty() && old.abandoned != 0) {
    const std::string gone = co_await tell_one(old, fmt::format("KILL {}", old.abandoned), soon);
    log_.debug("ended the connection that had no answer", {{"answer", gone}});
  }
  if (fault.empty()) fault = co_await tell(old, old.sql.set_writable(), soon);
  if (fault.empty()) {
    old.server->fix_standing({.writable = true});
    note(fmt::format("{} can be written to again", name));
  } else {
    warn(fmt::format("{} may be read-only still: {}", name, fault));
  }
}

/// Everybody else follows the new one; that is done while writes go on.
Task<bool> Move::finish() {
  Member& next = members_[plan_.to];
  const std::string forgotten = co_await tell_one(next, next.sql.forget_source(), soon);
  if (!forgotten.empty()) {
    warn(fmt::format("{} still knows whose replica it was: {}", candidates_[plan_.to].name,
                     forgotten));
    whole_ = false;
  }
  for (const std::size_t other : plan_.others) {
    const ReplicationSource source = source_at(plan_.to, false);
    const bool follows = co_await follow(other, source, false);
    whole_ = whole_ && follows;
  }
  if (plan_.from && plan_.demote && candidates_[*plan_.from].asked()) {
    const ReplicationSource source = source_at(plan_.to, true);
    const bool follows = co_await follow(*plan_.from, source, true);
    whole_ = whole_ && follows;
  }
  co_await run_hook();
  co_return whole_;
}

ReplicationSource Move::source_at(std::size_t place, bool with_account) const {
  const FailoverConfig& config = pool_->config().failover;
  ReplicationSource source;
  source.host = candidates_[place].host;
  source.port = candidates_[place].port;
  if (!with_account) return source;
  source.user = config.replication_user;
  source.tls = config.replication_tls;
  if (config.replication_password)
    source.password = mysqlwire::as_text(config.replication_password->bytes());
  return source;
}

/// Has it copy from the new primary.
Task<bool> Move::follow(std::size_t place, const ReplicationSource& source, bool was_primary) {
  Member& member = members_[place];
  const std::string& name = candidates_[place].name;
  const std::string position = was_primary ? member.position : std::string();
  std::vector<std::string> statements = member.sql.copy_from(source, position);
  std::string fault = co_await stop_copying(member);
  if (fault.empty()) fault = co_await tell(member, std::move(statements), soon);
  // Whether the source lets it, shows only now.
  Deadline deadline(loop_, waker_);
  deadline.set(soon);
  while (fault.empty()) {
    co_await look_at_source(place);
    const Candidate& one = candidates_[place];
    if (one.receiving) break;
    if (!one.asked())
      fault = one.trouble;
    else if (!member.trouble.empty())
      fault = member.trouble;
    else if (deadline.passed())
      fault = "it has no connection yet";
    Deadline pause(loop_, waker_);
    pause.set(pause_time);
    while (fault.empty() && !pause.passed()) co_await waker_;
  }
  const std::string& next = candidates_[plan_.to].name;
  if (fault.empty())
    note(fmt::format("{} copies from {}", name, next));
  else
    fail(fmt::format("{} does not copy from {}: {}", name, next, fault));
  co_return fault.empty();
}

Task<void> Move::run_hook() {
  const FailoverConfig& config = pool_->config().failover;
  if (config.command.empty()) co_return;
  const auto address = [&](std::size_t place) {
    return to_string(members_[place].server->config().address);
  };
  std::vector<std::pair<std::string, std::string>> variables;
  variables.emplace_back("MYSQLPROXY_EVENT", request_.name());
  variables.emplace_back("MYSQLPROXY_POOL", pool_->name());
  variables.emplace_back("MYSQLPROXY_NEW", candidates_[plan_.to].name);
  variables.emplace_back("MYSQLPROXY_NEW_ADDRESS", address(plan_.to));
  variables.emplace_back("MYSQLPROXY_OLD", plan_.from ? candidates_[*plan_.from].name : "");
  variables.emplace_back("MYSQLPROXY_OLD_ADDRESS", plan_.from ? address(*plan_.from) : "");
  const std::string fault =
      co_await run_command(loop_, waker_, config.command, variables, config.command_timeout);
  if (fault.empty())
    note(fmt::format("{} was run", config.command[0]));
  else
    warn("on_failover: " + fault);
}

Task<TextResult> Move::ask(Member& member, std::string_view sql, milliseconds longest) {
  if (!member.connection) {
    TextResult nothing{mysqlwire::Capabilities()};
    nothing.fail("the connection is lost");
    co_return nothing;
  }
  TextResult result =
      co_await mysqlproxy::ask(loop_, waker_, *member.connection, sql, longest, true);
  // Without an ERR of the server's an answer may still come.
  if (!result.error().empty() && result.code() == 0) {
    member.abandoned = member.connection->greeting.connection_id;
    member.connection.reset();
  }
  co_return result;
}

Task<std::string> Move::tell(Member& member, std::vector<std::string> statements,
                             milliseconds longest) {
  for (const std::string& statement : statements) {
    const TextResult result = co_await ask(member, statement, longest);
    if (!result.error().empty()) co_return result.error();
  }
  co_return std::string();
}

Task<std::string> Move::tell_one(Member& member, std::string statement, milliseconds longest) {
  const TextResult result = co_await ask(member, statement, longest);
  co_return result.error();
}

/// Of the time that writes may be held back.
milliseconds Move::left() const {
  const std::uint64_t now = loop_.now();
  return milliseconds(until_ > now ? until_ - now : 1);
}

void Move::note(std::string text) {
  log_.info(fmt::format("{} of pool {}: {}", request_.name(), pool_->name(), text));
  teller_({.text = std::move(text)});
}

void Move::warn(std::string text) {
  log_.warn(fmt::format("{} of pool {}: {}", request_.name(), pool_->name(), text));
  teller_({.text = "warning: " + text});
}

/// Always false.
bool Move::fail(std::string text) {
  log_.error(fmt::format("{} of pool {}: {}", request_.name(), pool_->name(), text));
  teller_({.text = "failed: " + text});
  return false;
}

}  // namespace mysqlproxy
