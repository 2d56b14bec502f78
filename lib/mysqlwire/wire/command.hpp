// The first byte of a client's packet in the command phase.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mysqlwire {

/// COM_*. Those that no client may send any more are here too, since a decoder has to name them.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/my__command_8h.html
/// and https://mariadb.com/kb/en/2-text-protocol/, https://mariadb.com/kb/en/com_stmt_bulk_execute/
enum class Command : std::uint8_t {
  com_sleep = 0x00,
  com_quit = 0x01,
  com_init_db = 0x02,
  com_query = 0x03,
  com_field_list = 0x04,
  com_create_db = 0x05,
  com_drop_db = 0x06,
  com_refresh = 0x07,
  com_shutdown = 0x08,
  com_statistics = 0x09,
  com_process_info = 0x0a,
  com_connect = 0x0b,
  com_process_kill = 0x0c,
  com_debug = 0x0d,
  com_ping = 0x0e,
  com_time = 0x0f,
  com_delayed_insert = 0x10,
  com_change_user = 0x11,
  com_binlog_dump = 0x12,
  com_table_dump = 0x13,
  com_connect_out = 0x14,
  com_register_slave = 0x15,
  com_stmt_prepare = 0x16,
  com_stmt_execute = 0x17,
  com_stmt_send_long_data = 0x18,
  com_stmt_close = 0x19,
  com_stmt_reset = 0x1a,
  com_set_option = 0x1b,
  com_stmt_fetch = 0x1c,
  com_daemon = 0x1d,
  com_binlog_dump_gtid = 0x1e,
  com_reset_connection = 0x1f,
  com_clone = 0x20,
  com_subscribe_group_replication_stream = 0x21,
  com_stmt_bulk_execute = 0xfa,  ///< MariaDB
};

/// The header's name, such as "COM_QUERY"; empty for a byte that is no command.
constexpr std::string_view to_string(Command command) noexcept {
  switch (command) {
    case Command::com_sleep: return "COM_SLEEP";
    case Command::com_quit: return "COM_QUIT";
    case Command::com_init_db: return "COM_INIT_DB";
    case Command::com_query: return "COM_QUERY";
    case Command::com_field_list: return "COM_FIELD_LIST";
    case Command::com_create_db: return "COM_CREATE_DB";
    case Command::com_drop_db: return "COM_DROP_DB";
    case Command::com_refresh: return "COM_REFRESH";
    case Command::com_shutdown: return "COM_SHUTDOWN";
    case Command::com_statistics: return "COM_STATISTICS";
    case Command::com_process_info: return "COM_PROCESS_INFO";
    case Command::com_connect: return "COM_CONNECT";
    case Command::com_process_kill: return "COM_PROCESS_KILL";
    case Command::com_debug: return "COM_DEBUG";
    case Command::com_ping: return "COM_PING";
    case Command::com_time: return "COM_TIME";
    case Command::com_delayed_insert: return "COM_DELAYED_INSERT";
    case Command::com_change_user: return "COM_CHANGE_USER";
    case Command::com_binlog_dump: return "COM_BINLOG_DUMP";
    case Command::com_table_dump: return "COM_TABLE_DUMP";
    case Command::com_connect_out: return "COM_CONNECT_OUT";
    case Command::com_register_slave: return "COM_REGISTER_SLAVE";
    case Command::com_stmt_prepare: return "COM_STMT_PREPARE";
    case Command::com_stmt_execute: return "COM_STMT_EXECUTE";
    case Command::com_stmt_send_long_data: return "COM_STMT_SEND_LONG_DATA";
    case Command::com_stmt_close: return "COM_STMT_CLOSE";
    case Command::com_stmt_reset: return "COM_STMT_RESET";
    case Command::com_set_option: return "COM_SET_OPTION";
    case Command::com_stmt_fetch: return "COM_STMT_FETCH";
    case Command::com_daemon: return "COM_DAEMON";
    case Command::com_binlog_dump_gtid: return "COM_BINLOG_DUMP_GTID";
    case Command::com_reset_connection: return "COM_RESET_CONNECTION";
    case Command::com_clone: return "COM_CLONE";
    case Command::com_subscribe_group_replication_stream:
      return "COM_SUBSCRIBE_GROUP_REPLICATION_STREAM";
    case Command::com_stmt_bulk_execute: return "COM_STMT_BULK_EXECUTE";
  }
  return {};
}

/// True for the bytes that have a name.
constexpr bool is_known(Command command) noexcept { return !to_string(command).empty(); }

/// The command with that name, in any case.
std::optional<Command> parse_command(std::string_view name) noexcept;

}  // namespace mysqlwire
