#include <mysqlwire/wire/ascii_detail.hpp>
#include <mysqlwire/wire/command.hpp>

namespace mysqlwire {

std::string_view to_string(Command command) noexcept {
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

std::optional<Command> parse_command(std::string_view name) noexcept {
  for (unsigned byte = 0; byte <= 0xff; ++byte) {
    const auto command = static_cast<Command>(byte);
    const std::string_view known = to_string(command);
    if (!known.empty() && detail::equal_ignoring_case(name, known)) return command;
  }
  return std::nullopt;
}

}  // namespace mysqlwire
