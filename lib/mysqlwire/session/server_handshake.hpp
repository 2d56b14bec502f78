// The server's side of a login.
#pragma once

#include <mysqlwire/session/server_auth.hpp>
#include <mysqlwire/session/server_greeting.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/writer.hpp>

namespace mysqlwire {

/// Greets a client and reads its login: HandshakeV10, SSLRequest, HandshakeResponse41, and the
/// rounds of ServerAuth. Bytes that arrived behind an SSLRequest in clear are the driver's to
/// refuse (FrameReader::buffered()); so are time limits.
///
/// What it refuses by itself, before any verdict:
///   1251 without SQLSTATE  a client without PROTOCOL_41 (HandshakeResponse320)
///   1251 08004             a client without SECURE_CONNECTION, or a switch it can't follow
///   1043 08S01             a login that can't be read, is over the limits, is sent in clear with
///                          SSL set, or wants the TLS that the greeting did not offer
///   1156 08S01             a wrong sequence id
///
/// After TLS has started the capabilities of the login inside it are the ones in force: those of
/// the SSLRequest were open to anyone on the way and decide nothing but that TLS starts.
///
///   ServerHandshake handshake(greeting);
///   handshake.start(out);                              // send out
///   step = handshake.on_packet(packet, out);           // need_verdict
///   handshake.accept(ok, out);                         // send out
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
class ServerHandshake : public ServerAuth {
 public:
  explicit ServerHandshake(ServerGreeting greeting, Limits limits = {});

  /// Appends the greeting (sequence id 0).
  void start(Buffer& out);
  Step on_packet(const Packet& packet, Buffer& out);

  const ServerGreeting& greeting() const noexcept { return greeting_; }
  /// True from start_tls on.
  bool tls() const noexcept { return tls_; }

 private:
  Step on_request(const Packet& packet, Buffer& out);
  Step on_ssl_request(const Packet& packet, Buffer& out);
  Step on_login(const Packet& packet, Buffer& out);
  Step refuse_320(const Packet& packet, Buffer& out);

  ServerGreeting greeting_;
  bool tls_ = false;
};

}  // namespace mysqlwire
