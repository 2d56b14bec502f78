#include <mysqlwire/crypto/certificate_proof.hpp>
#include <mysqlwire/crypto/digest_detail.hpp>
#include <mysqlwire/crypto/hex_detail.hpp>

#include <algorithm>

namespace mysqlwire::crypto {
namespace {

constexpr char by_sha256 = '\x01';

}  // namespace

std::string certificate_proof(Bytes password_hash, const Salt& salt, const Sha256& fingerprint) {
  constexpr char digits[] = "0123456789ABCDEF";
  Sha256 digest{};
  sha256({password_hash, salt, fingerprint}, digest);
  std::string info(1, by_sha256);
  for (const std::uint8_t byte : digest) {
    info += digits[byte >> 4];
    info += digits[byte & 15];
  }
  return info;
}

bool is_certificate_proof(std::string_view info) noexcept {
  constexpr std::size_t size = 1 + 2 * sizeof(Sha256);
  return info.size() == size && info.front() == by_sha256 &&
         std::ranges::all_of(info.substr(1), [](char c) { return hex_digit(c) >= 0; });
}

}  // namespace mysqlwire::crypto
