#include "proxy/net/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace mysqlproxy {
namespace {

const sockaddr_in& as_v4(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}
const sockaddr_in6& as_v6(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

std::string number_of(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = address.storage.ss_family == AF_INET6
                          ? static_cast<const void*>(&as_v6(address).sin6_addr)
                          : static_cast<const void*>(&as_v4(address).sin_addr);
  ::inet_ntop(address.storage.ss_family, bytes, text.data(), text.size());
  return text.data();
}

bool is_loopback(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&as_v6(address).sin6_addr);
  return (ntohl(as_v4(address).sin_addr.s_addr) >> 24) == 127;
}

}  // namespace

std::vector<SocketAddress> resolve_now(const Endpoint& endpoint) {
  std::vector<SocketAddress> found;
  if (endpoint.kind == Endpoint::Kind::unix_socket) {
    SocketAddress address;
    sockaddr_un path{};
    path.sun_family = AF_UNIX;
    if (endpoint.path.size() >= sizeof path.sun_path) return found;
    std::memcpy(path.sun_path, endpoint.path.data(), endpoint.path.size());
    std::memcpy(&address.storage, &path, sizeof path);
    address.size = sizeof path;
    found.push_back(address);
    return found;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* list = nullptr;
  const std::string port = std::to_string(endpoint.port);
  const char* host = endpoint.host.empty() ? nullptr : endpoint.host.c_str();
  if (::getaddrinfo(host, port.c_str(), &hints, &list) != 0) return found;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
    found.push_back(address);
  }
  ::freeaddrinfo(list);
  return found;
}

void remove_stale_socket(const SocketAddress& address, const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return;
  const bool alive =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0;
  ::close(probe);
  if (!alive) ::unlink(path.c_str());
}

bool is_name(const Endpoint& endpoint) {
  if (endpoint.kind == Endpoint::Kind::unix_socket) return false;
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* list = nullptr;
  if (::getaddrinfo(endpoint.host.c_str(), nullptr, &hints, &list) != 0) return true;
  ::freeaddrinfo(list);
  return false;
}

std::array<std::uint8_t, 16> ip_bytes(const SocketAddress& peer) {
  std::array<std::uint8_t, 16> bytes{};
  if (peer.storage.ss_family == AF_INET6) {
    std::memcpy(bytes.data(), &as_v6(peer).sin6_addr, bytes.size());
  } else if (peer.storage.ss_family == AF_INET) {
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(bytes.data() + 12, &as_v4(peer).sin_addr, 4);
  }
  return bytes;
}

std::optional<PeerCredentials> peer_credentials(int descriptor) noexcept {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 ||
      credentials.pid <= 0)
    return std::nullopt;
  return PeerCredentials{static_cast<std::uint32_t>(credentials.pid), credentials.uid};
}

std::string describe(const SocketAddress& peer) {
  if (peer.storage.ss_family == AF_UNIX) return "unix";
  if (peer.storage.ss_family == AF_INET6)
    return fmt::format("[{}]:{}", number_of(peer), ntohs(as_v6(peer).sin6_port));
  return fmt::format("{}:{}", number_of(peer), ntohs(as_v4(peer).sin_port));
}

std::string host_name(const SocketAddress& peer) {
  if (peer.storage.ss_family == AF_UNIX || is_loopback(peer)) return "localhost";
  return number_of(peer);
}

}  // namespace mysqlproxy
