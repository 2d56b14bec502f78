// The server's side of COM_CHANGE_USER.
#pragma once

#include <mysqlwire/session/server_auth.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/writer.hpp>

namespace mysqlwire {

/// Reads a COM_CHANGE_USER and runs the rounds of ServerAuth for it. A command that can't be read
/// is answered with ERR 1047, as the servers do; whether the connection lives on after a failure is
/// the driver's choice.
///
/// With PLUGIN_AUTH servers always send an AuthSwitchRequest, whatever the command's own plugin
/// data say, and clients are made for that: switch_required() is true until switch_plugin() was
/// called, and auth_response() is empty. Without PLUGIN_AUTH it holds the reply to `salt`.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_change_user.html
class ServerChangeUser : public ServerAuth {
 public:
  /// `negotiated`: the capabilities in force since login, which stay. `flavor`: whose dialect the
  /// greeting spoke. `greeting_salt`: the salt that the connection began with.
  ServerChangeUser(Capabilities negotiated, Flavor flavor, const Salt& greeting_salt,
                   Limits limits = {});

  /// The command itself first, then the replies.
  Step on_packet(const Packet& packet, Buffer& out);

 private:
  Step on_command(const Packet& packet, Buffer& out);

  Flavor flavor_;
};

}  // namespace mysqlwire
