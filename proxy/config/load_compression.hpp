// The compression… keys of listeners and servers.
#pragma once

#include "proxy/config/compression.hpp"
#include "proxy/config/table_reader.hpp"

namespace mysqlproxy {

/// Reads `compression` and `zlib_compression_level`.
void read_compression(TableReader& reader, CompressionConfig& compression);
/// Reads `zstd_compression_level`. A listener has none: there it is the client's to say.
void read_zstd_level(TableReader& reader, CompressionConfig& compression);

}  // namespace mysqlproxy
