// What a lender counts.
#pragma once

#include "proxy/lending/quota.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mysqlproxy::lending {

/// Why a connection that is lent was closed.
enum class CloseReason : std::uint8_t {
  discarded,  ///< its session was in doubt of it
  by_server,  ///< it was closed, or spoke up, while it was idle
  idle,       ///< nobody needed it for so long
  lifetime,
  uses,
  max_idle,
  for_another,  ///< somebody waited for its place
  server_down,
  server_left,  ///< the configuration has it no more, or it is not the primary any more
  draining,
};
inline constexpr std::size_t close_reasons = 10;
std::string_view to_string(CloseReason reason) noexcept;

/// Written by one thread, read by any.
struct Figures {
  using Count = std::atomic<std::uint64_t>;

  Count idle = 0;     ///< now
  Count lent = 0;     ///< now
  Count waiting = 0;  ///< sessions, now
  Count opened = 0;   ///< for a session, or to be ready
  Count borrowed = 0;
  Count same_session = 0;  ///< of these, by the session that had it last
  Count same_image = 0;    ///< and by another one that was alike
  Count waited = 0;        ///< sessions that had to
  Count longest_wait_ms = 0;
  std::array<Count, close_reasons> closed{};
  std::array<Count, refusals> refused{};

  /// A plain addition: there is one writer.
  static void add(Count& count, std::uint64_t n = 1) noexcept {
    count.store(count.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  static void subtract(Count& count) noexcept {
    count.store(count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  }
};

/// Those of all threads, at about the same time.
struct FigureSums {
  std::uint64_t idle = 0;
  std::uint64_t lent = 0;
  std::uint64_t waiting = 0;
  std::uint64_t opened = 0;
  std::uint64_t borrowed = 0;
  std::uint64_t same_session = 0;
  std::uint64_t same_image = 0;
  std::uint64_t waited = 0;
  std::uint64_t longest_wait_ms = 0;
  std::array<std::uint64_t, close_reasons> closed{};
  std::array<std::uint64_t, refusals> refused{};

  void add(const Figures& figures) noexcept;
  /// Nothing was ever lent, nor asked for.
  bool empty() const noexcept { return opened == 0 && borrowed == 0 && waited == 0; }
};

}  // namespace mysqlproxy::lending
