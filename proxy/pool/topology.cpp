#include "proxy/pool/topology.hpp"

#include <algorithm>
#include <utility>

namespace mysqlproxy {

Topology::Topology(Config config, const Topology* previous, const std::shared_ptr<KeyLog>& key_log,
                   Log& log)
    : config_(std::move(config)) {
  std::map<std::string, std::shared_ptr<Server>> by_name;
  for (const auto& wanted : config_.servers) {
    std::shared_ptr<Server> server;
    std::shared_ptr<Server> same_place;
    if (previous != nullptr) {
      for (const auto& old : previous->servers_) {
        if (old->config() == wanted) server = old;
        if (old->config().address == wanted.address) same_place = old;
      }
    }
    if (!server) {
      server = std::make_shared<Server>(wanted, log);
      if (same_place) server->take_over(*same_place);
    }
    server->set_needs(config_.health.reachable.needs);
    const bool local = wanted.address.kind == Endpoint::Kind::unix_socket;
    const bool unneeded = local && wanted.tls.mode == TlsMode::preferred;
    if (wanted.tls.mode != TlsMode::disabled && !unneeded)
      server->set_tls(TlsContext::for_server(wanted.tls, key_log));
    by_name[wanted.name] = server;
    servers_.push_back(std::move(server));
  }
  for (const auto& pool : config_.pools) {
    std::vector<std::shared_ptr<Server>> servers;
    for (const auto& name : pool.servers) servers.push_back(by_name.at(name));
    const auto old = previous == nullptr ? nullptr : previous->find_pool(pool.name);
    pools_[pool.name] = std::make_shared<Pool>(pool, std::move(servers), old.get());
  }
  accounts_ = AccountTable(config_.users);
  rules_ = std::make_shared<const rules::RuleBook>(
      config_, previous != nullptr ? previous->rules_.get() : nullptr);
  guard_ = std::make_unique<const Guard>(
      config_.guard, config_.guard.known ? *config_.guard.known : DigestsByUser());
}

std::shared_ptr<Pool> Topology::find_pool(std::string_view name) const {
  const auto found = pools_.find(name);
  return found == pools_.end() ? nullptr : found->second;
}

bool Topology::has_roles() const noexcept {
  return std::ranges::any_of(config_.pools,
                             [](const PoolConfig& pool) { return pool.role != PoolRole::any; });
}

bool Topology::lends() const noexcept {
  const auto lent = [](const auto& one) { return one.pooling == Pooling::transaction; };
  return std::ranges::any_of(config_.pools, lent) || std::ranges::any_of(config_.users, lent);
}

CommonGround Topology::ground(std::string_view version_override) const {
  std::vector<std::shared_ptr<const ServerFacts>> facts;
  facts.reserve(servers_.size());
  for (const auto& server : servers_) facts.push_back(server->facts());
  CommonGround ground = common_ground(facts, version_override);
  // What columns a server has told of is known of a connection, and not of a client.
  if (lends()) ground.capabilities.clear(mysqlwire::Capability::mariadb_cache_metadata);
  return ground;
}

}  // namespace mysqlproxy
