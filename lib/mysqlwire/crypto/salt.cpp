#include <mysqlwire/crypto/salt.hpp>

#include <openssl/rand.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace mysqlwire::crypto {

Salt random_salt() {
  Salt salt{};
  std::size_t filled = 0;
  // Bytes outside the alphabet are drawn again, not bent into it: 1 in 64.
  while (filled < salt.size()) {
    std::array<std::uint8_t, 24> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
      throw std::runtime_error("the system's random generator failed");
    }
    for (const std::uint8_t byte : random) {
      const auto candidate = static_cast<std::uint8_t>(byte & 0x7f);
      if (candidate == 0 || candidate == '$') continue;
      if (filled < salt.size()) salt[filled++] = candidate;
    }
  }
  return salt;
}

}  // namespace mysqlwire::crypto
