// The client's side of COM_CHANGE_USER.
#pragma once

#include <mysqlwire/session/client_auth.hpp>
#include <mysqlwire/session/server_greeting.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/writer.hpp>

namespace mysqlwire {

/// Sends a COM_CHANGE_USER and runs the rounds of ClientAuth for it. Of the ClientLogin it takes
/// user, schema, collation, attributes and preferred_plugin; the capabilities in force stay as they
/// are. MySQL closes the connection after a refusal, MariaDB does not.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_change_user.html
class ClientChangeUser : public ClientAuth {
 public:
  /// `negotiated` and `greeting`: those of the login that the connection began with.
  ClientChangeUser(ClientLogin login, Capabilities negotiated, const ServerGreeting& greeting,
                   Limits limits = {});

  /// need_more: the command was appended without plugin data, and the server will ask for them.
  /// need_auth, where there is no PLUGIN_AUTH: respond() appends the command.
  Step start(Buffer& out);
  Step on_packet(const Packet& packet, Buffer& out);
  /// As in ClientHandshake.
  Step respond(Bytes auth_response, Buffer& out);

 private:
  Step send_command(Bytes auth_response, Buffer& out);

  Salt salt_;
};

}  // namespace mysqlwire
