// Commands that ask for something simple, or administer the server.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire {

/// A command that is its byte and nothing else.
///
/// | type   | field |
/// |--------|-------|
/// | int<1> | command |
///
/// Errors: those of the reader, bad_value for another command's byte.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html
template <Command command>
struct BareCommand {
  static constexpr std::string_view name = to_string(command);

  static Result<BareCommand> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

using ComQuit = BareCommand<Command::com_quit>;                 ///< no reply: the server closes
using ComStatistics = BareCommand<Command::com_statistics>;     ///< reply: plain text, no header
using ComProcessInfo = BareCommand<Command::com_process_info>;  ///< reply: a text result set
using ComDebug = BareCommand<Command::com_debug>;               ///< reply: EOF, or OK(0xFE), or ERR
using ComPing = BareCommand<Command::com_ping>;                 ///< reply: OK
using ComResetConnection = BareCommand<Command::com_reset_connection>;  ///< reply: OK or ERR
/// Begins the protocol of the clone plugin, in both directions, which is not this library's.
using ComClone = BareCommand<Command::com_clone>;
/// Begins a stream of group replication, likewise.
using ComSubscribeGroupReplicationStream =
    BareCommand<Command::com_subscribe_group_replication_stream>;

// Names of a server's own threads in SHOW PROCESSLIST, or of old. A client that sends them is
// answered ERR 1047.
using ComSleep = BareCommand<Command::com_sleep>;
using ComConnect = BareCommand<Command::com_connect>;
using ComTime = BareCommand<Command::com_time>;
using ComDelayedInsert = BareCommand<Command::com_delayed_insert>;
using ComConnectOut = BareCommand<Command::com_connect_out>;
using ComDaemon = BareCommand<Command::com_daemon>;

/// Changes the schema. Reply: OK or ERR. The view borrows from the payload.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0x02 |
/// | string<EOF> | schema |
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_init_db.html
struct ComInitDb {
  static constexpr std::string_view name = "COM_INIT_DB";

  std::string_view schema;

  static Result<ComInitDb> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// Creates a schema. Servers since 4.1 answer ERR 1047. The view borrows from the payload.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0x05 |
/// | string<EOF> | schema |
///
/// Source: https://mariadb.com/kb/en/com_create_db/
struct ComCreateDb {
  static constexpr std::string_view name = "COM_CREATE_DB";

  std::string_view schema;

  static Result<ComCreateDb> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// Drops a schema. Servers since 4.1 answer ERR 1047. The view borrows from the payload.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0x06 |
/// | string<EOF> | schema |
///
/// Source: https://mariadb.com/kb/en/com_drop_db/
struct ComDropDb {
  static constexpr std::string_view name = "COM_DROP_DB";

  std::string_view schema;

  static Result<ComDropDb> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// Asks for the columns of a table. Reply: ColumnDefinition41 with default values and no count in
/// front, then EOF or OK(0xFE). The views borrow from the payload.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0x04 |
/// | string<NUL> | table |
/// | string<EOF> | wildcard |
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_field_list.html
struct ComFieldList {
  static constexpr std::string_view name = "COM_FIELD_LIST";

  std::string_view table;
  std::string_view wildcard;

  static Result<ComFieldList> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// Flushes caches and logs. Reply: OK or ERR.
///
/// | type   | field |
/// |--------|-------|
/// | int<1> | 0x07 |
/// | int<1> | flags, REFRESH_* |
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_refresh.html
struct ComRefresh {
  static constexpr std::string_view name = "COM_REFRESH";

  std::uint8_t flags = 0;

  static Result<ComRefresh> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// Stops the server. Reply: OK or EOF, or ERR.
///
/// | type   | field |
/// |--------|-------|
/// | int<1> | 0x08 |
/// | int<1> | level; may be missing |
///
/// Source: https://mariadb.com/kb/en/com_shutdown/
struct ComShutdown {
  static constexpr std::string_view name = "COM_SHUTDOWN";

  std::uint8_t level = 0;  ///< SHUTDOWN_DEFAULT, which is also what a missing one means

  static Result<ComShutdown> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// Ends a connection. Reply: OK or ERR 1094.
///
/// | type   | field |
/// |--------|-------|
/// | int<1> | 0x0c |
/// | int<4> | connection_id |
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_process_kill.html
struct ComProcessKill {
  static constexpr std::string_view name = "COM_PROCESS_KILL";

  std::uint32_t connection_id = 0;

  static Result<ComProcessKill> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// Switches multi-statements on (0) or off (1) for the session. Reply: EOF, or OK(0xFE); or ERR
/// 1047.
///
/// | type   | field |
/// |--------|-------|
/// | int<1> | 0x1b |
/// | int<2> | option |
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_set_option.html
struct ComSetOption {
  static constexpr std::string_view name = "COM_SET_OPTION";
  static constexpr std::uint16_t multi_statements_on = 0;
  static constexpr std::uint16_t multi_statements_off = 1;

  std::uint16_t option = multi_statements_on;

  static Result<ComSetOption> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire
