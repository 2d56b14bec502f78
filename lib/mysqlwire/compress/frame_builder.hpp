// One frame of the compressed protocol whose body comes in pieces.
#pragma once

#include <mysqlwire/compress/algorithm.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/compressed_frame.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace mysqlwire::compress {

/// Compresses a long body as it comes, so that neither all of it is held nor all of the work is
/// done at once. What servers send as one frame a relay can send as one frame too: there are
/// clients that can't read a packet of more than two. No I/O.
class FrameBuilder {
 public:
  /// Bytes of the packet stream that fit: with room for what does not get smaller.
  static constexpr std::size_t max_body = max_compressed_body - (64 << 10);

  /// A level outside of the algorithm's becomes the nearest. Throws std::bad_alloc.
  FrameBuilder(Algorithm algorithm, int level);
  FrameBuilder(FrameBuilder&&) noexcept;
  FrameBuilder& operator=(FrameBuilder&&) noexcept;
  ~FrameBuilder();

  /// Takes what fits of `body` and returns how many bytes that is. Throws std::bad_alloc.
  std::size_t add(Bytes body);
  bool full() const noexcept { return size_ == max_body; }

  /// Appends the frame, which gets `sequence_id`; that is the next frame's then. Nothing when
  /// nothing was added. Only once, and nothing can be added afterwards.
  void finish(std::uint8_t& sequence_id, Buffer& out);

 private:
  struct State;

  void run(Bytes body, bool end);

  std::unique_ptr<State> state_;
  Buffer compressed_;
  std::size_t size_ = 0;
};

}  // namespace mysqlwire::compress
