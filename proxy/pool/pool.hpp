// A named set of servers and the order in which sessions are offered them.
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/pool/brake.hpp"
#include "proxy/pool/first_choice.hpp"
#include "proxy/pool/primary_choice.hpp"
#include "proxy/pool/server.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mysqlproxy {

/// Shared by all threads.
class Pool {
 public:
  /// `previous` is the pool of that name before a reload, whose primary this one keeps; or null.
  Pool(PoolConfig config, std::vector<std::shared_ptr<Server>> servers,
       const Pool* previous = nullptr);

  const std::string& name() const noexcept { return config_.name; }
  const PoolConfig& config() const noexcept { return config_; }
  const std::vector<std::shared_ptr<Server>>& servers() const noexcept { return servers_; }
  bool has(const Server& server) const noexcept;

  /// The pool's servers that are worth a try now, the one to be preferred first.
  std::vector<std::shared_ptr<Server>> candidates();

  /// candidates() has some.
  bool has_candidates();

  /// For a pool of the role `primary`: its primary just now, or null. Others have none; nor has one
  /// whose primary is being moved.
  std::shared_ptr<Server> primary();
  /// The primary, moving or not: the one chosen last that has not been left for another.
  std::shared_ptr<Server> last_primary();
  /// It can be written to, and is not to be: it was the primary.
  bool fenced(const Server& server);
  /// A session that is on `server` had better leave it: another one is the primary now, or this one
  /// can't be written to any more.
  bool has_left(const Server& server);
  /// The primary is being moved: nobody is to get there, and who has it leaves it.
  bool moves() const noexcept {
    return config_.role == PoolRole::primary && brake_->held.load(std::memory_order_acquire);
  }
  /// Even before the end of a transaction.
  bool hurries() const noexcept { return brake_->hurry.load(std::memory_order_relaxed); }
  /// For somebody who is on a server that has_left(): the move waits until this is gone.
  Straggler straggle() const { return Straggler(brake_); }
  /// Held while the primary moves.
  const std::shared_ptr<Brake>& brake() const noexcept { return brake_; }

  /// With first_available: the first of the list that is up is used from now on, `failback` or not.
  /// Returns it; null when none is.
  std::shared_ptr<Server> fail_back();
  /// What one of its servers is, for people: "db1 up, primary", "db2 up, read-only, 0 s behind".
  std::string describe(const Server& server);

 private:
  std::vector<std::shared_ptr<Server>> of_role();
  std::vector<std::shared_ptr<Server>> in_step() const;
  void order_first(std::vector<std::shared_ptr<Server>>& servers);
  std::size_t place_of(const Server& server) const noexcept;
  bool reads_from(const Server& server) const;
  void order_by_load(std::vector<std::shared_ptr<Server>>& servers) const;
  void order_round_robin(std::vector<std::shared_ptr<Server>>& servers);

  const PoolConfig config_;
  const std::vector<std::shared_ptr<Server>> servers_;
  std::mutex mutex_;
  /// Smooth weighted round robin: what each server is owed, by its place in servers_.
  std::vector<std::int64_t> credit_;
  std::shared_ptr<Brake> brake_;
  mutable std::mutex choice_mutex_;
  PrimaryChoice choice_;
  FirstChoice first_;
};

}  // namespace mysqlproxy
