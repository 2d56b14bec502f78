// Whole logical payloads out of a byte stream.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace mysqlwire {

/// One logical payload, its frames joined. Borrowed from the FrameReader: valid until its next
/// next(), feed() or prepare().
struct Packet {
  Bytes payload;
  std::uint8_t first_sequence_id = 0;
  std::uint8_t last_sequence_id = 0;
};

/// Joins frames to whole payloads. Bytes go in by feed(), or by prepare() and commit() without a
/// copy; packets come out of next(). It grows as bytes come and never by an announced length, and
/// holds what was put in minus the packets taken out.
///
/// Areas of the buffer, in order; `begin_` … `end_` are offsets into it:
///   retired | current or growing payload | frames not looked at yet | free
class FrameReader {
 public:
  static constexpr std::uint64_t default_max_payload = 64ULL << 20;

  /// `max_frame`: a frame that long is continued by the next one; smaller values are for tests.
  /// `max_payload`: the most bytes that a logical payload may have, counted over its frames.
  explicit FrameReader(std::uint32_t max_frame = max_frame_payload,
                       std::uint64_t max_payload = default_max_payload) noexcept
      : max_payload_(max_payload), max_frame_(max_frame) {}

  FrameReader(FrameReader&& other) noexcept;
  FrameReader& operator=(FrameReader&& other) noexcept;
  ~FrameReader();

  /// Room for at least `size` bytes behind those buffered. Ends the validity of the current packet.
  std::span<std::uint8_t> prepare(std::size_t size);
  /// Says that the first `size` bytes of the room that prepare() returned have been written.
  void commit(std::size_t size) noexcept;
  /// Copies `input` behind the bytes buffered. Ends the validity of the current packet.
  void feed(Bytes input);

  /// The next packet, or nothing when more bytes are needed. Ends the validity of the current one.
  /// Errors are fatal and stay: every later call returns the same.
  ///   packets_out_of_order  a frame does not continue the sequence inside a packet, or the packet
  ///                         does not start with the id that expect_sequence() asked for
  ///   packet_too_large      max_payload would be exceeded (known from the header, before the
  ///                         payload is buffered), or a frame is longer than max_frame
  Result<std::optional<Packet>> next() noexcept;

  /// Checks that the next packet starts with this sequence id. Holds for one packet only.
  void expect_sequence(std::uint8_t id) noexcept { expected_ = id; }
  void set_max_payload(std::uint64_t size) noexcept { max_payload_ = size; }

  /// While on, what was read is overwritten as soon as it is done with, and memory before it is
  /// given back: for the time in which packets may hold a password. Switching it on or off
  /// overwrites what is there and done with, the current packet too.
  void set_wiping(bool on) noexcept;
  bool wiping() const noexcept { return wiping_; }

  /// Bytes that were fed and belong neither to the current packet nor to an earlier one. After an
  /// SSLRequest this must be 0: what else has come was sent in the clear.
  std::size_t buffered() const noexcept { return end_ - next_frame_ + growing_size(); }
  /// The bytes behind the current packet as they came, headers included, for a relay that goes on
  /// with the raw stream. Only meaningful while no multi-frame packet is partly joined. Valid until
  /// the next prepare(), feed() or drop_unread().
  Bytes unread() const noexcept { return {data_.get() + next_frame_, end_ - next_frame_}; }
  /// Forgets the bytes that unread() shows.
  void drop_unread() noexcept { end_ = next_frame_; }
  /// A packet has begun and is not complete.
  bool mid_packet() const noexcept { return buffered() != 0; }

  /// Frees the buffer when no byte is buffered; ends the validity of the current packet then.
  /// Returns true when nothing is held afterwards.
  bool release_if_idle() noexcept;
  /// Bytes of memory held.
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  void retire() noexcept;
  void wipe(std::size_t begin, std::size_t end) noexcept;
  std::size_t growing_size() const noexcept { return growing_ ? joined_end_ - begin_ : 0; }
  Error fail(errc code, const char* field) noexcept;

  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;       // where the current or growing payload starts
  std::size_t joined_end_ = 0;  // its end
  std::size_t next_frame_ = 0;  // the first header not looked at yet
  std::size_t end_ = 0;         // behind the last byte that was fed
  std::uint64_t max_payload_;
  std::uint32_t max_frame_;
  std::optional<std::uint8_t> expected_;
  std::uint8_t first_sequence_id_ = 0;
  std::uint8_t last_sequence_id_ = 0;
  bool growing_ = false;  // a packet of several frames has begun: its first frames are joined
  bool wiping_ = false;
  errc failure_ = errc::ok;
  const char* failed_field_ = "";
};

}  // namespace mysqlwire
