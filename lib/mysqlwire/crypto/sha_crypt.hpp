// What MySQL stores for caching_sha2_password and sha256_password.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlwire::crypto {

/// A hash by SHA-crypt with SHA-256, but with a salt of 20 bytes, which no libc takes. It can be
/// checked against a password in clear and nothing else.
///
///   $A$005$SALTDIGEST   caching_sha2_password: three hex digits of rounds / 1000, 20 bytes of salt
///   $5$SALT$DIGEST      sha256_password: 5000 rounds, 20 bytes of salt
///
/// DIGEST has 43 characters. The salt may hold any byte but NUL and `$`.
struct ShaCryptHash {
  enum class Form : std::uint8_t { caching_sha2, sha256 };
  static constexpr std::size_t salt_size = 20;

  Form form = Form::caching_sha2;
  std::uint32_t rounds = 5000;
  std::string salt;
  std::string digest;

  friend bool operator==(const ShaCryptHash&, const ShaCryptHash&) = default;
};

/// Reads `authentication_string`: raw, or as HEX() prints it, with or without 0x, since the salt
/// may hold bytes that a terminal does not show. The error's `message` says what is wrong.
Result<ShaCryptHash> parse_sha_crypt(std::string_view text);

/// The form that servers store.
std::string format_sha_crypt(const ShaCryptHash& hash);

/// Whether `password` is the one. Constant-time in the digest's comparison; takes milliseconds.
bool verify_sha_crypt(std::string_view password, const ShaCryptHash& hash);

/// The hash of a password with a fresh salt.
ShaCryptHash make_sha_crypt(std::string_view password, ShaCryptHash::Form form,
                            std::uint32_t rounds = 5000);

}  // namespace mysqlwire::crypto
