#include <mysqlwire/session/command_queue.hpp>

#include <new>
#include <utility>

namespace mysqlwire::detail {

CommandQueue::CommandQueue(const CommandQueue& other)
    : inline_(other.inline_), capacity_(other.capacity_), head_(other.head_), size_(other.size_) {
  if (other.heap_ == nullptr) return;
  heap_ = new Entry[capacity_];
  for (std::uint32_t i = 0; i < capacity_; ++i) heap_[i] = other.heap_[i];
}

bool CommandQueue::push(const Entry& entry) noexcept {
  if (size_ == capacity_) {
    Entry* const larger = new (std::nothrow) Entry[std::size_t{capacity_} * 2];
    if (larger == nullptr) return false;
    for (std::uint32_t i = 0; i < size_; ++i) larger[i] = slot(i);
    delete[] heap_;
    heap_ = larger;
    capacity_ *= 2;
    head_ = 0;
  }
  ++size_;
  back() = entry;
  return true;
}

void CommandQueue::swap(CommandQueue& other) noexcept {
  std::swap(inline_, other.inline_);
  std::swap(heap_, other.heap_);
  std::swap(capacity_, other.capacity_);
  std::swap(head_, other.head_);
  std::swap(size_, other.size_);
}

}  // namespace mysqlwire::detail
