#include <mysqlwire/session/packet_kind.hpp>

namespace mysqlwire {

std::string_view to_string(PacketKind kind) noexcept {
  switch (kind) {
    case PacketKind::greeting: return "greeting";
    case PacketKind::ssl_request: return "ssl_request";
    case PacketKind::handshake_response: return "handshake_response";
    case PacketKind::old_auth_switch_request: return "old_auth_switch_request";
    case PacketKind::auth_switch_request: return "auth_switch_request";
    case PacketKind::auth_more_data: return "auth_more_data";
    case PacketKind::auth_next_factor: return "auth_next_factor";
    case PacketKind::auth_raw_data: return "auth_raw_data";
    case PacketKind::auth_response: return "auth_response";
    case PacketKind::ok: return "ok";
    case PacketKind::err: return "err";
    case PacketKind::eof: return "eof";
    case PacketKind::progress: return "progress";
    case PacketKind::column_count: return "column_count";
    case PacketKind::column_definition: return "column_definition";
    case PacketKind::parameter_definition: return "parameter_definition";
    case PacketKind::text_row: return "text_row";
    case PacketKind::binary_row: return "binary_row";
    case PacketKind::result_end: return "result_end";
    case PacketKind::local_infile_request: return "local_infile_request";
    case PacketKind::prepare_ok: return "prepare_ok";
    case PacketKind::field_list_definition: return "field_list_definition";
    case PacketKind::field_list_end: return "field_list_end";
    case PacketKind::statistics: return "statistics";
    case PacketKind::binlog_event: return "binlog_event";
    case PacketKind::binlog_end: return "binlog_end";
    case PacketKind::command: return "command";
    case PacketKind::infile_data: return "infile_data";
    case PacketKind::infile_end: return "infile_end";
    case PacketKind::semi_sync_ack: return "semi_sync_ack";
    case PacketKind::unexpected: return "unexpected";
  }
  return "unknown";
}

std::string_view to_string(Phase phase) noexcept {
  switch (phase) {
    case Phase::greeting: return "greeting";
    case Phase::login: return "login";
    case Phase::tls: return "tls";
    case Phase::authentication: return "authentication";
    case Phase::command: return "command";
    case Phase::binlog: return "binlog";
    case Phase::closed: return "closed";
    case Phase::joining: return "joining";
    case Phase::lost: return "lost";
  }
  return "unknown";
}

}  // namespace mysqlwire
