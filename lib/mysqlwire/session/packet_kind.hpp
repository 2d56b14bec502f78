// What a packet can be, and where a connection can stand.
#pragma once

#include <cstdint>
#include <string_view>

namespace mysqlwire {

enum class Direction : std::uint8_t { to_server, to_client };

/// What a packet is, by its place in the conversation.
enum class PacketKind : std::uint8_t {
  // Login and COM_CHANGE_USER.
  greeting,                 ///< HandshakeV10
  ssl_request,              ///< SSLRequest: what follows in this direction is TLS
  handshake_response,       ///< HandshakeResponse41 or 320
  old_auth_switch_request,  ///< OldAuthSwitchRequest, a lone 0xFE
  auth_switch_request,      ///< AuthSwitchRequest
  auth_more_data,           ///< AuthMoreData, 0x01
  auth_next_factor,         ///< AuthNextFactor, 0x02
  auth_raw_data,            ///< MariaDB: plugin data of the server without the 0x01 in front
  auth_response,            ///< plugin data of the client, without any header

  // Replies.
  ok,                    ///< OK_Packet that is a whole result
  err,                   ///< ERR_Packet: ends the command
  eof,                   ///< EOF_Packet behind definitions; or (also as 0xFE OK) a whole reply
  progress,              ///< MariaDB's progress report in front of a reply
  column_count,          ///< begins a result set
  column_definition,     ///< ColumnDefinition41 of a result set or of a prepared statement
  parameter_definition,  ///< ColumnDefinition41 of a statement's parameter
  text_row,
  binary_row,
  result_end,            ///< EOF_Packet, or OK_Packet with 0xFE, that ends rows
  local_infile_request,  ///< LOCAL INFILE: the server asks for a file of the client
  prepare_ok,
  field_list_definition,  ///< ColumnDefinition41 with a default value, reply to COM_FIELD_LIST
  field_list_end,         ///< EOF_Packet, or OK_Packet with 0xFE, that ends a field list
  statistics,             ///< plain text, reply to COM_STATISTICS
  binlog_event,
  binlog_end,  ///< EOF_Packet at the end of a binlog dump

  // Of the client.
  command,
  infile_data,    ///< a piece of the file that was asked for
  infile_end,     ///< the empty packet behind it
  semi_sync_ack,  ///< acknowledgement inside a binlog dump

  unexpected,  ///< seen by an onlooker that has not found its place in the stream yet
};

/// "column_count", "local_infile_request" …
std::string_view to_string(PacketKind kind) noexcept;

/// How far a connection has come.
enum class Phase : std::uint8_t {
  greeting,        ///< the server's first packet is awaited
  login,           ///< the client's SSLRequest or HandshakeResponse is awaited
  tls,             ///< an SSLRequest has passed: HandshakeResponse, inside TLS, is awaited
  authentication,  ///< between HandshakeResponse and the final OK or ERR
  command,
  binlog,   ///< a command phase in which a binlog dump is running
  closed,   ///< COM_QUIT, or an ERR that ended the login: nothing more is expected
  joining,  ///< in mid-stream: waiting for a packet that is surely a command
  lost,     ///< after an error; resync() leads on
};

/// "greeting", "authentication" …
std::string_view to_string(Phase phase) noexcept;

}  // namespace mysqlwire
