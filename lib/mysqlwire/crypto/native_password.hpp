// mysql_native_password.
#pragma once

#include <mysqlwire/crypto/salt.hpp>
#include <mysqlwire/crypto/secret.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The plugin's arithmetic, with p the password and s the 20 bytes of salt:
//
//   stage1   = SHA1(p)              as good as the password: in memory only, never stored or logged
//   stage2   = SHA1(stage1)         what servers store, as `*` and 40 hex digits
//   response = stage1 XOR SHA1(s + stage2); nothing at all for an empty password
//
// So whoever has stage2 can check a response, and reads stage1 out of a good one; with stage1 any
// other server's salt can be answered.
//
// Source:
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods_native_password_authentication.html

namespace mysqlwire::crypto {

using Sha1 = std::array<std::uint8_t, 20>;
using Sha1Secret = Secret<20>;

/// SHA1(password).
Sha1Secret stage1(std::string_view password);

/// SHA1(SHA1(password)): what may lie at rest.
Sha1 native_hash(std::string_view password);

/// The 20-byte response to a salt. An empty password has none: see native_response().
Sha1 scramble(const Sha1Secret& stage1, Bytes salt);
Sha1 scramble(std::string_view password, Bytes salt);

/// The response as it is sent: empty for an empty password.
Buffer native_response(std::string_view password, Bytes salt);

/// SHA1(password), when `response` is the right one for `salt` and the stored hash; nothing when it
/// is not, whatever its length. Takes the same time for every response of 20 bytes.
std::optional<Sha1Secret> recover_stage1(Bytes response, Bytes salt, const Sha1& stage2);

/// Reads a stored hash: 40 hex digits in any case, with or without a `*` in front. The error's
/// `message` says in words what is wrong, and for a hash from before 4.1 (16 hex digits,
/// `unsupported`) what to do; its offset is that of the first bad character.
Result<Sha1> parse_native_hash(std::string_view text) noexcept;

/// "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19".
std::string format_native_hash(const Sha1& stage2);

}  // namespace mysqlwire::crypto
