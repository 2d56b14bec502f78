// A packet of which bytes are missing.
#pragma once

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <cstddef>
#include <cstdint>

namespace mysqlwire::capture {

/// Keeps what was captured of a packet before its first gap, and counts the rest of it, so that it
/// is known where the packet ends and how long it was. Holds no more than it was given.
class TornPacket {
 public:
  /// `front`: the packet's bytes up to the gap: its header, and less than the header announces.
  explicit TornPacket(Bytes front);

  /// Passes over bytes that follow the gap. Returns how many of them are the packet's; all of them
  /// as long as it is not complete.
  std::size_t skip(Bytes bytes) noexcept;
  /// Passes over bytes that are missing. False when there are some behind the end of a frame: what
  /// they were is not known.
  bool skip_missing(std::uint64_t size) noexcept;

  /// Its last frame has ended.
  bool is_complete() const noexcept { return left_ == 0 && !is_continued_; }
  /// A frame that does not continue the one before it: there is no telling where the packet ends.
  bool is_out_of_order() const noexcept { return is_out_of_order_; }
  /// Of the payload, as far as it has passed.
  std::uint64_t length() const noexcept { return length_; }
  /// With the payload that came before the gap. Borrows from here.
  Packet packet() const noexcept { return {front_, first_sequence_id_, last_sequence_id_}; }

 private:
  void begin_frame(PacketHeader header) noexcept;

  Buffer front_;
  std::uint64_t length_ = 0;
  std::uint32_t left_ = 0;     // of the frame under way
  bool is_continued_ = false;  // another frame follows it
  bool is_out_of_order_ = false;
  std::uint8_t first_sequence_id_ = 0;
  std::uint8_t last_sequence_id_ = 0;
  std::uint8_t header_[packet_header_size] = {};  // of the next frame, as far as it has come
  std::size_t header_size_ = 0;
};

}  // namespace mysqlwire::capture
