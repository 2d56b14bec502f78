// Between names, socket addresses and text.
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/pool/server.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mysqlproxy {

/// The socket addresses of an endpoint; empty when its name can't be resolved. May block on DNS.
std::vector<SocketAddress> resolve_now(const Endpoint& endpoint);

/// A socket file that nobody listens on any more is left over from a process that was killed: it is
/// removed. `address` is that of `path`.
void remove_stale_socket(const SocketAddress& address, const std::string& path);

/// True for an endpoint that resolve_now() asks DNS for: no number and no path.
bool is_name(const Endpoint& endpoint);

/// The address as IPv6 has it, IPv4 mapped; all zero for a unix socket.
std::array<std::uint8_t, 16> ip_bytes(const SocketAddress& peer);

/// Who is at the other end of a unix socket, as it was when it connected.
struct PeerCredentials {
  std::uint32_t pid = 0;
  std::uint32_t uid = 0;
};

/// Nothing for other sockets.
std::optional<PeerCredentials> peer_credentials(int descriptor) noexcept;

/// "10.0.0.9:41234", "[2001:db8::1]:41234", "unix".
std::string describe(const SocketAddress& peer);

/// The client's host as servers name it in "Access denied for user 'u'@'host'": its address, or
/// localhost for this machine.
std::string host_name(const SocketAddress& peer);

}  // namespace mysqlproxy
