#include "proxy/session/origin.hpp"

#include <mysqlwire/wire/connection_attributes.hpp>
#include <mysqlwire/wire/context.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace mysqlproxy {

using mysqlwire::ProxyAddress;
using mysqlwire::ProxyFamily;

namespace {

ProxyAddress address_of(const sockaddr_storage& from) noexcept {
  ProxyAddress address;
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    std::memcpy(address.ip.data(), &v4.sin_addr, 4);
    address.port = ntohs(v4.sin_port);
  } else if (from.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    std::memcpy(address.ip.data(), &v6.sin6_addr, 16);
    address.port = ntohs(v6.sin6_port);
  }
  return address;
}

}  // namespace

Origin origin_of(int descriptor) noexcept {
  Origin origin;
  sockaddr_storage peer{};
  sockaddr_storage own{};
  socklen_t peer_size = sizeof peer;
  socklen_t own_size = sizeof own;
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0 ||
      ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &own_size) != 0)
    return origin;
  switch (peer.ss_family) {
    case AF_INET: origin.family = ProxyFamily::tcp4; break;
    case AF_INET6: origin.family = ProxyFamily::tcp6; break;
    case AF_UNIX: origin.family = ProxyFamily::unix_stream; break;
    default: break;
  }
  origin.source = address_of(peer);
  origin.destination = address_of(own);
  return origin;
}

mysqlwire::Buffer proxy_header(ProxyProtocol version, const Origin* origin) {
  mysqlwire::ProxyHeader header;
  header.version = version == ProxyProtocol::v1 ? 1 : 2;
  header.local = origin == nullptr;
  if (origin != nullptr) {
    header.family = origin->family;
    header.source = origin->source;
    header.destination = origin->destination;
  }
  mysqlwire::Buffer bytes;
  mysqlwire::Writer writer(bytes);
  header.encode(writer, mysqlwire::Context{});
  return bytes;
}

mysqlwire::Buffer add_client_address(mysqlwire::Bytes attributes, std::string_view name,
                                     std::string_view address) {
  mysqlwire::Buffer block;
  mysqlwire::Writer writer(block);
  mysqlwire::ConnectionAttributeCursor pairs(attributes);
  while (const auto pair = pairs.next()) {
    if (pair->key != name) write(writer, *pair);
  }
  write(writer, mysqlwire::ConnectionAttribute{name, address});
  return block;
}

}  // namespace mysqlproxy
