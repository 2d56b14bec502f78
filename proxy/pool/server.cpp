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
  reachability_ = old.reachability_;
  reason_ = old.reason_;
  since_ = old.since_;
  retry_at_ = old.retry_at_;
  failures_ = old.failures_;
  quota.set_down(reachability_ == Reachability::down);
}

void Server::reached() {
  const std::lock_guard lock(mutex_);
  failures_ = 0;
  retry_at_ = {};
  if (reachability_ == Reachability::up) return;
  reachability_ = Reachability::up;
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

bool Server::set_standing(const Standing& standing) {
  const std::lock_guard lock(mutex_);
  const auto role = [](const Standing& one) {
    return std::tuple(one.writable, one.out_of_step, one.replicating);
  };
  const bool news = !standing_ || role(*standing_) != role(standing);
  standing_ = standing;
  if (news)
    log_.info(fmt::format("server {} is {}{}{}", name(),
                          standing.writable ? "writable" : "read-only",
                          standing.replicating ? ", and replicates" : "",
                          standing.out_of_step ? ", and is not in step with its cluster" : ""));
  return news;
}

std::optional<Standing> Server::standing() const {
  const std::lock_guard lock(mutex_);
  return standing_;
}

void Server::unreachable(std::string reason) {
  const std::lock_guard lock(mutex_);
  retry_at_ = Clock::now() + back_off(failures_);
  ++failures_;
  const bool news = reachability_ != Reachability::down || reason != reason_;
  if (reachability_ != Reachability::down) since_ = std::chrono::system_clock::now();
  reachability_ = Reachability::down;
  quota.set_down(true);
  reason_ = std::move(reason);
  if (news) log_.warn("server " + describe_locked());
}

Reachability Server::reachability() const {
  const std::lock_guard lock(mutex_);
  return reachability_;
}

bool Server::worth_a_try(Clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  return reachability_ != Reachability::down || now >= retry_at_;
}

std::string Server::describe() const {
  const std::lock_guard lock(mutex_);
  return describe_locked();
}

std::string Server::describe_locked() const {
  switch (reachability_) {
    case Reachability::unknown: return fmt::format("{} not tried yet", name());
    case Reachability::up: return fmt::format("{} up", name());
    case Reachability::down: break;
  }
  const auto since = fmt::localtime(std::chrono::system_clock::to_time_t(since_));
  return fmt::format("{} down since {:%H:%M:%S}, {}", name(), since, reason_);
}

}  // namespace mysqlproxy
