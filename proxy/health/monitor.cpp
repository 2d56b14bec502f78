#include "proxy/health/monitor.hpp"

#include "proxy/health/standing_query.hpp"
#include "proxy/session/ask.hpp"
#include "proxy/session/packet_io.hpp"

#include <mysqlwire/crypto/native_password.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <fmt/format.h>

#include <utility>

namespace mysqlproxy {

namespace {

/// The name under which a server without an account for checks is asked for life.
constexpr std::string_view stranger = "mysqlproxy_health";

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
  plan->interval = config.interval;
  plan->timeout = config.timeout;
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
    co_await check(watch);
    if (first) checked_once();
    first = false;
    watch.deadline.set(plan_.interval);
    while (!watch.deadline.passed()) co_await watch.waker;
    watch.deadline.clear();
  }
}

Task<void> Monitor::check(Watch& watch) {
  Server& server = *watch.server;
  ServerConnector connector(loop_, watch.waker, plan_.timeout, {});
  const SessionWishes wishes = own_wishes();
  ConnectOutcome outcome = co_await connector.connect(watch.server, plan_.account, wishes);
  bool changed = false;
  if (outcome.connection) {
    const bool alive = co_await ping(watch, *outcome.connection);
    if (!alive) server.unreachable("no answer to COM_PING");
    if (alive && plan_.standings) changed = co_await find_standing(watch, *outcome.connection);
    constexpr std::uint8_t quit[] = {1, 0, 0, 0, 0x01};
    outcome.connection->channel.send_command(quit);
  }
  // A login of anybody's may come to no end, but this one is made to see whether logins do.
  if (outcome.unfinished) server.unreachable(outcome.reason.substr(server.name().size() + 2));
  const std::string refusal =
      outcome.refused && plan_.account_given ? outcome.reason : std::string();
  if (!refusal.empty() && refusal != watch.refusal)
    log_.warn("health check: " + refusal + "; the server is there, so it stays in use");
  watch.refusal = refusal;
  const bool down = server.reachability() == Reachability::down;
  changed = changed || down != watch.was_down;
  watch.was_down = down;
  if (changed) changed_();
}

/// True when it is another one than before.
Task<bool> Monitor::find_standing(Watch& watch, ServerConnection& connection) {
  Standing standing;
  const TextResult read_only =
      co_await ask(loop_, watch.waker, connection, read_only_query, plan_.timeout);
  std::string trouble = take_read_only(read_only, standing);
  const bool known = trouble.empty();
  if (known) {
    const TextResult replication = co_await ask(
        loop_, watch.waker, connection, replication_query(connection.greeting), plan_.timeout);
    trouble = take_replication(replication, standing);
  }
  if (known && connection.greeting.flavor() == mysqlwire::Flavor::mariadb) {
    const TextResult cluster =
        co_await ask(loop_, watch.waker, connection, cluster_query, plan_.timeout);
    const std::string strange = take_cluster(cluster, standing);
    if (trouble.empty()) trouble = strange;
  }
  if (!trouble.empty() && trouble != watch.trouble)
    log_.warn(fmt::format("health check: what {} is among the others is not fully known: {}",
                          watch.server->name(), trouble));
  watch.trouble = trouble;
  co_return known&& watch.server->set_standing(standing);
}

Task<bool> Monitor::ping(Watch& watch, ServerConnection& connection) {
  constexpr std::uint8_t ping[] = {1, 0, 0, 0, 0x0e};
  Deadline deadline(loop_, watch.waker);
  deadline.set(plan_.timeout);
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
