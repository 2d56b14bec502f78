#include <mysqlwire/session/frame_reader.hpp>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

// In an ASan build a retired packet is poisoned, so that the use of a stale view is reported.
#if defined(__SANITIZE_ADDRESS__)
#define MYSQLWIRE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MYSQLWIRE_ASAN 1
#endif
#endif
#if defined(MYSQLWIRE_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace mysqlwire {
namespace {

constexpr std::size_t smallest_buffer = 512;

void poison([[maybe_unused]] const std::uint8_t* data, [[maybe_unused]] std::size_t size) noexcept {
#if defined(MYSQLWIRE_ASAN)
  __asan_poison_memory_region(data, size);
#endif
}

void unpoison([[maybe_unused]] const std::uint8_t* data,
              [[maybe_unused]] std::size_t size) noexcept {
#if defined(MYSQLWIRE_ASAN)
  __asan_unpoison_memory_region(data, size);
#endif
}

}  // namespace

FrameReader::FrameReader(FrameReader&& other) noexcept
    : max_payload_(other.max_payload_), max_frame_(other.max_frame_) {
  *this = std::move(other);
}

FrameReader& FrameReader::operator=(FrameReader&& other) noexcept {
  if (this == &other) return *this;
  if (data_) unpoison(data_.get(), capacity_);
  if (wiping_) wipe(0, capacity_);
  data_ = std::move(other.data_);
  capacity_ = std::exchange(other.capacity_, 0);
  begin_ = std::exchange(other.begin_, 0);
  joined_end_ = std::exchange(other.joined_end_, 0);
  next_frame_ = std::exchange(other.next_frame_, 0);
  end_ = std::exchange(other.end_, 0);
  max_payload_ = other.max_payload_;
  max_frame_ = other.max_frame_;
  expected_ = std::exchange(other.expected_, std::nullopt);
  first_sequence_id_ = other.first_sequence_id_;
  last_sequence_id_ = other.last_sequence_id_;
  growing_ = std::exchange(other.growing_, false);
  wiping_ = other.wiping_;
  failure_ = other.failure_;
  failed_field_ = other.failed_field_;
  return *this;
}

FrameReader::~FrameReader() {
  if (data_) unpoison(data_.get(), capacity_);
  if (wiping_) wipe(0, capacity_);
}

// In a way that the compiler keeps. The memory must not be poisoned.
void FrameReader::wipe(std::size_t begin, std::size_t end) noexcept {
  volatile std::uint8_t* bytes = data_.get();
  for (std::size_t i = begin; i < end; ++i) bytes[i] = 0;
}

void FrameReader::set_wiping(bool on) noexcept {
  retire();
  if (data_) unpoison(data_.get(), capacity_);
  wipe(0, begin_);
  wipe(end_, capacity_);
  wiping_ = on;
}

// Gives up the current packet; a growing one stays.
void FrameReader::retire() noexcept {
  if (growing_) return;
  if (wiping_) wipe(begin_, next_frame_);
  if (data_) poison(data_.get() + begin_, next_frame_ - begin_);
  begin_ = joined_end_ = next_frame_;
  if (begin_ == end_ && data_) {
    unpoison(data_.get(), capacity_);
    begin_ = joined_end_ = next_frame_ = end_ = 0;
  }
}

std::span<std::uint8_t> FrameReader::prepare(std::size_t size) {
  retire();
  const std::size_t held = end_ - begin_;
  if (capacity_ - end_ < size) {
    if (data_) unpoison(data_.get(), capacity_);
    // Moving down is cheap when as much is free in front as has to move; else the buffer doubles.
    // Either way a byte moves a bounded number of times on average.
    if (begin_ >= held && capacity_ - held >= size) {
      if (held != 0) std::memmove(data_.get(), data_.get() + begin_, held);
      if (wiping_) wipe(begin_, end_);
    } else {
      const std::size_t wanted = std::max({held + size, held * 2, smallest_buffer});
      std::unique_ptr<std::uint8_t[]> larger(new std::uint8_t[wanted]);
      if (held != 0) std::memcpy(larger.get(), data_.get() + begin_, held);
      if (wiping_) wipe(0, capacity_);
      data_ = std::move(larger);
      capacity_ = wanted;
    }
    joined_end_ -= begin_;
    next_frame_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  return {data_.get() + end_, capacity_ - end_};
}

void FrameReader::commit(std::size_t size) noexcept {
  assert(size <= capacity_ - end_);
  end_ += size;
}

void FrameReader::feed(Bytes input) {
  const std::span<std::uint8_t> room = prepare(input.size());
  if (!input.empty()) std::memcpy(room.data(), input.data(), input.size());
  commit(input.size());
}

Result<std::optional<Packet>> FrameReader::next() noexcept {
  if (failure_ != errc::ok) return fail(failure_, failed_field_);
  retire();
  while (end_ - next_frame_ >= packet_header_size) {
    const PacketHeader header = read_packet_header(data_.get() + next_frame_);
    if (growing_ && header.sequence_id != static_cast<std::uint8_t>(last_sequence_id_ + 1))
      return fail(errc::packets_out_of_order, "sequence_id");
    if (!growing_ && expected_ && header.sequence_id != *expected_)
      return fail(errc::packets_out_of_order, "sequence_id");
    const std::uint64_t joined = growing_size();
    if (header.length > max_frame_ || joined > max_payload_ ||
        header.length > max_payload_ - joined)
      return fail(errc::packet_too_large, "length");

    const std::size_t frame = next_frame_ + packet_header_size;
    if (end_ - frame < header.length) break;
    if (!growing_) {
      first_sequence_id_ = header.sequence_id;
      begin_ = joined_end_ = frame;
      expected_.reset();
    } else if (header.length != 0) {
      std::memmove(data_.get() + joined_end_, data_.get() + frame, header.length);
    }
    joined_end_ += header.length;
    next_frame_ = frame + header.length;
    last_sequence_id_ = header.sequence_id;
    growing_ = header.length == max_frame_;
    if (!growing_) {
      return std::optional<Packet>(Packet{
          {data_.get() + begin_, joined_end_ - begin_}, first_sequence_id_, header.sequence_id});
    }
  }
  return std::optional<Packet>();
}

bool FrameReader::release_if_idle() noexcept {
  if (buffered() != 0) return false;
  if (data_) unpoison(data_.get(), capacity_);
  if (wiping_) wipe(0, capacity_);
  data_.reset();
  capacity_ = begin_ = joined_end_ = next_frame_ = end_ = 0;
  return true;
}

Error FrameReader::fail(errc code, const char* field) noexcept {
  failure_ = code;
  failed_field_ = field;
  return {code, 0, "Packet", field};
}

}  // namespace mysqlwire
