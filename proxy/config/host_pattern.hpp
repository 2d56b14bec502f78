// From where an account may log in: the Host column of mysql.user.
#pragma once

#include "proxy/config/network.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// Where a client comes from, as far as accounts look at it.
struct ClientHost {
  std::array<std::uint8_t, 16> ip{};  ///< as IPv6 has it, IPv4 mapped; of no meaning for a socket
  bool unix_socket = false;

  /// A unix socket or a loopback address: what servers call localhost.
  bool local() const noexcept;
};

/// "%", "10.0.%", "10.0.0.0/255.255.255.0", "10.0.0.0/8", "2001:db8::1", "localhost".
class HostPattern {
 public:
  /// Everybody: "%".
  HostPattern() = default;

  /// Nothing when the text can't be a Host: longer than servers take, a mask that has holes, bits
  /// behind the mask. An empty text is "%", as servers have it.
  static std::optional<HostPattern> parse(std::string_view text);

  bool matches(const ClientHost& client) const;
  const std::string& text() const noexcept { return text_; }
  /// Only a name would match, which would have to be looked up backwards. The proxy does not.
  bool wants_name() const noexcept;

  /// The order in which servers try accounts of one name, the most specific first: addresses and
  /// networks by the length of their prefix, localhost, then what has a wildcard, the later the
  /// better, "%" last.
  friend std::weak_ordering operator<=>(const HostPattern& a, const HostPattern& b);
  friend bool operator==(const HostPattern& a, const HostPattern& b) { return a.text_ == b.text_; }

 private:
  std::string text_ = "%";
  std::optional<Network> network_;
};

}  // namespace mysqlproxy
