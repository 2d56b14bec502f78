// The checksum behind each event.
#pragma once

#include <mysqlwire/wire/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mysqlwire::binlog {

/// What a format description announces for the events behind it.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/namespacebinary__log.html
enum class ChecksumAlgorithm : std::uint8_t {
  off = 0,
  crc32 = 1,
  undefined = 255,  ///< of a server that knows no checksums
};

/// Bytes of the checksum at the end of an event. A format description always has room for one.
inline constexpr std::size_t checksum_size = 4;

/// CRC-32 of zlib, gzip and Ethernet (polynomial 0xedb88320, reflected). Here because the codec
/// uses the standard library only. `crc` is the result for the bytes in front of these.
std::uint32_t crc32(Bytes bytes, std::uint32_t crc = 0) noexcept;

}  // namespace mysqlwire::binlog
