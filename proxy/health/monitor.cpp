#include "proxy/health/monitor.hpp"

#include "proxy/health/standing_query.hpp"
#include "proxy/session/ask.hpp"
#include "proxy/session/packet_io.hpp"

#include <mysqlwire/crypto/native_password.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace mysqlproxy {

namespace {

/// The name under which a server without an account for checks is asked for life.
constexpr std::string_view stranger = "mysqlproxy_health";

/// What decides on which servers are used.
auto role(const std::optional<Standing>& standing) {
  const Standing one = standing.value_or(Standing());
  return std::tuple(standing.has_value(), one.writable, one.out_of_step, one.unsynced,
                    one.replicating);
}

}  // namespace

void Monitor::start() {
  thread_ = std::thread([this] { loop_.run(); });
}

void Monitor::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
  watches_.clear();
}

void Monitor::watch(const std::vector<std::shared_ptr<Server>>& servers, const HealthConfig& config,
                    bool standings) {
  {
    const std::lock_guard lock(mutex_);
    not_checked_ = servers.size();
  }
  auto plan = std::make_shared<Plan>();
  plan->reachable = config.reachable;
  plan->read_only = config.read_only;
  plan->replication = config.replication;
  plan->threads = config.threads;
  plan->standings = standings;
  plan->account_given = !config.user.empty();
  plan->account.user = plan->account_given ? config.user : std::string(stranger);
  plan->account.secret.clear = config.password.clone();
  loop_.post([this, servers, plan] { replace(servers, std::move(*plan)); });
}

void Monitor::wait_for_first_round(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  first_round_.wait_for(lock, at_most, [this] { return not_checked_ == 0; });
}

void Monitor::replace(std::vector<std::shared_ptr<Server>> servers, Plan plan) {
  for (auto& old : watches_) loop_.bury(std::move(old));
  watches_.clear();
  plan_ = std::move(plan);
  for (auto& server : servers) {
    watches_.push_back(std::make_unique<Watch>(loop_, std::move(server)));
    Watch& watch = *watches_.back();
    watch.task.emplace(look_after(watch));
    watch.task->start();
  }
}

Task<void> Monitor::look_after(Watch& watch) {
  bool first = true;
  for (;;) {
    const std::uint64_t next = take_turns(watch);
    co_await check(watch);
    if (first) checked_once();
    first = false;
    const std::uint64_t now = loop_.now();
    if (now >= next) continue;
    watch.deadline.set(std::chrono::milliseconds(next - now));
    while (!watch.deadline.passed()) co_await watch.waker;
    watch.deadline.clear();
  }
}

/// Finds out which kinds of checks are due now. Returns when the next of them is.
std::uint64_t Monitor::take_turns(Watch& watch) const {
  const std::uint64_t now = loop_.now();
  std::uint64_t next = 0;
  const auto take = [&](Turn& turn, const CheckConfig& check, bool wanted) {
    turn.now = wanted && turn.due <= now;
    if (!wanted) return;
    if (turn.now) turn.due = now + static_cast<std::uint64_t>(check.interval.count());
    next = next == 0 ? turn.due : std::min(next, turn.due);
  };
  take(watch.reachable, plan_.reachable, true);
  take(watch.read_only, plan_.read_only, plan_.account_given);
  take(watch.replication, plan_.replication, plan_.account_given);
  take(watch.threads, plan_.threads, plan_.threads.interval.count() != 0);
  return next;
}

Task<void> Monitor::check(Watch& watch) {
  Server& server = *watch.server;
  OnBehalf nobody;
  nobody.tells_server = false;
  ServerConnector connector(loop_, watch.waker, plan_.reachable.timeout, nobody);
  const SessionWishes wishes = own_wishes();
  ConnectOutcome outcome = co_await connector.connect(watch.server, plan_.account, wishes);
  bool alive = false;
  if (outcome.connection) alive = co_await ping(watch, *outcome.connection);
  if (watch.reachable.now) judge(watch, outcome, alive);
  if (alive && plan_.account_given) co_await find_standing(watch, *outcome.connection);
  if (alive && watch.threads.now) co_await count_threads(watch, *outcome.connection);
  if (outcome.connection) {
    constexpr std::uint8_t quit[] = {1, 0, 0, 0, 0x01};
    outcome.connection->channel.send_command(quit);
  }
  const bool down = server.reachability() == Reachability::down;
  // Sessions may have found out before the check has.
  const auto standing = server.standing();
  const bool changed = down != watch.was_down || role(standing) != role(watch.known);
  watch.was_down = down;
  watch.known = standing;
  if (changed) changed_();
}

