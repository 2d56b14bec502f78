// Which compression is allowed on a link, on either side.
#pragma once

#include <mysqlwire/compress/algorithm.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace mysqlproxy {

/// The words are those of MySQL's protocol_compression_algorithms.
enum class Compression : std::uint8_t { uncompressed, zlib, zstd };

/// The compression… keys of [listen.NAME] and [server.NAME].
struct CompressionConfig {
  std::vector<Compression> allowed;  ///< at least one, none twice, the best liked first
  std::uint32_t zlib_level =
      mysqlwire::compress::default_level(mysqlwire::compress::Algorithm::zlib);
  std::uint32_t zstd_level =
      mysqlwire::compress::default_level(mysqlwire::compress::Algorithm::zstd);

  bool allows(Compression one) const noexcept {
    return std::find(allowed.begin(), allowed.end(), one) != allowed.end();
  }
  friend bool operator==(const CompressionConfig&, const CompressionConfig&) = default;
};

/// Clients choose, as with a server of the default configuration.
inline CompressionConfig listener_compression() {
  return {.allowed = {Compression::zlib, Compression::zstd, Compression::uncompressed}};
}
/// A proxy is near its servers, and cores cost more than the wire.
inline CompressionConfig server_compression() { return {.allowed = {Compression::uncompressed}}; }

}  // namespace mysqlproxy
