// Frames of the compressed protocol into the packet stream.
#pragma once

#include <mysqlwire/compress/algorithm.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/compressed_frame.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace mysqlwire::compress {

/// Uncompresses one direction of a connection, however its bytes are split. No I/O.
///
///   decompressor.feed(received);
///   for (;;) {
///     const auto piece = decompressor.next();
///     if (!piece) …                    // an error: close
///     if (piece->empty()) break;       // all of it is done: feed more
///     frames.feed(*piece);
///   }
///
/// Memory grows with the bytes that have come, not with lengths that are only announced: by zlib
/// a body is handed out in pieces of piece_size as it inflates. By zstd it is whole, since what a
/// window takes is the compressing side's to say: `max_body` bounds it, and that a body can't be
/// made of fewer bytes than zstd needs for it.
///
/// Pieces of a body come before its end has been seen. Where that turns out bad, so does the
/// connection; nothing that came in a piece before it was less safe than without compression.
class Decompressor {
 public:
  static constexpr std::size_t piece_size = 16 << 10;

  /// `max_body`: bytes of an uncompressed body, at most 0xffffff.
  explicit Decompressor(Algorithm algorithm, std::uint32_t max_body = max_compressed_body);
  Decompressor(Decompressor&&) noexcept;
  Decompressor& operator=(Decompressor&&) noexcept;
  ~Decompressor();

  /// Gives what was received. It is borrowed: until next() has returned an empty piece. To be
  /// called then only.
  void feed(Bytes input) noexcept { input_ = input; }

  /// More of the packet stream, valid until the next call and as long as the bytes fed; empty when
  /// more bytes are needed. Errors are fatal and stay:
  ///   packets_out_of_order  a frame has not the next sequence id
  ///   packet_too_large      a body is over max_body
  ///   bad_value             a body that is none, or one whose lengths lie
  /// Throws std::bad_alloc.
  Result<Bytes> next();

  /// The id that the next frame must have. Frames after it count up from there: to be called when
  /// a side begins anew, with 0 for a command, and with the number of frames sent for its reply.
  void expect_sequence(std::uint8_t id) noexcept { expected_ = id; }
  /// The next frame may have any id.
  void expect_any_sequence() noexcept { expected_.reset(); }
  /// How many frames have begun.
  std::uint64_t frames() const noexcept { return frames_; }
  /// The id of the frame behind the newest one; what the other direction goes on with.
  std::uint8_t next_sequence_id() const noexcept { return next_id_; }
  /// A frame has begun and is not complete.
  bool mid_frame() const noexcept { return header_size_ != 0; }

  /// Gives the working memory back. Not in the middle of a frame, where it does nothing.
  void release() noexcept;
  /// Overwrites the newest piece, for the time in which it may have been a password. What zlib and
  /// zstd remember of it is theirs.
  void wipe() noexcept;

 private:
  struct State;

  std::optional<Error> begin_frame();
  Result<Bytes> stored();
  Result<Bytes> inflated();
  Result<Bytes> unpacked();
  Error fail(errc code, const char* field) noexcept;
  void end_frame() noexcept;

  std::unique_ptr<State> state_;
  Bytes input_;
  Buffer body_;    // zstd: the compressed body as it comes
  Buffer output_;  // what the newest piece lies in
  CompressedHeader header_;
  std::array<std::uint8_t, compressed_header_size> header_bytes_{};
  std::size_t header_size_ = 0;
  std::uint64_t frames_ = 0;
  std::uint32_t taken_ = 0;  // bytes of the body
  std::uint32_t made_ = 0;   // bytes of what it becomes
  std::uint32_t max_body_;
  std::optional<std::uint8_t> expected_;
  std::uint8_t next_id_ = 0;
  Algorithm algorithm_;
  std::optional<Error> failure_;
};

}  // namespace mysqlwire::compress
