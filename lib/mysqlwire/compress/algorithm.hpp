// What bodies of the compressed protocol are compressed by.
#pragma once

#include <mysqlwire/wire/capabilities.hpp>

#include <cstdint>
#include <optional>

namespace mysqlwire::compress {

enum class Algorithm : std::uint8_t { zlib, zstd };

/// What both sides have agreed on: nothing, or zlib even where zstd was agreed on too, as servers
/// have it. `negotiated`: the client's capabilities AND the server's.
constexpr std::optional<Algorithm> agreed_algorithm(Capabilities negotiated) noexcept {
  if (negotiated.has(Capability::compress)) return Algorithm::zlib;
  if (negotiated.has(Capability::zstd_compression_algorithm)) return Algorithm::zstd;
  return std::nullopt;
}

/// 1 (fast) up to this (small).
constexpr int max_level(Algorithm algorithm) noexcept {
  return algorithm == Algorithm::zlib ? 9 : 22;
}
constexpr int default_level(Algorithm algorithm) noexcept {
  return algorithm == Algorithm::zlib ? 6 : 3;
}

}  // namespace mysqlwire::compress
