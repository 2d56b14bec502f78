#include "proxy/pool/server.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace mysqlproxy {
namespace {

/// How long a server is left alone after `failures` failures in a row.
std::chrono::milliseconds back_off(unsigned failures) {
  constexpr std::chrono::milliseconds first{500};
  constexpr std::chrono::milliseconds most{16000};
  return std::min(most, first * (1U << std::min(failures, 5U)));
}

}  // namespace

std::vector<SocketAddress> Server::addresses() const {
  const std::lock_guard lock(mutex_);
  return addresses_;
}

std::shared_ptr<const TlsContext> Server::tls() const {
  const std::lock_guard lock(mutex_);
  return tls_;
}

void Server::set_tls(std::shared_ptr<const TlsContext> tls) {
  const std::lock_guard lock(mutex_);
  tls_ = std::move(tls);
}

void Server::set_addresses(std::vector<SocketAddress> addresses) {
  const std::lock_guard lock(mutex_);
  addresses_ = std::move(addresses);
}

void Server::take_over(const Server& old) {
  const std::scoped_lock lock(mutex_, old.mutex_);
  addresses_ = old.addresses_;
  facts_ = old.facts_;
  standing_ = old.standing_;
  steady_standing_ = old.steady_standing_;
  standing_fixed_ = old.standing_fixed_;
  clustered_ = old.clustered();
  threads_ = old.threads_;
  room_ = old.room_;
  up_ = old.up_;
  failed_checks_ = old.failed_checks_;
  reason_ = old.reason_;
  since_ = old.since_;
  retry_at_ = old.retry_at_;
  failures_ = old.failures_;
  quota.set_down(up_.value() == false);
}

void Server::set_needs(RiseFall needs) {
  const std::lock_guard lock(mutex_);
  needs_ = needs;
}

void Server::reached() {
  const std::lock_guard lock(mutex_);
  failed_checks_ = 0;
  if (!up_.take(true, needs_)) return;
  failures_ = 0;
  retry_at_ = {};
  quota.set_down(false);
  since_ = std::chrono::system_clock::now();
  reason_.clear();
  log_.info("server " + describe_locked());
}

void Server::set_facts(ServerFacts facts) {
  auto shared = std::make_shared<const ServerFacts>(std::move(facts));
  const std::lock_guard lock(mutex_);
  facts_ = std::move(shared);
}

std::shared_ptr<const ServerFacts> Server::facts() const {
  const std::lock_guard lock(mutex_);
  return facts_;
}

bool Server::set_standing(const Standing& seen, std::optional<RiseFall> read_only,
                          std::optional<RiseFall> replication, Clock::time_point asked) {
  const std::lock_guard lock(mutex_);
  if (asked <= standing_fixed_) return false;
  return set_standing_locked(seen, read_only, replication);
}

bool Server::set_standing_locked(const Standing& seen, std::optional<RiseFall> read_only,
                                 std::optional<RiseFall> replication) {
  const auto role = [](const Standing& one) {
    return std::tuple(one.writable, one.out_of_step, one.unsynced, one.replicating);
  };
  clustered_.store(seen.clustered, std::memory_order_relaxed);
  const Standing& standing = steady_standing_.take(seen, read_only, replication);
  const bool news = !standing_ || role(*standing_) != role(standing);
  standing_ = standing;
  if (news)
    log_.info(fmt::format("server {} is {}{}{}{}", name(),
                          standing.writable ? "writable" : "read-only",
                          standing.replicating ? ", and replicates" : "",
                          standing.out_of_step ? ", and is not in step with its cluster" : "",
                          standing.unsynced ? ", and is not synced with its cluster" : ""));
  return news;
}

void Server::fix_standing(const Standing& standing) {
  const std::lock_guard lock(mutex_);
  set_standing_locked(standing, RiseFall(), RiseFall());
  standing_fixed_ = Clock::now();
}

void Server::has_refused(bool read_only) {
  const std::lock_guard lock(mutex_);
  if (!standing_) return;
  Standing standing = *standing_;
  if (read_only)
    standing.writable = false;
  else
    standing.clustered = standing.out_of_step = true;
  set_standing_locked(standing, RiseFall(), RiseFall());
  standing_fixed_ = Clock::now();
}

std::optional<Standing> Server::standing() const {
  const std::lock_guard lock(mutex_);
  return standing_;
}

void Server::set_threads(const Threads& threads, RiseFall needs) {
  const std::lock_guard lock(mutex_);
  threads_ = threads;
  const bool first = !room_.value();
  if (!room_.take(!threads.full(), needs) || (first && *room_.value())) return;
  const std::string text = fmt::format("server {} has {} of its {} connections in use", name(),
                                       threads.connected, threads.most);
  if (*room_.value())
    log_.info(text);
  else
    log_.warn(text);
}

std::optional<Threads> Server::threads() const {
  const std::lock_guard lock(mutex_);
  return threads_;
}

bool Server::full() const {
  const std::lock_guard lock(mutex_);
  return room_.value() == false;
}

void Server::unreachable(std::string reason, bool by_check) {
  const std::lock_guard lock(mutex_);
  if (by_check) ++failed_checks_;
  const bool fell = up_.take(false, needs_);
  if (up_.value() == true) {
    log_.warn(fmt::format("server {} failed {} of {} times: {}", name(), up_.against(), needs_.fall,
                          reason));
    return;
  }
  retry_at_ = Clock::now() + back_off(failures_);
  ++failures_;
  quota.set_down(true);
  if (fell) since_ = std::chrono::system_clock::now();
  if (fell && standing_ && standing_->clustered) {
    // When it is back it has to catch up, and is of no use before a check has seen that it has.
    Standing standing = *standing_;
    standing.out_of_step = true;
    set_standing_locked(standing, RiseFall(), RiseFall());
    standing_fixed_ = Clock::now();
  }
  const bool news = fell || reason != reason_;
  reason_ = std::move(reason);
  if (news) log_.warn("server " + describe_locked());
}

bool Server::down_by_checks() const {
  const std::lock_guard lock(mutex_);
  return up_.value() == false && failed_checks_ >= needs_.fall;
}

Reachability Server::reachability_locked() const {
  if (!up_.value()) return Reachability::unknown;
  return *up_.value() ? Reachability::up : Reachability::down;
}

Reachability Server::reachability() const {
  const std::lock_guard lock(mutex_);
  return reachability_locked();
}

bool Server::worth_a_try(Clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  return up_.value() != false || now >= retry_at_;
}

std::string Server::describe() const {
  const std::lock_guard lock(mutex_);
  return describe_locked();
}

std::string Server::describe_locked() const {
  switch (reachability_locked()) {
    case Reachability::unknown: return fmt::format("{} not tried yet", name());
    case Reachability::up:
      return fmt::format(
          "{} up{}", name(),
          standing_ && standing_->out_of_step ? ", not in step with its cluster" : "");
    case Reachability::down: break;
  }
  const auto since = fmt::localtime(std::chrono::system_clock::to_time_t(since_));
  return fmt::format("{} down since {:%H:%M:%S}, {}", name(), since, reason_);
}

}  // namespace mysqlproxy
