// When accounts are read again.
#pragma once

#include <chrono>
#include <cstdint>

namespace mysqlproxy {

/// An interval, and sooner where somebody asks, but not too often. No clock: times are milliseconds
/// of any monotonic one.
class RefreshSchedule {
 public:
  RefreshSchedule(std::chrono::milliseconds interval, std::chrono::milliseconds pause) noexcept
      : interval_(static_cast<std::uint64_t>(interval.count())),
        pause_(static_cast<std::uint64_t>(pause.count())) {}

  void ask() noexcept { asked_ = true; }
  void begin(std::uint64_t now) noexcept {
    began_ = now;
    begun_ = true;
    asked_ = false;
  }
  /// How long from now the next read is to wait.
  std::chrono::milliseconds wait(std::uint64_t now) const noexcept {
    if (!begun_) return std::chrono::milliseconds(0);
    const std::uint64_t due = began_ + (asked_ && pause_ < interval_ ? pause_ : interval_);
    return std::chrono::milliseconds(due > now ? due - now : 0);
  }

 private:
  std::uint64_t interval_;
  std::uint64_t pause_;
  std::uint64_t began_ = 0;
  bool begun_ = false;
  bool asked_ = false;
};

}  // namespace mysqlproxy
