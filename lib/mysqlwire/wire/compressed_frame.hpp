// The frames of the compressed protocol.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mysqlwire {

/// | type | field                                                                         |
/// |------|-------------------------------------------------------------------------------|
/// | 3    | length of the body that follows                                               |
/// | 1    | sequence id, of frames: one up per frame in either direction, 0 at a command  |
/// | 3    | length of the body once it is uncompressed; 0: the body is stored as it is    |
///
/// A body is a piece of the packet stream, wherever that is cut: some packets, or part of one.
/// Compression begins behind the OK of a login, which itself is still plain, and lasts as long as
/// the connection. Nobody checks the packets' own sequence ids any more.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_compression_packet.html
struct CompressedHeader {
  std::uint32_t length = 0;
  std::uint8_t sequence_id = 0;
  std::uint32_t uncompressed_length = 0;

  friend bool operator==(const CompressedHeader&, const CompressedHeader&) = default;
};

inline constexpr std::size_t compressed_header_size = 7;
/// The largest body, compressed or not.
inline constexpr std::uint32_t max_compressed_body = 0xffffff;
/// Servers store smaller bodies as they are.
inline constexpr std::size_t min_compressed_body = 50;

/// Reads a header. `bytes` points at compressed_header_size readable bytes.
constexpr CompressedHeader read_compressed_header(const std::uint8_t* bytes) noexcept {
  const auto u24 = [](const std::uint8_t* at) {
    return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
           static_cast<std::uint32_t>(at[2]) << 16;
  };
  return {u24(bytes), bytes[3], u24(bytes + 4)};
}

/// Writes a header to compressed_header_size writable bytes. Lengths are at most 0xffffff.
constexpr void write_compressed_header(std::uint8_t* bytes,
                                       const CompressedHeader& header) noexcept {
  const auto u24 = [](std::uint8_t* at, std::uint32_t value) {
    at[0] = static_cast<std::uint8_t>(value);
    at[1] = static_cast<std::uint8_t>(value >> 8);
    at[2] = static_cast<std::uint8_t>(value >> 16);
  };
  u24(bytes, header.length);
  bytes[3] = header.sequence_id;
  u24(bytes + 4, header.uncompressed_length);
}

}  // namespace mysqlwire
