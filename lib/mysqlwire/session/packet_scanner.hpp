// Packet boundaries in a byte stream that only passes through.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace mysqlwire {

/// Finds where logical packets begin and end, for a relay that forwards the bytes themselves. It
/// holds no payload: a value of 1 GiB passes without a buffer. One scanner per direction; a plain
/// value, so that it can be copied and restored.
///
/// Feed it the bytes of the stream in any pieces and call next() until it says need_more:
///   head  once per logical packet, when its first header and first bytes are known;
///   end   when the last frame (the empty trailing one included) has passed.
class PacketScanner {
 public:
  /// How many payload bytes `head` shows, at most. Enough for the tracker to tell any packet of the
  /// command phase.
  static constexpr std::size_t prefix_size = 24;

  /// `max_frame`: a frame that long is continued by the next one. Smaller values are for tests.
  explicit PacketScanner(std::uint32_t max_frame = max_frame_payload) noexcept
      : max_frame_(max_frame) {}

  /// Whether the frames of one packet have to count up. On at first; off inside compressed frames.
  void check_sequence(bool on) noexcept { check_sequence_ = on; }

  struct Step {
    enum class Kind : std::uint8_t { need_more, head, end };

    Kind kind = Kind::need_more;
    std::uint8_t sequence_id = 0;    ///< head: of the first frame; end: of the last frame
    std::uint32_t frame_length = 0;  ///< head: length of the first frame
    std::size_t consumed = 0;        ///< bytes of `input` used up by this step
    std::uint64_t payload_size = 0;  ///< end: bytes of the whole logical payload
    /// head: the first min(frame_length, prefix_size) payload bytes. They point into `input` when
    /// it held header and prefix in one piece, else into the scanner; valid until the next call.
    Bytes prefix;
  };

  /// One step. `input` is what follows the bytes consumed before. Header and prefix may come in
  /// pieces: each piece is consumed (need_more), the scanner keeps those at most 28 bytes, and
  /// `pending()` shows them.
  /// Errors, after which the stream can't be followed and every call returns the same:
  /// packets_out_of_order between the frames of one packet; packet_too_large for a frame above
  /// max_frame.
  Result<Step> next(Bytes input) noexcept;

  /// A packet that lies in one frame and whole in the input.
  struct Whole {
    std::size_t size = 0;  ///< header and payload
    std::uint8_t sequence_id = 0;
    Bytes payload;
  };

  /// The cheap way over small packets: at a boundary, with a whole single-frame packet at the front
  /// of `input`, sets `out` and returns true. That packet then counts as passed: continue behind
  /// its out.size bytes. Else returns false and next() has to be asked; nothing has changed.
  bool whole(Bytes input, Whole& out) const noexcept {
    if (state_ != State::header || held_ != 0 || input.size() < packet_header_size) return false;
    const PacketHeader header = read_packet_header(input.data());
    if (header.length >= max_frame_ || header.length > input.size() - packet_header_size)
      return false;
    out.size = packet_header_size + header.length;
    out.sequence_id = header.sequence_id;
    out.payload = input.subspan(packet_header_size, header.length);
    return true;
  }

  /// No packet is under way: not one byte of the next header has been seen.
  bool at_boundary() const noexcept { return state_ == State::header && held_ == 0; }

  /// Bytes of the payload under way (or just ended) that its headers have announced so far.
  std::uint64_t announced_size() const noexcept { return payload_size_; }
  /// The sequence id of the frame under way (or just ended).
  std::uint8_t sequence_id() const noexcept { return sequence_id_; }

  /// The bytes of header and prefix that were consumed by need_more and whose `head` is still to
  /// come. For a relay that does not forward a packet before it knows what it is.
  Bytes pending() const noexcept {
    return {held_bytes_.data(), state_ == State::header ? held_ : std::size_t{0}};
  }

 private:
  enum class State : std::uint8_t { header, body, next_header, failed };

  Result<Step> gather_head(Bytes input) noexcept;
  Step start(PacketHeader header, Bytes prefix, std::size_t consumed) noexcept;
  Result<Step> pass(Bytes input) noexcept;
  Error fail(errc code) noexcept;

  std::uint64_t payload_size_ = 0;
  std::uint32_t max_frame_;
  std::uint32_t frame_left_ = 0;
  std::array<std::uint8_t, packet_header_size + prefix_size> held_bytes_{};
  std::uint8_t held_ = 0;
  std::uint8_t sequence_id_ = 0;
  State state_ = State::header;
  bool last_frame_ = false;
  bool check_sequence_ = true;
  errc failure_ = errc::ok;
};

}  // namespace mysqlwire
