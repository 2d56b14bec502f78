#include <mysqlwire/binlog/event.hpp>
#include <mysqlwire/wire/reader.hpp>

namespace mysqlwire::binlog {

std::string_view to_string(EventType type) noexcept {
  switch (type) {
    case EventType::unknown_event: return "UNKNOWN_EVENT";
    case EventType::start_event_v3: return "START_EVENT_V3";
    case EventType::query_event: return "QUERY_EVENT";
    case EventType::stop_event: return "STOP_EVENT";
    case EventType::rotate_event: return "ROTATE_EVENT";
    case EventType::intvar_event: return "INTVAR_EVENT";
    case EventType::load_event: return "LOAD_EVENT";
    case EventType::create_file_event: return "CREATE_FILE_EVENT";
    case EventType::append_block_event: return "APPEND_BLOCK_EVENT";
    case EventType::delete_file_event: return "DELETE_FILE_EVENT";
    case EventType::rand_event: return "RAND_EVENT";
    case EventType::user_var_event: return "USER_VAR_EVENT";
    case EventType::format_description_event: return "FORMAT_DESCRIPTION_EVENT";
    case EventType::xid_event: return "XID_EVENT";
    case EventType::begin_load_query_event: return "BEGIN_LOAD_QUERY_EVENT";
    case EventType::execute_load_query_event: return "EXECUTE_LOAD_QUERY_EVENT";
    case EventType::table_map_event: return "TABLE_MAP_EVENT";
    case EventType::write_rows_event_v1: return "WRITE_ROWS_EVENT_V1";
    case EventType::update_rows_event_v1: return "UPDATE_ROWS_EVENT_V1";
    case EventType::delete_rows_event_v1: return "DELETE_ROWS_EVENT_V1";
    case EventType::incident_event: return "INCIDENT_EVENT";
    case EventType::heartbeat_log_event: return "HEARTBEAT_LOG_EVENT";
    case EventType::ignorable_log_event: return "IGNORABLE_LOG_EVENT";
    case EventType::rows_query_log_event: return "ROWS_QUERY_LOG_EVENT";
    case EventType::write_rows_event: return "WRITE_ROWS_EVENT";
    case EventType::update_rows_event: return "UPDATE_ROWS_EVENT";
    case EventType::delete_rows_event: return "DELETE_ROWS_EVENT";
    case EventType::gtid_log_event: return "GTID_LOG_EVENT";
    case EventType::anonymous_gtid_log_event: return "ANONYMOUS_GTID_LOG_EVENT";
    case EventType::previous_gtids_log_event: return "PREVIOUS_GTIDS_LOG_EVENT";
    case EventType::transaction_context_event: return "TRANSACTION_CONTEXT_EVENT";
    case EventType::view_change_event: return "VIEW_CHANGE_EVENT";
    case EventType::xa_prepare_log_event: return "XA_PREPARE_LOG_EVENT";
    case EventType::partial_update_rows_event: return "PARTIAL_UPDATE_ROWS_EVENT";
    case EventType::transaction_payload_event: return "TRANSACTION_PAYLOAD_EVENT";
    case EventType::heartbeat_log_event_v2: return "HEARTBEAT_LOG_EVENT_V2";
    case EventType::gtid_tagged_log_event: return "GTID_TAGGED_LOG_EVENT";
    case EventType::annotate_rows_event: return "ANNOTATE_ROWS_EVENT";
    case EventType::binlog_checkpoint_event: return "BINLOG_CHECKPOINT_EVENT";
    case EventType::gtid_event: return "GTID_EVENT";
    case EventType::gtid_list_event: return "GTID_LIST_EVENT";
    case EventType::start_encryption_event: return "START_ENCRYPTION_EVENT";
    case EventType::query_compressed_event: return "QUERY_COMPRESSED_EVENT";
    case EventType::write_rows_compressed_event_v1: return "WRITE_ROWS_COMPRESSED_EVENT_V1";
    case EventType::update_rows_compressed_event_v1: return "UPDATE_ROWS_COMPRESSED_EVENT_V1";
    case EventType::delete_rows_compressed_event_v1: return "DELETE_ROWS_COMPRESSED_EVENT_V1";
  }
  return "";
}

Result<EventHeader> EventHeader::decode(Bytes event, const Context& context) noexcept {
  Reader reader(event, name.data(), context);
  EventHeader header;
  header.timestamp = reader.u32("timestamp");
  header.type = static_cast<EventType>(reader.u8("type"));
  header.server_id = reader.u32("server_id");
  const std::uint64_t size_at = reader.offset();
  header.event_size = reader.u32("event_size");
  header.log_pos = reader.u32("log_pos");
  header.flags = reader.u16("flags");
  if (reader.ok() && header.event_size < size)
    reader.fail_at(errc::bad_value, "event_size", size_at);
  if (!reader.ok()) return reader.error();
  return header;
}

void EventHeader::encode(Writer& writer, const Context&) const {
  writer.u32(timestamp, "timestamp");
  writer.u8(static_cast<std::uint8_t>(type), "type");
  writer.u32(server_id, "server_id");
  writer.u32(event_size, "event_size");
  writer.u32(log_pos, "log_pos");
  writer.u16(flags, "flags");
}

}  // namespace mysqlwire::binlog
