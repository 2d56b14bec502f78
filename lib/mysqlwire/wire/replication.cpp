#include <mysqlwire/wire/command_detail.hpp>
#include <mysqlwire/wire/replication.hpp>

namespace mysqlwire {

using detail::read_command;
using detail::write_command;

namespace {

constexpr std::uint8_t ack_wanted_flag = 1;

// A string behind one byte of length.
std::string_view short_text(Reader& reader, const char* field) noexcept {
  return reader.text(reader.u8(field), field);
}

void short_text(Writer& writer, std::string_view text, const char* field) {
  writer.u8(text.size(), field);
  writer.text(text);
}

// A string behind four bytes of length.
Bytes long_bytes(Reader& reader, const char* field) noexcept {
  return reader.bytes(reader.u32(field), field);
}

void long_bytes(Writer& writer, Bytes bytes, const char* field) {
  writer.u32(bytes.size(), field);
  writer.bytes(bytes);
}

}  // namespace

Result<ComRegisterSlave> ComRegisterSlave::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_REGISTER_SLAVE", context);
  read_command(reader, Command::com_register_slave);
  ComRegisterSlave command;
  command.server_id = reader.u32("server_id");
  command.host = short_text(reader, "host");
  command.user = short_text(reader, "user");
  command.password = short_text(reader, "password");
  command.port = reader.u16("port");
  command.replication_rank = reader.u32("replication_rank");
  command.source_id = reader.u32("source_id");
  return reader.finish(command);
}

void ComRegisterSlave::encode(Writer& writer, const Context&) const {
  write_command(writer, Command::com_register_slave);
  writer.u32(server_id);
  short_text(writer, host, "host");
  short_text(writer, user, "user");
  short_text(writer, password, "password");
  writer.u16(port);
  writer.u32(replication_rank);
  writer.u32(source_id);
}

Result<ComBinlogDump> ComBinlogDump::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_BINLOG_DUMP", context);
  read_command(reader, Command::com_binlog_dump);
  ComBinlogDump command;
  command.position = reader.u32("position");
  command.flags = BinlogDumpFlags(reader.u16("flags"));
  command.server_id = reader.u32("server_id");
  command.filename = reader.rest_text("filename");
  return reader.finish(command);
}

void ComBinlogDump::encode(Writer& writer, const Context&) const {
  write_command(writer, Command::com_binlog_dump);
  writer.u32(position);
  writer.u16(flags.bits());
  writer.u32(server_id);
  writer.text(filename);
}

Result<ComBinlogDumpGtid> ComBinlogDumpGtid::decode(Bytes payload,
                                                    const Context& context) noexcept {
  Reader reader(payload, "COM_BINLOG_DUMP_GTID", context);
  read_command(reader, Command::com_binlog_dump_gtid);
  ComBinlogDumpGtid command;
  command.flags = BinlogDumpFlags(reader.u16("flags"));
  command.server_id = reader.u32("server_id");
  command.filename = as_text(long_bytes(reader, "filename"));
  command.position = reader.u64("position");
  command.gtid_set = long_bytes(reader, "gtid_set");
  return reader.finish(command);
}

void ComBinlogDumpGtid::encode(Writer& writer, const Context&) const {
  write_command(writer, Command::com_binlog_dump_gtid);
  writer.u16(flags.bits());
  writer.u32(server_id);
  long_bytes(writer, as_bytes(filename), "filename");
  writer.u64(position);
  long_bytes(writer, gtid_set, "gtid_set");
}

Result<BinlogEventPacket> BinlogEventPacket::decode(Bytes payload, const Context& context,
                                                    bool semi_sync) noexcept {
  Reader reader(payload, "BinlogEventPacket", context);
  if (reader.u8("header") != header) reader.fail_at(errc::bad_value, "header", 0);
  BinlogEventPacket packet;
  packet.semi_sync = semi_sync;
  if (semi_sync) {
    if (reader.u8("semi_sync_header") != semi_sync_header)
      reader.fail_at(errc::bad_value, "semi_sync_header", 1);
    packet.ack_wanted = (reader.u8("flags") & ack_wanted_flag) != 0;
  }
  packet.event = reader.rest("event");
  return reader.finish(packet);
}

void BinlogEventPacket::encode(Writer& writer, const Context&) const {
  writer.u8(header);
  if (semi_sync) {
    writer.u8(semi_sync_header);
    writer.u8(ack_wanted ? ack_wanted_flag : 0);
  }
  writer.bytes(event);
}

Result<SemiSyncAck> SemiSyncAck::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "SemiSyncAck", context);
  if (reader.u8("header") != header) reader.fail_at(errc::bad_value, "header", 0);
  SemiSyncAck ack;
  ack.position = reader.u64("position");
  ack.filename = reader.rest_text("filename");
  return reader.finish(ack);
}

void SemiSyncAck::encode(Writer& writer, const Context&) const {
  writer.u8(header);
  writer.u64(position);
  writer.text(filename);
}

Result<ComTableDump> ComTableDump::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_TABLE_DUMP", context);
  read_command(reader, Command::com_table_dump);
  ComTableDump command;
  command.schema = short_text(reader, "schema");
  command.table = short_text(reader, "table");
  return reader.finish(command);
}

void ComTableDump::encode(Writer& writer, const Context&) const {
  write_command(writer, Command::com_table_dump);
  short_text(writer, schema, "schema");
  short_text(writer, table, "table");
}

}  // namespace mysqlwire
