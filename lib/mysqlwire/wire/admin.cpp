#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/command_detail.hpp>

namespace mysqlwire {

using detail::read_command;
using detail::write_command;

template <Command command>
Result<BareCommand<command>> BareCommand<command>::decode(Bytes payload,
                                                          const Context& context) noexcept {
  Reader reader(payload, name.data(), context);
  read_command(reader, command);
  return reader.finish(BareCommand());
}

template <Command command>
void BareCommand<command>::encode(Writer& writer, const Context&) const {
  write_command(writer, command);
}

template struct BareCommand<Command::com_quit>;
template struct BareCommand<Command::com_statistics>;
template struct BareCommand<Command::com_process_info>;
template struct BareCommand<Command::com_debug>;
template struct BareCommand<Command::com_ping>;
template struct BareCommand<Command::com_reset_connection>;
template struct BareCommand<Command::com_clone>;
template struct BareCommand<Command::com_subscribe_group_replication_stream>;
template struct BareCommand<Command::com_sleep>;
template struct BareCommand<Command::com_connect>;
template struct BareCommand<Command::com_time>;
template struct BareCommand<Command::com_delayed_insert>;
template struct BareCommand<Command::com_connect_out>;
template struct BareCommand<Command::com_daemon>;

Result<ComInitDb> ComInitDb::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_INIT_DB", context);
  read_command(reader, Command::com_init_db);
  ComInitDb command;
  command.schema = reader.rest_text("schema");
  return reader.finish(command);
}

void ComInitDb::encode(Writer& writer, const Context&) const {
  write_command(writer, Command::com_init_db);
  writer.text(schema);
}

Result<ComCreateDb> ComCreateDb::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_CREATE_DB", context);
  read_command(reader, Command::com_create_db);
  ComCreateDb command;
  command.schema = reader.rest_text("schema");
  return reader.finish(command);
}

void ComCreateDb::encode(Writer& writer, const Context&) const {
  write_command(writer, Command::com_create_db);
  writer.text(schema);
}

Result<ComDropDb> ComDropDb::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_DROP_DB", context);
  read_command(reader, Command::com_drop_db);
  ComDropDb command;
  command.schema = reader.rest_text("schema");
  return reader.finish(command);
}

void ComDropDb::encode(Writer& writer, const Context&) const {
  write_command(writer, Command::com_drop_db);
  writer.text(schema);
}

Result<ComFieldList> ComFieldList::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_FIELD_LIST", context);
  read_command(reader, Command::com_field_list);
  ComFieldList command;
  command.table = reader.nul_text("table");
  command.wildcard = reader.rest_text("wildcard");
  return reader.finish(command);
}

void ComFieldList::encode(Writer& writer, const Context&) const {
  write_command(writer, Command::com_field_list);
  writer.nul_text(table, "table");
  writer.text(wildcard);
}

Result<ComRefresh> ComRefresh::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_REFRESH", context);
  read_command(reader, Command::com_refresh);
  ComRefresh command;
  command.flags = reader.u8("flags");
  return reader.finish(command);
}

void ComRefresh::encode(Writer& writer, const Context&) const {
  write_command(writer, Command::com_refresh);
  writer.u8(flags);
}

Result<ComShutdown> ComShutdown::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_SHUTDOWN", context);
  read_command(reader, Command::com_shutdown);
  ComShutdown command;
  if (!reader.at_end()) command.level = reader.u8("level");
  return reader.finish(command);
}

void ComShutdown::encode(Writer& writer, const Context&) const {
  write_command(writer, Command::com_shutdown);
  writer.u8(level);
}

Result<ComProcessKill> ComProcessKill::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_PROCESS_KILL", context);
  read_command(reader, Command::com_process_kill);
  ComProcessKill command;
  command.connection_id = reader.u32("connection_id");
  return reader.finish(command);
}

void ComProcessKill::encode(Writer& writer, const Context&) const {
  write_command(writer, Command::com_process_kill);
  writer.u32(connection_id);
}

Result<ComSetOption> ComSetOption::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_SET_OPTION", context);
  read_command(reader, Command::com_set_option);
  ComSetOption command;
  command.option = reader.u16("option");
  return reader.finish(command);
}

void ComSetOption::encode(Writer& writer, const Context&) const {
  write_command(writer, Command::com_set_option);
  writer.u16(option);
}

}  // namespace mysqlwire
