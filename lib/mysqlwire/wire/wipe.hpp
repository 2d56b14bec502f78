// Overwriting bytes that may hold a password, without a cryptographic library.
#pragma once

#include <mysqlwire/wire/writer.hpp>

#include <cstdint>

namespace mysqlwire {

/// Overwrites the bytes of `buffer` with zeros, in a way that the compiler keeps, and empties it.
/// Its memory stays allocated.
inline void wipe(Buffer& buffer) noexcept {
  volatile std::uint8_t* bytes = buffer.data();
  for (std::size_t i = 0; i < buffer.size(); ++i) bytes[i] = 0;
  buffer.clear();
}

}  // namespace mysqlwire
