// Everybody who may log in, wherever that is written.
#pragma once

#include "proxy/pool/account_table.hpp"
#include "proxy/pool/topology.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// The configuration's accounts, and behind them those that were read from servers. A name that the
/// configuration has is its own, for all hosts. Any thread.
class Directory {
 public:
  /// The accounts of one pool's servers; null: none are read there any more.
  void set_loaded(const std::string& pool, std::shared_ptr<const AccountTable> accounts);
  std::shared_ptr<const AccountTable> loaded(std::string_view pool) const;
  /// Forgets what was read for other pools than these.
  void keep(const std::vector<PoolConfig>& pools);

  /// The account that such a client logs in as, with its pool. Nothing for an unknown one, and for
  /// one that no password could be checked for. Of two pools the first of the configuration counts.
  std::optional<Topology::User> find(const Topology& topology, std::string_view name,
                                     const ClientHost& client) const;

  /// What most accounts have.
  struct Usual {
    std::string_view plugin;  ///< the one that greetings name
    StoredHashes stored;      ///< of somebody who logs in by it; empty where there is nobody
  };
  Usual usual(const Topology& topology) const;

 private:
  struct Loaded {
    std::string pool;
    std::shared_ptr<const AccountTable> accounts;
  };
  std::vector<Loaded> all_loaded() const;

  mutable std::mutex mutex_;
  std::vector<Loaded> loaded_;
};

}  // namespace mysqlproxy
