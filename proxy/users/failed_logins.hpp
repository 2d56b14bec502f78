// What failed logins lead to for the hosts that they come from.
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/config/host_pattern.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>

namespace mysqlproxy {

/// Counts failed logins in a row by client host, and says how long to wait with the answer, and
/// when the host is not let in any more. A login that succeeds takes the count back. An IPv6 host
/// is a network of 64 bits. No clock: times are milliseconds of any monotonic one. Any thread.
class FailedLogins {
 public:
  /// Hosts that are remembered; one more lets the one be forgotten that failed the longest ago.
  static constexpr std::size_t most_hosts = 100'000;

  /// Begins anew, with these limits.
  void reset(const LoginLimits& limits);

  bool blocked(const ClientHost& host, std::uint64_t now) const;
  /// Returns how long the answer has to wait.
  milliseconds note_failure(const ClientHost& host, std::uint64_t now);
  void note_success(const ClientHost& host);
  std::size_t hosts() const;

 private:
  using Key = std::array<std::uint8_t, 16>;
  struct Entry {
    std::uint32_t failures = 0;
    std::uint64_t last = 0;
    std::list<Key>::iterator place;
  };

  bool exempt(const ClientHost& host) const;
  static Key key_of(const ClientHost& host) noexcept;
  bool stale(const Entry& entry, std::uint64_t now) const noexcept;
  milliseconds delay_after(std::uint32_t failures) const noexcept;
  void forget(std::map<Key, Entry>::iterator entry);

  mutable std::mutex mutex_;
  LoginLimits limits_;
  std::map<Key, Entry> entries_;
  std::list<Key> by_age_;  ///< the one that failed last at the back
};

}  // namespace mysqlproxy
