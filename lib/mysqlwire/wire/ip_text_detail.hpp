// IP addresses as text, without a system's calls. Not installed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mysqlwire::detail {

/// "192.0.2.1": four decimal numbers without leading zeros, nothing else.
bool read_ip4(std::string_view text, std::span<std::uint8_t, 4> ip) noexcept;
/// Any of RFC 4291's forms: "2001:db8::1", "::ffff:192.0.2.1"; no zone.
bool read_ip6(std::string_view text, std::span<std::uint8_t, 16> ip) noexcept;

std::string ip4_text(std::span<const std::uint8_t, 4> ip);
/// RFC 5952's form.
std::string ip6_text(std::span<const std::uint8_t, 16> ip);

}  // namespace mysqlwire::detail
