#include "proxy/health/monitor.hpp"

#include "proxy/session/packet_io.hpp"

#include <mysqlwire/crypto/native_password.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <utility>

namespace mysqlproxy {

using mysqlwire::Capability;

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

void Monitor::watch(const std::vector<std::shared_ptr<Server>>& servers,
                    const HealthConfig& config) {
  {
    const std::lock_guard lock(mutex_);
    not_checked_ = servers.size();
  }
  auto plan = std::make_shared<Plan>();
  plan->interval = config.interval;
  plan->timeout = config.timeout;
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
  SessionWishes wishes;
  wishes.capabilities = {Capability::protocol_41, Capability::secure_connection,
                         Capability::transactions};
  wishes.max_packet_size = 1U << 24;
  wishes.collation = 45;
  ConnectOutcome outcome = co_await connector.connect(watch.server, plan_.account, wishes);
  if (outcome.connection) {
    const bool alive = co_await ping(watch, *outcome.connection);
    if (!alive) server.unreachable("no answer to COM_PING");
  }
  // A login of anybody's may come to no end, but this one is made to see whether logins do.
  if (outcome.unfinished) server.unreachable(outcome.reason.substr(server.name().size() + 2));
  const std::string refusal =
      outcome.refused && plan_.account_given ? outcome.reason : std::string();
  if (!refusal.empty() && refusal != watch.refusal)
    log_.warn("health check: " + refusal + "; the server is there, so it stays in use");
  watch.refusal = refusal;
}

Task<bool> Monitor::ping(Watch& watch, ServerConnection& connection) {
  constexpr std::uint8_t ping[] = {1, 0, 0, 0, 0x0e};
  constexpr std::uint8_t quit[] = {1, 0, 0, 0, 0x01};
  Deadline deadline(loop_, watch.waker);
  deadline.set(plan_.timeout);
  connection.channel.send_command(ping);
  mysqlwire::FrameReader reader;
  const Reception got =
      co_await receive_packet(loop_, watch.waker, connection.channel, reader, deadline, nullptr);
  if (got.kind != Reception::Kind::packet) co_return false;
  connection.channel.send_command(quit);
  co_return !got.packet.payload.empty() && got.packet.payload[0] == 0;
}

void Monitor::checked_once() {
  const std::lock_guard lock(mutex_);
  if (not_checked_ != 0) --not_checked_;
  if (not_checked_ == 0) first_round_.notify_all();
}

}  // namespace mysqlproxy
