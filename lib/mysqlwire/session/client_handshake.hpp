// The client's side of a login.
#pragma once

#include <mysqlwire/session/client_auth.hpp>
#include <mysqlwire/session/server_greeting.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/writer.hpp>

namespace mysqlwire {

/// Reads a server's greeting and logs in: HandshakeV10, SSLRequest, HandshakeResponse41, and the
/// rounds of ClientAuth. An ERR in place of the greeting (1040, 1129, 1130 …) is `refused`.
///
///   ClientHandshake handshake(login);
///   step = handshake.on_packet(packet, out);   // need_auth: compute from plugin(), auth_data()
///   step = handshake.respond(response, out);   // need_more: send out
///   step = handshake.on_packet(packet, out);   // ready
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
class ClientHandshake : public ClientAuth {
 public:
  explicit ClientHandshake(ClientLogin login, Limits limits = {});

  Step on_packet(const Packet& packet, Buffer& out);
  /// TLS runs: need_auth. Everything from here on goes through it.
  Step tls_established() noexcept;
  /// Answers need_auth: with the HandshakeResponse41 the first time, with the bare response after
  /// that. need_more; failed when the login does not fit the packet (a NUL in a name, an
  /// auth_response over 255 bytes without PLUGIN_AUTH_LENENC_CLIENT_DATA) or no reply is due.
  Step respond(Bytes auth_response, Buffer& out);

  /// Valid from the first need_auth or start_tls on.
  const ServerGreeting& greeting() const noexcept { return greeting_; }
  Flavor flavor() const noexcept { return flavor_; }
  bool tls() const noexcept { return tls_; }

 private:
  Step on_greeting(const Packet& packet, Buffer& out);
  Step send_ssl_request(Buffer& out);
  Step send_login(Bytes auth_response, Buffer& out);
  Step negotiate() noexcept;

  ServerGreeting greeting_;
  bool tls_ = false;
};

}  // namespace mysqlwire
