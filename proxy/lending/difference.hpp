// What makes a connection that is like one image like another.
#pragma once

#include "proxy/lending/server_traits.hpp"
#include "proxy/lending/session_image.hpp"

#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy::lending {

/// Commands to send, all at once, before the connection is used.
struct Plan {
  /// False: the connection can't be made like that, but by COM_CHANGE_USER. Take another one.
  bool possible = true;
  /// COM_RESET_CONNECTION is among them: the connection's prepared statements are gone.
  bool resets = false;
  /// Payloads, in order. Each is answered by an OK, or with rows in case of clearing_statement();
  /// with an ERR the connection is in doubt.
  std::vector<mysqlwire::Buffer> commands;

  bool nothing_to_do() const noexcept { return possible && commands.empty(); }
};

/// How to make a connection that is like `has` like `wanted`. Both are images of sessions of
/// `server`, with no pins and nothing unknown about them. A reset is only done where something
/// can't be taken back otherwise.
Plan difference(const SessionImage& has, const SessionImage& wanted, const ServerTraits& server);

/// The same with COM_RESET_CONNECTION in any case, for a connection that pins were on: of `has`
/// only the schema counts. Not possible with servers that have no such command (MySQL before 5.7.3,
/// MariaDB before 10.2.4).
Plan reset_and_difference(const SessionImage& has, const SessionImage& wanted,
                          const ServerTraits& server);

/// The image of a session that has just logged in with this collation, schema and capabilities.
/// What character set it has can't be told when the server does not know the collation, and is left
/// out then. The variables that CLIENT_IGNORE_SPACE and CLIENT_INTERACTIVE set at a login are
/// named, since neither DEFAULT nor COM_RESET_CONNECTION brings them back.
SessionImage initial_image(std::uint16_t collation, std::string_view schema,
                           mysqlwire::Capabilities capabilities, const ServerTraits& server);

/// A SELECT that makes a connection forget the warnings of what was there before. Plans end with it
/// where their SET is known to leave some; after one that has unforeseen ones it can be sent by
/// itself. They would be counted in the client's next OK of COM_INIT_DB or COM_PING.
std::string_view clearing_statement() noexcept;

/// The SET that makes the server report what a session changes, to be sent behind a login with
/// CLIENT_SESSION_TRACK; empty for servers that have no trackers. COM_RESET_CONNECTION undoes it;
/// plans do it again.
std::string tracking_statement(const ServerTraits& server);

}  // namespace mysqlproxy::lending
