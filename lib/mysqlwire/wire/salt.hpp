// The salt of a login.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mysqlwire {

/// Bytes of the salt (scramble, nonce) that a greeting carries.
inline constexpr std::size_t salt_size = 20;
/// The salt of a greeting or of an AuthSwitchRequest, without its closing NUL.
using Salt = std::array<std::uint8_t, salt_size>;

}  // namespace mysqlwire
