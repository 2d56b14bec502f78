// The packet stream into frames of the compressed protocol.
#pragma once

#include <mysqlwire/compress/algorithm.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/compressed_frame.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace mysqlwire::compress {

/// Compresses one direction of a connection. No I/O. Its working memory (a quarter of a megabyte
/// for zlib, more for zstd's higher levels) comes with the first body that is worth compressing.
class Compressor {
 public:
  static constexpr std::size_t default_max_body = 128 << 10;

  /// A level outside of the algorithm's becomes the nearest. `max_body`: bytes of the packet stream
  /// that one frame holds at most, 1 to 0xffffff.
  explicit Compressor(Algorithm algorithm, int level, std::size_t max_body = default_max_body);
  explicit Compressor(Algorithm algorithm) : Compressor(algorithm, default_level(algorithm)) {}
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;
  ~Compressor();

  /// Appends `packets`, some of the packet stream, as frames. Bodies that are small, or that would
  /// not get smaller, are stored as they are. The first frame gets `sequence_id`; afterwards it is
  /// the next frame's. Nothing for nothing: an empty frame is never made. `packets` must not lie in
  /// `out`. Throws std::bad_alloc.
  ///
  /// A client has to call it with one command at a time, all of it: a server takes what stands
  /// behind a command in the same frame for a broken one.
  void append(Bytes packets, std::uint8_t& sequence_id, Buffer& out);

  /// Gives the working memory back, until there is something to compress again.
  void release() noexcept;

 private:
  struct State;

  /// Compresses to `room`; the size, or 0 when it does not fit.
  std::size_t compress(Bytes body, std::span<std::uint8_t> room);

  std::unique_ptr<State> state_;
  std::size_t max_body_;
  int level_;
  Algorithm algorithm_;
};

}  // namespace mysqlwire::compress
