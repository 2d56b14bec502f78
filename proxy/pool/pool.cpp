#include "proxy/pool/pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace mysqlproxy {

namespace {

/// Nothing is known against it.
bool up(const Server& server) { return server.reachability() != Reachability::down; }

}  // namespace

Pool::Pool(PoolConfig config, std::vector<std::shared_ptr<Server>> servers, const Pool* previous)
    : config_(std::move(config)), servers_(std::move(servers)), credit_(servers_.size(), 0) {
  if (previous == nullptr) {
    brake_ = std::make_shared<Brake>();
    return;
  }
  brake_ = previous->brake_;
  std::vector<std::optional<std::size_t>> places;
  for (const auto& server : servers_) {
    const auto same = std::ranges::find_if(previous->servers_, [&](const auto& old) {
      return old->config().address == server->config().address;
    });
    places.emplace_back();
    if (same != previous->servers_.end())
      places.back() = static_cast<std::size_t>(same - previous->servers_.begin());
  }
  const std::lock_guard lock(previous->choice_mutex_);
  choice_ = previous->choice_.moved(places);
  first_ = previous->first_.moved(places);
}

bool Pool::has(const Server& server) const noexcept {
  return std::ranges::any_of(servers_, [&](const auto& one) { return one.get() == &server; });
}

std::vector<std::shared_ptr<Server>> Pool::candidates() {
  std::vector<std::shared_ptr<Server>> usable;
  const auto now = Server::Clock::now();
  for (const auto& server : of_role()) {
    if (server->worth_a_try(now)) usable.push_back(server);
  }
  switch (config_.balance) {
    case Balance::first_available: order_first(usable); break;
    case Balance::least_connections: order_by_load(usable); break;
    case Balance::round_robin: order_round_robin(usable); break;
  }
  // One that is down and due for another try comes after those that are known to be up, so that
  // no client waits for it while it need not. One that is full comes in between.
  std::ranges::stable_partition(usable, [](const auto& server) { return !server->full(); });
  std::ranges::stable_partition(
      usable, [](const auto& server) { return server->reachability() != Reachability::down; });
  return usable;
}

bool Pool::has_candidates() {
  const auto now = Server::Clock::now();
  return std::ranges::any_of(of_role(),
                             [now](const auto& server) { return server->worth_a_try(now); });
}

std::vector<std::shared_ptr<Server>> Pool::of_role() {
  std::vector<std::shared_ptr<Server>> chosen;
  if (config_.role == PoolRole::primary) {
    if (auto server = primary()) chosen.push_back(std::move(server));
    return chosen;
  }
  if (config_.role == PoolRole::any) return in_step();
  std::ranges::copy_if(servers_, std::back_inserter(chosen),
                       [&](const auto& server) { return reads_from(*server); });
  const bool has_replica =
      std::ranges::any_of(chosen, [](const auto& server) { return up(*server); });
  const bool primaries_too = config_.primary_reads == PrimaryReads::always ||
                             (config_.primary_reads == PrimaryReads::fallback && !has_replica);
  if (!primaries_too) return chosen;
  for (const auto& server : servers_) {
    const auto standing = server->standing();
    if (standing && standing->writable && !standing->out_of_step) chosen.push_back(server);
  }
  return chosen;
}

/// Of a cluster's members those that take statements, and of those the ones that are in step, where
/// there are any.
std::vector<std::shared_ptr<Server>> Pool::in_step() const {
  std::vector<std::shared_ptr<Server>> chosen;
  std::vector<std::shared_ptr<Server>> second;
  for (const auto& server : servers_) {
    const auto standing = server->standing();
    if (standing && standing->out_of_step) continue;
    (standing && standing->unsynced ? second : chosen).push_back(server);
  }
  const bool enough = std::ranges::any_of(chosen, [](const auto& server) { return up(*server); });
  if (!enough) chosen.insert(chosen.end(), second.begin(), second.end());
  return chosen;
}

/// It is a replica that keeps up.
bool Pool::reads_from(const Server& server) const {
  const auto standing = server.standing();
  if (!standing || standing->writable || standing->out_of_step) return false;
  if (config_.max_lag.count() == 0) return true;
  return standing->replicating && standing->lag && *standing->lag <= config_.max_lag;
}

