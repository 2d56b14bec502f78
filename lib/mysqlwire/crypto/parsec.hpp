// parsec, MariaDB 11.6 and later.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

// The server sends 32 bytes of scramble; the client answers with an empty packet, and the server
// sends how its key is made from the password: 'P', a factor and a salt. The client then sends 32
// bytes of scramble of its own and signs both:
//
//   key       = PBKDF2-HMAC-SHA512(password, salt, 1024 << factor, 32 bytes)
//   signature = Ed25519(key, server's scramble + client's scramble)
//
// Source: https://mariadb.com/kb/en/authentication-plugin-parsec/

namespace mysqlwire::crypto {

using ParsecScramble = std::array<std::uint8_t, 32>;

/// How a key is made from a password: what the server sends.
struct ParsecSalt {
  /// A factor above this is refused: a server could keep a client busy for hours.
  static constexpr std::uint8_t max_factor = 8;
  static constexpr std::size_t salt_size = 18;

  std::uint8_t factor = 0;
  std::array<std::uint8_t, salt_size> salt{};

  /// From the packet: 'P', factor, salt.
  static Result<ParsecSalt> decode(Bytes data) noexcept;
  Buffer encode() const;

  friend bool operator==(const ParsecSalt&, const ParsecSalt&) = default;
};

/// What servers store, "P0:salt:key" with base 64 of the last two.
struct ParsecHash {
  ParsecSalt salt;
  std::array<std::uint8_t, 32> key{};  ///< public

  friend bool operator==(const ParsecHash&, const ParsecHash&) = default;
};

Result<ParsecHash> parse_parsec(std::string_view text);
std::string format_parsec(const ParsecHash& hash);
/// The hash of a password with a fresh salt.
ParsecHash make_parsec(std::string_view password, std::uint8_t factor = 0);

/// Fresh bytes for either side.
ParsecScramble parsec_scramble();
/// The client's reply: its scramble and the signature, 96 bytes.
Buffer parsec_response(std::string_view password, Bytes server_scramble, const ParsecSalt& salt,
                       const ParsecScramble& client_scramble);
/// Whether `response` is a right reply. False for any other length.
bool verify_parsec(Bytes response, Bytes server_scramble, const ParsecHash& hash);

}  // namespace mysqlwire::crypto
