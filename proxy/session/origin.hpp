// Whose connection it is: heard from a load balancer, or told to a server.
#pragma once

#include "proxy/config/config.hpp"

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/proxy_protocol.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <string>
#include <string_view>

namespace mysqlproxy {

/// Both ends of a client's connection to whoever accepted it first.
struct Origin {
  mysqlwire::ProxyFamily family = mysqlwire::ProxyFamily::unspecified;
  mysqlwire::ProxyAddress source;       ///< the client
  mysqlwire::ProxyAddress destination;  ///< what it connected to
};

/// The ends of a connected socket of ours.
Origin origin_of(int descriptor) noexcept;

/// The header that stands in front of everything else that a server is sent. Without an `origin`
/// the connection is the proxy's own.
mysqlwire::Buffer proxy_header(ProxyProtocol version, const Origin* origin);

/// `attributes`, a login's block of them, with `name` = `address` in the place of what the client
/// may have put there itself.
mysqlwire::Buffer add_client_address(mysqlwire::Bytes attributes, std::string_view name,
                                     std::string_view address);

}  // namespace mysqlproxy
