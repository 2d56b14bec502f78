// Takes out of an OK packet what the client's session would not have been told.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/writer.hpp>

namespace mysqlproxy::lending {

/// Rewrites an OK_Packet (either header) of a server connection that was told
/// tracking_statement(), into what a server with its own settings would have sent this client: of
/// session state only schemas and the variables that servers report by themselves, and nothing to
/// a client without CLIENT_SESSION_TRACK. Items keep their order: MariaDB's is that of a hash table
/// and may be another one with other settings. False: nothing is appended to `out`, the packet can
/// go as it is (also when it can't be read).
bool filter_ok(mysqlwire::Bytes payload, const mysqlwire::Context& server_side,
               const mysqlwire::Context& client_side, mysqlwire::Buffer& out);

}  // namespace mysqlproxy::lending
