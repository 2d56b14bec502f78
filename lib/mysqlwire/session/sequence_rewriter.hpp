// New sequence ids for packets that pass from one connection to another.
#pragma once

#include <mysqlwire/wire/frame.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mysqlwire {

/// Numbers the frames of one direction anew, in place, where the ids that they come with mean
/// nothing to the side that they go to: between a connection that is compressed and one that is not
/// each side counts by its own rules. Knows nothing but frame headers; one per direction, a plain
/// value.
class SequenceRewriter {
 public:
  /// `stream`: what follows the bytes of the call before, cut anywhere. Every header that ends in
  /// it gets the id `next`, which is counted up. Returns whether one did; last_seen() is then the
  /// id that the last of them came with.
  bool apply(std::span<std::uint8_t> stream, std::uint8_t& next) noexcept;

  std::uint8_t last_seen() const noexcept { return last_seen_; }

 private:
  std::array<std::uint8_t, packet_header_size> header_{};
  std::uint32_t body_left_ = 0;
  std::uint8_t header_size_ = 0;
  std::uint8_t last_seen_ = 0;
};

}  // namespace mysqlwire
