// When a server connection belongs to a session, and when it is only lent to it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// What a session has of a server connection.
enum class Pooling : std::uint8_t {
  session,      ///< one of its own, from its login to its end
  transaction,  ///< one that is lent for a statement or a transaction
};

/// What a session may read from a replica.
enum class CausalReads : std::uint8_t {
  none,     ///< whatever the replica has
  session,  ///< at least what the session itself has written
  global,   ///< at least what anybody has written before the statement
};

/// [pool.NAME], of the connections that are lent. Numbers are of a server and an account, all
/// threads together; 0 of any is no limit.
struct LendingConfig {
  std::uint32_t min_idle = 0;                       ///< kept ready, once somebody has asked for one
  std::uint32_t max_idle = 0;                       ///< more are closed when they come back
  std::chrono::milliseconds idle_timeout{600'000};  ///< unneeded for so long
  std::chrono::milliseconds max_lifetime{3'600'000};  ///< a tenth less for some
  std::uint32_t max_uses = 0;                         ///< borrowed so often
  std::uint32_t queue_limit = 0;                      ///< sessions that wait for a server
  std::chrono::milliseconds queue_timeout{10'000};
  /// How long one stays with its session for what only the next statement could ask for.
  std::chrono::milliseconds linger{1'000};
  /// A read in autocommit mode whose server is lost before it has said anything goes to another.
  bool replay_reads = false;

  friend bool operator==(const LendingConfig&, const LendingConfig&) = default;
};

/// [pool.NAME], where reads go to the servers of another pool.
struct SplitConfig {
  std::string read_pool;  ///< a name of Config::pools; empty: reads stay
  CausalReads causal_reads = CausalReads::none;
  /// For a replica to catch up; then the statement goes to the pool itself.
  std::chrono::milliseconds causal_wait{1'000};

  friend bool operator==(const SplitConfig&, const SplitConfig&) = default;
};

std::string_view to_string(Pooling pooling) noexcept;
std::string_view to_string(CausalReads reads) noexcept;

}  // namespace mysqlproxy
