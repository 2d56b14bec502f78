// Borrowed byte ranges, the currency of the codec.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mysqlwire {

/// A borrowed range of bytes. Whoever hands it out says how long it stays valid; everything that
/// a decoder returns borrows from the payload that it was given.
using Bytes = std::span<const std::uint8_t>;

/// The same bytes as text. No character set is implied.
inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The same text as bytes.
inline Bytes as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace mysqlwire
