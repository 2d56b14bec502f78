// Holds a pool's writes back while its primary moves.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace mysqlproxy {

/// Shared by all threads, and by the pools of one name before and after a reload.
struct Brake {
  std::atomic<bool> held = false;   ///< nobody gets the primary, and who has it leaves when idle
  std::atomic<bool> hurry = false;  ///< and does not wait for the end of its transaction
  std::atomic<std::uint32_t> stragglers = 0;
};

/// Counts somebody who still has to leave the primary, for as long as this lives.
class Straggler {
 public:
  Straggler() noexcept = default;
  explicit Straggler(std::shared_ptr<Brake> brake) noexcept : brake_(std::move(brake)) {
    brake_->stragglers.fetch_add(1, std::memory_order_relaxed);
  }
  Straggler(Straggler&& other) noexcept : brake_(std::move(other.brake_)) {}
  Straggler& operator=(Straggler&& other) noexcept {
    if (this != &other) {
      leave();
      brake_ = std::move(other.brake_);
    }
    return *this;
  }
  ~Straggler() { leave(); }

  void leave() noexcept {
    if (brake_) brake_->stragglers.fetch_sub(1, std::memory_order_release);
    brake_.reset();
  }

 private:
  std::shared_ptr<Brake> brake_;
};

}  // namespace mysqlproxy
