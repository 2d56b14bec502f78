// The bytes of one TCP connection in order, from segments as a capture has them.
#pragma once

#include <mysqlwire/capture/segment.hpp>
#include <mysqlwire/session/packet_kind.hpp>
#include <mysqlwire/wire/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mysqlwire::capture {

/// Which frame of the capture something was in, counted from 1, and when that was captured, in
/// nanoseconds since the epoch.
struct Origin {
  std::uint64_t frame = 0;
  std::int64_t time = 0;
};

/// Why bytes of a stream are not there.
enum class Missing : std::uint8_t {
  gap,  ///< their segment was not captured
  cut,  ///< their frame was cut by the snap length
};

/// Takes what a TcpStream puts in order. The bytes are valid during the call.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  virtual void on_bytes(Direction direction, Bytes bytes, const Origin& origin) = 0;
  /// `size` bytes of that direction are missing here.
  virtual void on_missing(Direction direction, std::uint64_t size, Missing why,
                          const Origin& origin) = 0;
};

/// Puts the segments of one connection in order: in each direction by their sequence numbers, and
/// between the two by what they acknowledge, so that a request comes out in front of its answer
/// even if the capture has them the other way round. What is early is held, within bounds: after
/// max_wait later segments of the connection, or beyond max_held bytes, what is missing is given up
/// as a gap. Nothing is delivered twice; of overlapping bytes the first ones captured count.
///
/// Source: RFC 9293
class TcpStream {
 public:
  static constexpr std::uint64_t max_wait = 64;
  static constexpr std::uint64_t max_wait_lost = 2048;
  static constexpr std::size_t max_held = std::size_t{4} << 20;
  /// Segments further ahead than this are strays, unless max_strays of them come in a row.
  static constexpr std::int32_t max_ahead = 64 << 20;
  static constexpr unsigned max_strays = 8;
  /// A reset further off than this is none of this connection's.
  static constexpr std::int32_t max_reset_distance = 1 << 20;
  /// What comes this near to where a connection ended is its own yet.
  static constexpr std::int32_t max_late = 1 << 18;

  /// How the connection ended so far.
  enum class End : std::uint8_t { open, fin, rst };

  /// `origin` says where the segment was captured; `direction` is the segment's.
  void add(Direction direction, const Segment& segment, const Origin& origin, StreamSink& sink);

  /// Nothing more comes: gives out what is held, with gaps in front.
  void finish(StreamSink& sink);

  /// `fin` once both sides have closed and everything is delivered, or once finish() was called.
  /// `rst` once a reset came where its sender was; finish() takes one near that place too, behind
  /// which nothing was delivered.
  End end() const noexcept { return end_; }
  /// True for the SYN that began this connection, sent again.
  bool is_same_syn(Direction direction, std::uint32_t sequence) const noexcept;
  /// True for a SYN-ACK that answers the SYN of another connection.
  bool is_other_syn_ack(const Segment& segment) const noexcept;
  /// After the end: true for data that are none of this connection's, sent late or again.
  bool is_behind_end(Direction direction, const Segment& segment) noexcept;

 private:
  struct Held {
    std::uint32_t sequence = 0;
    std::uint32_t acknowledged = 0;
    std::uint32_t cut = 0;
    std::uint8_t flags = 0;
    std::uint64_t arrival = 0;
    Origin origin;
    std::vector<std::uint8_t> payload;
  };

  struct Half {
    bool seen = false;         ///< a segment of this direction was captured
    bool known = false;        ///< `next` means something
    bool provisional = false;  ///< `next` is only what the other side acknowledged
    bool fin = false;          ///< the FIN was delivered
    bool syn = false;
    std::uint32_t next = 0;  ///< sequence number of the next byte to deliver
    std::uint32_t initial = 0;
    std::uint32_t acknowledged = 0;  ///< up to here the peer has it
    std::uint64_t progress = 0;      ///< when `next` moved last
    unsigned strays = 0;
    std::vector<Held> held;  ///< by sequence number
  };

  Half& half(Direction direction) noexcept { return halves_[static_cast<std::size_t>(direction)]; }
  const Half& half(Direction direction) const noexcept {
    return halves_[static_cast<std::size_t>(direction)];
  }
  bool acknowledgement_fits(Direction direction, std::uint8_t flags,
                            std::uint32_t acknowledged) const noexcept;
  void take_reset(Direction direction, std::uint32_t sequence, StreamSink& sink);
  void hold(Direction direction, const Segment& segment, const Origin& origin);
  void deliver(Direction direction, std::uint32_t sequence, Bytes payload, std::uint32_t cut,
               std::uint8_t flags, const Origin& origin, StreamSink& sink);
  bool drain(StreamSink& sink);
  bool has_waited_enough(Direction direction) const noexcept;
  void give_up(StreamSink& sink);
  void give_up_oldest(StreamSink& sink);
  void skip_to(Direction direction, std::uint32_t sequence, const Origin& origin, StreamSink& sink);
  void drop_first(Half& half);

  std::array<Half, 2> halves_;
  std::uint64_t segments_ = 0;
  std::size_t held_bytes_ = 0;
  bool may_be_reset_ = false;
  End end_ = End::open;
};

}  // namespace mysqlwire::capture
