// Addresses as they stand in the configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// Where to listen or to connect. Which members count depends on `kind`.
struct Endpoint {
  enum class Kind : std::uint8_t { tcp, unix_socket };

  Kind kind = Kind::tcp;
  std::string host;        ///< tcp: a name or an address, IPv6 without its brackets; never empty
  std::uint16_t port = 0;  ///< tcp: 0 only in a `bind`, where the system chooses
  std::string path;        ///< unix_socket: absolute, short enough for sockaddr_un

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// Reads "host:port", "[v6]:port" or "unix:/path". On failure nothing, and `why` (when given) says
/// in words what is wrong, such as "an IPv6 address stands in brackets: [::1]:3306".
/// No name is resolved here.
std::optional<Endpoint> parse_endpoint(std::string_view text, std::string* why = nullptr);

/// True when not both can be bound: the same address, or one port on every address and on one of
/// the same family. A port of 0 clashes with nothing. Names are compared, not resolved.
bool binds_clash(const Endpoint& a, const Endpoint& b) noexcept;

/// The same form that parse_endpoint() reads.
std::string to_string(const Endpoint& endpoint);

}  // namespace mysqlproxy
