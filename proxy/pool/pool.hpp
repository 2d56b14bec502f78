// A named set of servers and the order in which sessions are offered them.
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/pool/server.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mysqlproxy {

/// Shared by all threads.
class Pool {
 public:
  Pool(PoolConfig config, std::vector<std::shared_ptr<Server>> servers);

  const std::string& name() const noexcept { return config_.name; }
  const std::vector<std::shared_ptr<Server>>& servers() const noexcept { return servers_; }
  bool has(const Server& server) const noexcept;

  /// The pool's servers that are worth a try now, the one to be preferred first.
  std::vector<std::shared_ptr<Server>> candidates();

 private:
  void order_by_load(std::vector<std::shared_ptr<Server>>& servers) const;
  void order_round_robin(std::vector<std::shared_ptr<Server>>& servers);

  const PoolConfig config_;
  const std::vector<std::shared_ptr<Server>> servers_;
  std::mutex mutex_;
  /// Smooth weighted round robin: what each server is owed, by its place in servers_.
  std::vector<std::int64_t> credit_;
};

}  // namespace mysqlproxy
