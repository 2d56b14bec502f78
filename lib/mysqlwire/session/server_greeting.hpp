// A greeting that outlives its packet.
#pragma once

#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/status.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlwire {

/// What a server announces: an owned HandshakeV10. The server's role sends one, the client's role
/// keeps the one it received.
struct ServerGreeting {
  std::string server_version;
  std::uint32_t connection_id = 0;
  Capabilities capabilities;
  std::uint8_t collation = 0;
  StatusFlags status;
  std::string auth_plugin;
  Salt salt{};

  /// The version without MariaDB's `5.5.5-`.
  std::string_view version() const noexcept { return strip_version_prefix(server_version); }
  Flavor flavor() const noexcept { return detect_flavor(server_version, capabilities); }
};

}  // namespace mysqlwire
