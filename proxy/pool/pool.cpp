#include "proxy/pool/pool.hpp"

#include <algorithm>
#include <utility>

namespace mysqlproxy {

Pool::Pool(PoolConfig config, std::vector<std::shared_ptr<Server>> servers)
    : config_(std::move(config)), servers_(std::move(servers)), credit_(servers_.size(), 0) {}

bool Pool::has(const Server& server) const noexcept {
  return std::ranges::any_of(servers_, [&](const auto& one) { return one.get() == &server; });
}

std::vector<std::shared_ptr<Server>> Pool::candidates() {
  std::vector<std::shared_ptr<Server>> usable;
  const auto now = Server::Clock::now();
  for (const auto& server : servers_) {
    if (server->worth_a_try(now)) usable.push_back(server);
  }
  switch (config_.balance) {
    case Balance::first_available: break;
    case Balance::least_connections: order_by_load(usable); break;
    case Balance::round_robin: order_round_robin(usable); break;
  }
  // One that is down and due for another try comes after those that are known to be up, so that
  // no client waits for it while it need not.
  std::ranges::stable_partition(
      usable, [](const auto& server) { return server->reachability() != Reachability::down; });
  return usable;
}

void Pool::order_by_load(std::vector<std::shared_ptr<Server>>& servers) const {
  std::vector<std::pair<double, std::shared_ptr<Server>>> loads;
  for (auto& server : servers) {
    const double connections = server->connections.load(std::memory_order_relaxed);
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
