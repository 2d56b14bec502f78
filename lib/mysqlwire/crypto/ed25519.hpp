// client_ed25519, MariaDB's plugin `ed25519`.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

// The client signs the server's 32 bytes of nonce. Signatures are those of Ed25519, but the secret
// is not: SHA512(password) takes the place of the expanded key. Servers store the public key, as 43
// characters of base 64. A signature tells nothing that would let anyone sign another nonce.
//
// Source: https://mariadb.com/kb/en/authentication-plugin-ed25519/

namespace mysqlwire::crypto {

using Ed25519Key = std::array<std::uint8_t, 32>;
using Ed25519Signature = std::array<std::uint8_t, 64>;

/// The public key of a password: what servers store.
Ed25519Key ed25519_public_key(std::string_view password);
/// The answer to a nonce of any length.
Ed25519Signature ed25519_sign(std::string_view password, Bytes nonce);
/// Whether `signature` answers `nonce` for the password of `key`. False for any other length than
/// that of a signature.
bool ed25519_verify(Bytes signature, Bytes nonce, const Ed25519Key& key);

/// Reads 43 characters of base 64, with or without a closing `=`. The error's `message` says what
/// is wrong.
Result<Ed25519Key> parse_ed25519_key(std::string_view text);
/// 43 characters.
std::string format_ed25519_key(const Ed25519Key& key);

}  // namespace mysqlwire::crypto
