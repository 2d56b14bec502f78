// The commands of one connection whose replies are still to come.
#pragma once

#include <mysqlwire/wire/command.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace mysqlwire::detail {

/// A first-in first-out queue of commands. A few lie inline, which is all that clients commonly
/// have under way; a longer queue lives on the heap until the queue is copied over or destroyed.
/// Nothing throws: running out of memory is a return value.
class CommandQueue {
 public:
  struct Entry {
    Command command{};
    bool wants_cursor = false;  ///< COM_STMT_EXECUTE asked for a cursor
    /// Sequence id that the reply starts with. Known once the request's frames have been counted.
    bool sequence_known = false;
    std::uint8_t reply_sequence = 0;
    /// Commands in front of it that have no reply, except that MySQL answers ERR to them because
    /// they are malformed.
    std::uint8_t malformed_before = 0;
  };

  CommandQueue() noexcept = default;
  CommandQueue(const CommandQueue& other);
  CommandQueue(CommandQueue&& other) noexcept { swap(other); }
  CommandQueue& operator=(CommandQueue other) noexcept {
    swap(other);
    return *this;
  }
  ~CommandQueue() { delete[] heap_; }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  Entry& front() noexcept { return slot(0); }
  const Entry& front() const noexcept { return const_cast<CommandQueue*>(this)->slot(0); }
  Entry& back() noexcept { return slot(size_ - 1); }

  /// False when there is no memory for one more.
  bool push(const Entry& entry) noexcept;
  /// The queue must not be empty.
  void pop() noexcept {
    head_ = (head_ + 1) & (capacity_ - 1);
    --size_;
  }
  void clear() noexcept { head_ = size_ = 0; }
  void swap(CommandQueue& other) noexcept;

 private:
  static constexpr std::uint32_t inline_capacity = 4;  // capacities are powers of two

  Entry* slots() noexcept { return heap_ != nullptr ? heap_ : inline_.data(); }
  Entry& slot(std::size_t index) noexcept { return slots()[(head_ + index) & (capacity_ - 1)]; }

  std::array<Entry, inline_capacity> inline_{};
  Entry* heap_ = nullptr;
  std::uint32_t capacity_ = inline_capacity;
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace mysqlwire::detail
