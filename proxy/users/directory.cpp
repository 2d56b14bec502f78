#include "proxy/users/directory.hpp"

#include <algorithm>
#include <utility>

namespace mysqlproxy {

void Directory::set_loaded(const std::string& pool, std::shared_ptr<const AccountTable> accounts) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(loaded_, pool, &Loaded::pool);
  if (found == loaded_.end()) {
    if (accounts) loaded_.push_back({pool, std::move(accounts)});
  } else if (accounts) {
    found->accounts = std::move(accounts);
  } else {
    loaded_.erase(found);
  }
}

std::shared_ptr<const AccountTable> Directory::loaded(std::string_view pool) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(loaded_, pool, &Loaded::pool);
  return found == loaded_.end() ? nullptr : found->accounts;
}

void Directory::keep(const std::vector<PoolConfig>& pools) {
  const std::lock_guard lock(mutex_);
  std::vector<Loaded> kept;
  for (const PoolConfig& pool : pools) {
    const auto found = std::ranges::find(loaded_, pool.name, &Loaded::pool);
    if (pool.load_users && found != loaded_.end()) kept.push_back(std::move(*found));
  }
  loaded_ = std::move(kept);
}

std::vector<Directory::Loaded> Directory::all_loaded() const {
  const std::lock_guard lock(mutex_);
  return loaded_;
}

std::optional<Topology::User> Directory::find(const Topology& topology, std::string_view name,
                                              const ClientHost& client) const {
  const UserConfig* account = nullptr;
  std::vector<Loaded> tables;
  if (topology.accounts().has(name)) {
    account = topology.accounts().find(name, client);
  } else {
    tables = all_loaded();
    for (const PoolConfig& pool : topology.config().pools) {
      // A read that was under way at a reload may leave accounts of a pool that has no more of
      // them.
      if (!pool.load_users) continue;
      const auto table = std::ranges::find(tables, pool.name, &Loaded::pool);
      if (table == tables.end() || !table->accounts->has(name)) continue;
      account = table->accounts->find(name, client);
      break;
    }
  }
  if (account == nullptr || (account->hashes.empty() && !account->passthrough)) return std::nullopt;
  auto pool = topology.find_pool(account->pool);
  if (!pool) return std::nullopt;
  return Topology::User{*account, std::move(pool)};
}

Directory::Usual Directory::usual(const Topology& topology) const {
  std::size_t all = topology.accounts().size();
  std::size_t native = topology.accounts().native();
  const auto tables = all_loaded();
  for (const Loaded& one : tables) {
    all += one.accounts->size();
    native += one.accounts->native();
  }
  const bool by_native = 2 * native >= all;
  Usual usual{by_native ? "mysql_native_password" : "caching_sha2_password",
              topology.accounts().typical(by_native)};
  for (const Loaded& one : tables) {
    if (usual.stored.empty()) usual.stored = one.accounts->typical(by_native);
  }
  return usual;
}

}  // namespace mysqlproxy