std::shared_ptr<Server> Pool::primary() {
  if (config_.role != PoolRole::primary || brake_->held.load(std::memory_order_acquire))
    return nullptr;
  std::vector<PrimaryChoice::Seen> seen;
  for (const auto& server : servers_) {
    const auto standing = server->standing();
    PrimaryChoice::Seen one{.up = up(*server), .writable = std::nullopt};
    if (standing) {
      one.writable = standing->writable && !standing->out_of_step;
      one.in_step = standing->clustered && !standing->out_of_step;
      one.second_choice = standing->unsynced;
    }
    seen.push_back(one);
  }
  const std::lock_guard lock(choice_mutex_);
  const auto chosen = choice_.choose(seen);
  return chosen ? servers_[*chosen] : nullptr;
}

std::shared_ptr<Server> Pool::last_primary() {
  if (auto now = primary()) return now;
  const std::lock_guard lock(choice_mutex_);
  const auto current = choice_.current();
  return current ? servers_[*current] : nullptr;
}

bool Pool::fenced(const Server& server) {
  (void)primary();
  const std::lock_guard lock(choice_mutex_);
  return choice_.fenced(place_of(server));
}

std::size_t Pool::place_of(const Server& server) const noexcept {
  const auto place = std::ranges::find(servers_, &server, &std::shared_ptr<Server>::get);
  return static_cast<std::size_t>(place - servers_.begin());
}

bool Pool::has_left(const Server& server) {
  if (config_.role != PoolRole::primary) return false;
  if (brake_->held.load(std::memory_order_acquire)) return true;
  const auto now = primary();
  if (now) return now.get() != &server;
  const auto standing = server.standing();
  return standing && !standing->writable;
}

std::string Pool::describe(const Server& server) {
  std::string text = server.describe();
  const auto standing = server.standing();
  if (config_.role == PoolRole::any || !standing) return text;
  const auto chosen = primary();
  const std::lock_guard lock(choice_mutex_);
  if (&server == chosen.get())
    text += ", primary";
  else if (choice_.fenced(place_of(server)))
    text += ", fenced: it was the primary and has not been read-only since";
  else
    text += standing->writable ? ", writable" : ", read-only";
  if (standing->lag) text += fmt::format(", {} s behind", standing->lag->count());
  return text;
}

/// In the order of the list, but for the one that is kept without failback.
void Pool::order_first(std::vector<std::shared_ptr<Server>>& servers) {
  if (config_.failback) return;
  const auto is_up = std::make_unique<bool[]>(servers_.size());
  for (std::size_t i = 0; i < servers_.size(); ++i)
    is_up[i] = up(*servers_[i]) && std::ranges::find(servers, servers_[i]) != servers.end();
  const std::lock_guard lock(choice_mutex_);
  const auto chosen = first_.choose({is_up.get(), servers_.size()}, false);
  if (!chosen) return;
  std::ranges::stable_partition(servers, [&](const auto& one) { return one == servers_[*chosen]; });
}

std::shared_ptr<Server> Pool::fail_back() {
  const std::lock_guard lock(choice_mutex_);
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (!up(*servers_[i])) continue;
    first_.use(i);
    return servers_[i];
  }
  return nullptr;
}

void Pool::order_by_load(std::vector<std::shared_ptr<Server>>& servers) const {
  std::vector<std::pair<double, std::shared_ptr<Server>>> loads;
  for (auto& server : servers) {
    const double connections = server->connections();
    loads.emplace_back((connections + 1) / server->config().weight, std::move(server));
  }
  std::ranges::stable_sort(loads, {}, [](const auto& load) { return load.first; });
  std::ranges::transform(loads, servers.begin(), [](auto& load) { return std::move(load.second); });
}

void Pool::order_round_robin(std::vector<std::shared_ptr<Server>>& servers) {
  if (servers.empty()) return;
  const std::lock_guard lock(mutex_);
  std::int64_t total = 0;
  std::size_t best = servers_.size();
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    if (std::ranges::find(servers, servers_[i]) == servers.end()) continue;
    const auto weight = static_cast<std::int64_t>(servers_[i]->config().weight);
    credit_[i] += weight;
    total += weight;
    if (best == servers_.size() || credit_[i] > credit_[best]) best = i;
  }
  credit_[best] -= total;
  const auto chosen = std::ranges::find(servers, servers_[best]);
  std::rotate(servers.begin(), chosen, servers.end());
}

}  // namespace mysqlproxy
