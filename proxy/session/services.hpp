// What all sessions of the process share.
#pragma once

#include "proxy/guard/audit.hpp"
#include "proxy/guard/learner.hpp"
#include "proxy/log/log.hpp"
#include "proxy/log/writer.hpp"
#include "proxy/pool/topology.hpp"
#include "proxy/session/connection_ids.hpp"
#include "proxy/session/learnt_hashes.hpp"
#include "proxy/users/directory.hpp"
#include "proxy/users/failed_logins.hpp"

#include <mysqlwire/crypto/rsa_password.hpp>
#include <mysqlwire/crypto/salt.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace mysqlproxy {

class AccountLoader;

/// Counters that any thread adds to.
struct Counters {
  std::atomic<std::uint32_t> sessions = 0;  ///< client connections now
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<std::uint64_t> silent_probes = 0;  ///< connected and left without a word
  std::atomic<std::uint64_t> refused_logins = 0;
};

/// Shared by all threads; outlives every session.
class Services {
 public:
  explicit Services(Log& logger) : log(logger), audit("", logger), slow_log(1, "") {}

  Log& log;
  Audit audit;
  LineWriter slow_log;
  Learner learner;
  ConnectionIds ids;
  LearntHashes learnt;
  Directory directory;
  FailedLogins failed_logins;
  AccountLoader* account_loader = nullptr;  ///< for the sessions of a whole proxy
  /// For clients that send their password without TLS. Set once, before the first client.
  std::shared_ptr<const mysqlwire::crypto::RsaKey> rsa_key;
  /// What the answers to unknown users are made from.
  const mysqlwire::Salt decoy_key = mysqlwire::crypto::random_salt();
  Counters counters;

  /// Users, pools and servers as the configuration in force has them.
  std::shared_ptr<const Topology> topology() const {
    const std::lock_guard lock(mutex_);
    return topology_;
  }
  void set_topology(std::shared_ptr<const Topology> topology) {
    const std::lock_guard lock(mutex_);
    topology_ = std::move(topology);
    topology_version_.fetch_add(1, std::memory_order_release);
  }
  /// Another number each time that there is another topology: a look at it costs no lock.
  std::uint64_t topology_version() const noexcept {
    return topology_version_.load(std::memory_order_acquire);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Topology> topology_;
  std::atomic<std::uint64_t> topology_version_ = 0;
};

}  // namespace mysqlproxy