/// One check, one verdict.
void Monitor::judge(Watch& watch, const ConnectOutcome& outcome, bool alive) {
  Server& server = *watch.server;
  // A login of anybody's may come to no end, but this one is made to see whether logins do.
  if (outcome.unreachable || outcome.unfinished)
    server.unreachable(outcome.reason.substr(server.name().size() + 2), true);
  else if (outcome.connection && !alive)
    server.unreachable("no answer to COM_PING", true);
  else if (outcome.connection || outcome.refused)
    server.reached();
  const std::string refusal =
      outcome.refused && plan_.account_given ? outcome.reason : std::string();
  if (!refusal.empty() && refusal != watch.refusal)
    log_.warn("health check: " + refusal + "; the server is there, so it stays in use");
  watch.refusal = refusal;
}

Task<void> Monitor::find_standing(Watch& watch, ServerConnection& connection) {
  const bool mariadb = connection.greeting.flavor() == mysqlwire::Flavor::mariadb;
  if (!plan_.standings && !mariadb) co_return;
  // After it was away nothing is true any more.
  const auto standing = watch.server->standing();
  const bool anew = !standing || watch.was_down;
  // A server that refuses statements, as sessions may have found out, still answers SHOW: only both
  // together tell that it is back.
  const bool doubted = watch.seen.out_of_step || (standing && standing->out_of_step);
  const bool mode_due = watch.read_only.now || anew || doubted;
  const bool copies_due = watch.replication.now || anew || doubted;
  if (!mode_due && !copies_due) co_return;
  const auto asked = Server::Clock::now();
  std::string trouble;
  bool refuses = false;
  if (mode_due) {
    const TextResult read_only =
        co_await ask(loop_, watch.waker, connection, read_only_query, plan_.read_only.timeout);
    refuses = refuses_statements(read_only);
    if (!refuses) trouble = take_read_only(read_only, watch.seen);
  }
  const bool known = trouble.empty();
  if (refuses)
    watch.seen.clustered = watch.seen.out_of_step = true;
  else if (known && copies_due)
    trouble = co_await find_replication(watch, connection);
  if (!trouble.empty() && trouble != watch.trouble)
    log_.warn(fmt::format("health check: what {} is among the others is not fully known: {}",
                          watch.server->name(), trouble));
  watch.trouble = trouble;
  if (!known) co_return;
  // Where nobody wants to know of roles a cluster is all that matters.
  if (!plan_.standings && !watch.seen.clustered && !standing) co_return;
  std::optional<RiseFall> mode;
  std::optional<RiseFall> copies;
  if (mode_due && !refuses) mode = plan_.read_only.needs;
  if (copies_due || refuses) copies = plan_.replication.needs;
  watch.server->set_standing(watch.seen, mode, copies, asked);
}

/// Returns what is strange about the answers.
Task<std::string> Monitor::find_replication(Watch& watch, ServerConnection& connection) {
  std::string trouble;
  if (plan_.standings) {
    const TextResult replication =
        co_await ask(loop_, watch.waker, connection, replication_query(connection.greeting),
                     plan_.replication.timeout);
    trouble = take_replication(replication, watch.seen);
  }
  if (connection.greeting.flavor() != mysqlwire::Flavor::mariadb) co_return trouble;
  const TextResult cluster =
      co_await ask(loop_, watch.waker, connection, cluster_query, plan_.replication.timeout);
  const std::string strange = take_cluster(cluster, watch.seen);
  if (trouble.empty()) trouble = strange;
  co_return trouble;
}

Task<void> Monitor::count_threads(Watch& watch, ServerConnection& connection) {
  const TextResult status =
      co_await ask(loop_, watch.waker, connection, threads_query, plan_.threads.timeout);
  if (!status.error().empty()) co_return;
  const TextResult most =
      co_await ask(loop_, watch.waker, connection, most_threads_query, plan_.threads.timeout);
  Threads threads;
  if (take_threads(status, most, threads).empty())
    watch.server->set_threads(threads, plan_.threads.needs);
}

Task<bool> Monitor::ping(Watch& watch, ServerConnection& connection) {
  constexpr std::uint8_t ping[] = {1, 0, 0, 0, 0x0e};
  Deadline deadline(loop_, watch.waker);
  deadline.set(plan_.reachable.timeout);
  connection.channel.send_command(ping);
  mysqlwire::FrameReader reader;
  const Reception got =
      co_await receive_packet(loop_, watch.waker, connection.channel, reader, deadline, nullptr);
  if (got.kind != Reception::Kind::packet) co_return false;
  co_return !got.packet.payload.empty() && got.packet.payload[0] == 0;
}

void Monitor::checked_once() {
  const std::lock_guard lock(mutex_);
  if (not_checked_ != 0) --not_checked_;
  if (not_checked_ == 0) first_round_.notify_all();
}

}  // namespace mysqlproxy
