// caching_sha2_password: the fast path.
#pragma once

#include <mysqlwire/crypto/secret.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The plugin's arithmetic, with p the password and s the 20 bytes of salt:
//
//   stage1   = SHA256(p)            as good as the password for the fast path: in memory only
//   stage2   = SHA256(stage1)       what a server's cache holds
//   response = stage1 XOR SHA256(stage2 + s); a single NUL for an empty password
//
// It is the twin of mysql_native_password: with stage2 a response can be checked, and a good one
// gives stage1, which answers any server's salt as long as that server's cache is warm. A server
// whose cache is cold wants the password itself (full authentication), over TLS, over a unix socket
// or encrypted for its RSA key; see rsa_password.hpp. What servers store is another hash again, see
// sha_crypt.hpp.
//
// Source:
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html

namespace mysqlwire::crypto {

using Sha256 = std::array<std::uint8_t, 32>;
using Sha256Secret = Secret<32>;

/// What server and client say in AuthMoreData and its reply, one byte each.
enum class CachingSha2 : std::uint8_t {
  request_public_key = 2,           ///< client: send me your RSA key
  fast_auth_success = 3,            ///< server: an OK follows
  perform_full_authentication = 4,  ///< server: send me the password
};

/// SHA256(password).
Sha256Secret sha2_stage1(std::string_view password);
/// SHA256(SHA256(password)): what may lie at rest.
Sha256 sha2_hash(std::string_view password);
Sha256 sha2_hash(const Sha256Secret& stage1);

/// The 32-byte response to a salt. An empty password has none: its response is a single NUL.
Sha256 sha2_scramble(const Sha256Secret& stage1, Bytes salt);

/// SHA256(password), when `response` is the right one for `salt` and the stored hash; nothing when
/// it is not, whatever its length. Takes the same time for every response of 32 bytes.
std::optional<Sha256Secret> recover_sha2_stage1(Bytes response, Bytes salt, const Sha256& stage2);

/// Reads a stored hash: 64 hex digits in any case. The error's `message` says what is wrong; its
/// offset is that of the first bad character.
Result<Sha256> parse_sha2_hash(std::string_view text) noexcept;
/// 64 upper-case hex digits.
std::string format_sha2_hash(const Sha256& stage2);

}  // namespace mysqlwire::crypto
