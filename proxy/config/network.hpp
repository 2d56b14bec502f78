// Networks as they stand in the configuration.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// The addresses that begin with the same bits. IPv4 is kept as IPv6 maps it, ::ffff:a.b.c.d.
struct Network {
  std::array<std::uint8_t, 16> address{};
  unsigned prefix = 128;  ///< bits that count

  bool contains(const std::array<std::uint8_t, 16>& other) const noexcept;

  friend bool operator==(const Network&, const Network&) = default;
};

/// Reads "10.0.0.0/8", "2001:db8::/32" or an address alone. Nothing when it is none of these, or
/// has bits behind its prefix.
std::optional<Network> parse_network(std::string_view text);

/// The form that parse_network() reads.
std::string to_string(const Network& network);

}  // namespace mysqlproxy
