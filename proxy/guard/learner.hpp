// The digests that were seen while learning.
#pragma once

#include "proxy/guard/digest_list.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// Collects digests from all threads until they are written. It is asked only about what the allow
/// file did not have when the configuration was read, so that its lock is no burden for long.
class Learner {
 public:
  static constexpr std::size_t most_digests = 100'000;
  static constexpr std::size_t most_bytes = 64U << 20;

  /// Any thread. Beyond the limits nothing is added, and counted.
  void add(std::string_view user, std::string_view digest);

  /// Writes what was learnt into the file, together with what it says by now; nothing happens where
  /// there is nothing new. Returns what is wrong, or an empty text.
  std::string save(const std::string& path);

  struct Count {
    std::size_t digests = 0;    ///< learnt since the start
    std::uint64_t dropped = 0;  ///< for which there was no room
    std::size_t unsaved = 0;
  };
  Count count() const;

 private:
  mutable std::mutex mutex_;
  DigestsByUser digests_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
  std::size_t unsaved_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace mysqlproxy
