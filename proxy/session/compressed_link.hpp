// One connection's frames of the compressed protocol.
#pragma once

#include <mysqlwire/compress/algorithm.hpp>
#include <mysqlwire/compress/compressor.hpp>
#include <mysqlwire/compress/decompressor.hpp>
#include <mysqlwire/compress/frame_builder.hpp>
#include <mysqlwire/session/packet_scanner.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace mysqlproxy {

/// The compressors of one data thread. What they remember is of no use behind a frame, so all the
/// connections of a thread share them: a quarter of a megabyte for each level in use, instead of
/// for each connection.
class Compressors {
 public:
  /// Lives as long as this object.
  mysqlwire::compress::Compressor& get(mysqlwire::compress::Algorithm algorithm, int level);

 private:
  std::map<std::pair<mysqlwire::compress::Algorithm, int>,
           std::unique_ptr<mysqlwire::compress::Compressor>>
      compressors_;
};

/// Both directions between the packet stream and its frames, which are numbered in one row:
/// whoever speaks goes on counting where the other has stopped, from 0 at a command. No I/O.
class CompressedLink {
 public:
  enum class Peer : std::uint8_t {
    client,  ///< its frames have to count on, as servers want it
    server,  ///< its frames may have any id: an ERR that nobody asked for has its own
  };

  CompressedLink(Peer peer, mysqlwire::compress::Algorithm algorithm, int level,
                 Compressors& compressors);

  /// The next frame, whoever sends it, begins a command.
  void begin_command() noexcept;
  /// Appends `packets`, cut anywhere, as frames. To a server nothing of a second command may be
  /// among them. A client gets whole packets, as many in a frame as there are, since some can't
  /// read others; what is left over waits for its end.
  void pack(mysqlwire::Bytes packets, mysqlwire::Buffer& frames);

  /// Where received bytes are to be put, until received() says how many those are. Only when
  /// drained().
  std::span<std::uint8_t> room();
  void received(std::size_t size) noexcept;
  /// The same with bytes that were read elsewhere.
  void receive(mysqlwire::Bytes bytes);
  /// Puts more of the packet stream into `into`, of one frame at most; 0 when it is drained.
  mysqlwire::Result<std::size_t> unpack(std::span<std::uint8_t> into);
  bool drained() const noexcept { return input_.empty(); }
  /// Gives memory back while nothing comes. Only when drained().
  void rest() noexcept;

  /// While on, what was unpacked is overwritten before its memory is given back.
  void set_wiping(bool on) noexcept;

  /// The id of the frame that comes next, in either direction.
  std::uint8_t next_frame_id() const noexcept { return next_id_; }

 private:
  static constexpr std::size_t input_size = 16 << 10;
  /// A part of a packet that is longer is compressed before the rest of it is there.
  static constexpr std::size_t longest_part = 128 << 10;

  void pack_whole(mysqlwire::Bytes packets, mysqlwire::Buffer& frames);
  void pack_part(mysqlwire::Bytes part, mysqlwire::Buffer& frames);
  std::size_t whole_packets(mysqlwire::Bytes bytes) noexcept;

  mysqlwire::compress::Compressor& compressor_;
  mysqlwire::PacketScanner scanner_;  // of what a client is sent
  mysqlwire::Buffer part_;            // of a packet, its end still to come
  std::optional<mysqlwire::compress::FrameBuilder> long_part_;
  mysqlwire::compress::Decompressor decompressor_;
  mysqlwire::Buffer input_;  // as received; empty once all of it is unpacked
  mysqlwire::Bytes piece_;   // of the packet stream, not handed out yet
  std::uint8_t next_id_ = 0;
  Peer peer_;
  mysqlwire::compress::Algorithm algorithm_;
  int level_;
  bool wiping_ = false;
};

}  // namespace mysqlproxy
