// How many clients of one listener have not logged in yet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace mysqlproxy {

/// One client's place among those, given back when it goes. Any thread.
class HandshakeSlot {
 public:
  using Count = std::atomic<std::uint32_t>;

  /// Takes one of `limit`; null when all are taken.
  static std::shared_ptr<HandshakeSlot> take(std::shared_ptr<Count> count, std::uint32_t limit) {
    auto slot = std::make_shared<HandshakeSlot>(std::move(count));
    return slot->before_ < limit ? slot : nullptr;
  }

  explicit HandshakeSlot(std::shared_ptr<Count> count) noexcept
      : count_(std::move(count)), before_(count_->fetch_add(1, std::memory_order_relaxed)) {}
  ~HandshakeSlot() { count_->fetch_sub(1, std::memory_order_relaxed); }
  HandshakeSlot(const HandshakeSlot&) = delete;
  HandshakeSlot& operator=(const HandshakeSlot&) = delete;

 private:
  std::shared_ptr<Count> count_;
  std::uint32_t before_;
};

}  // namespace mysqlproxy
