#include "cli/pcapdecode/message_fields.hpp"

#include "cli/common/text.hpp"

#include <mysqlwire/binlog/control_events.hpp>
#include <mysqlwire/binlog/event.hpp>
#include <mysqlwire/binlog/gtid_events.hpp>
#include <mysqlwire/binlog/rows.hpp>
#include <mysqlwire/binlog/statement_events.hpp>
#include <mysqlwire/binlog/table_map.hpp>
#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/com_change_user.hpp>
#include <mysqlwire/wire/eof_packet.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/handshake_response320.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/progress.hpp>
#include <mysqlwire/wire/proxy_protocol.hpp>
#include <mysqlwire/wire/query.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/replication.hpp>
#include <mysqlwire/wire/row_binary.hpp>
#include <mysqlwire/wire/row_text.hpp>
#include <mysqlwire/wire/session_track.hpp>
#include <mysqlwire/wire/ssl_request.hpp>
#include <mysqlwire/wire/stmt.hpp>
#include <mysqlwire/wire/stmt_bulk.hpp>
#include <mysqlwire/wire/value_text.hpp>

#include <vector>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;
using namespace cli;

namespace {

/// One message on its way into the tree.
class Collector {
 public:
  Collector(FieldTree& tree, const Conversation& conversation, const SeenMessage& message,
            Redact redact)
      : tree_(tree),
        conversation_(conversation),
        message_(message),
        payload_(message.payload),
        context_(conversation.context()),
        hides_values_(redact == Redact::values) {
    context_.fields = &tree;
    context_.notes = nullptr;
    context_.strict = false;
  }

  std::string collect() {
    by_kind();
    return error_;
  }

 private:
  void by_kind();
  void command();
  void login();
  void ok();
  void column(DefinitionSource source);
  void text_row();
  void binary_row();
  void execute();
  void bulk();
  void binlog_event();
  void event_body(binlog::EventType type, Bytes body);
  void attributes(const ConnectionAttributes& attributes);
  void parameters(const ParameterList& parameters, std::string_view what);

  /// Keeps why a decoder failed.
  template <class T>
  Result<T> keep(Result<T> result) {
    if (!result) error_ = to_string(result.error());
    return result;
  }
  template <class Message>
  void plain() {
    (void)keep(Message::decode(payload_, context_));
  }
  /// Bytes without structure, behind a header of so many bytes.
  void opaque(const char* message, const char* header, std::uint64_t header_size,
              const char* name) {
    Reader reader(payload_, message, context_);
    if (header_size == 1) (void)reader.u8(header);
    if (!reader.at_end()) (void)reader.rest(name);
  }

  std::string value_text(const Value& value, const ColumnType& column);
  std::string cell_text(std::string_view cell, const ColumnType& column);
  std::string column_name(std::size_t index) const;

  FieldTree& tree_;
  const Conversation& conversation_;
  const SeenMessage& message_;
  Bytes payload_;
  Context context_;
  bool hides_values_;
  std::string error_;
};

std::string type_name(FieldType type) {
  const std::string_view name = to_string(type);
  return std::string(name.starts_with("MYSQL_TYPE_") ? name.substr(11) : "?");
}

std::string Collector::cell_text(std::string_view cell, const ColumnType& column) {
  if (hides_values_) return "?";
  std::string converted, text;
  bool is_text = false;
  const std::string_view shown = as_utf8(cell, column, converted, is_text);
  constexpr std::size_t longest = 256;
  if (!is_text) return std::to_string(cell.size()) + " bytes";
  text = '"';
  append_printable(text, shown.substr(0, longest));
  text += shown.size() > longest ? "…\"" : "\"";
  return text;
}

std::string Collector::value_text(const Value& value, const ColumnType& column) {
  if (is_null(value)) return "NULL";
  if (const auto* bytes = std::get_if<std::string_view>(&value)) return cell_text(*bytes, column);
  if (hides_values_) return "?";
  std::string text;
  append_text(text, value, column.format);
  return text;
}

// The column's name where its definitions have been seen, and its number.
std::string Collector::column_name(std::size_t index) const {
  std::string name = "column " + std::to_string(index + 1);
  const Definitions& all = conversation_.columns();
  if (all.of() == DefinitionsOf::parameters || index >= all.size() ||
      all.size() != conversation_.column_types().size())
    return name;
  Context context = context_;
  context.fields = nullptr;
  if (const auto column = ColumnDefinition41::decode(all[index], context)) {
    name += " `";
    append_printable(name, column->column_name);
    name += '`';
  }
  return name;
}

void Collector::attributes(const ConnectionAttributes& attributes) {
  auto pairs = attributes.pairs(context_);
  const std::uint8_t* begin = attributes.block.data();
  while (const auto pair = pairs.next()) {
    const std::uint8_t* const end = as_bytes(pair->value).data() + pair->value.size();
    std::string name, meaning;
    append_printable(name, pair->key);
    append_printable(meaning, pair->value);
    tree_.add_group(std::move(name), Bytes(begin, end), std::move(meaning));
    begin = end;
  }
}

void Collector::login() {
  if (const auto login = HandshakeResponse41::decode(payload_, context_)) {
    attributes(login->attributes);
    return;
  }
  tree_.begin(payload_);
  plain<HandshakeResponse320>();
}

void Collector::ok() {
  constexpr std::uint64_t shortest_ok = 7;
  if (message_.kind != PacketKind::ok && message_.length < shortest_ok) return plain<EofPacket>();
  const auto packet = keep(OkPacket::decode(payload_, context_));
  if (!packet) return;
  SessionTrackItems items(packet->session_state, context_);
  while (const auto item = items.next()) {
    if (item->type == SessionTrackType::system_variables) {
      SystemVariables variables(item->data, context_);
      while (variables.next()) {
      }
    } else {
      (void)item->text(context_);
    }
  }
}

void Collector::column(DefinitionSource source) {
  if (!context_.capabilities.has(Capability::protocol_41)) {
    (void)keep(ColumnDefinition320::decode(payload_, context_, source));
    return;
  }
  (void)keep(ColumnDefinition41::decode(payload_, context_, source));
}

void Collector::text_row() {
  const auto& columns = conversation_.column_types();
  const bool is_known = !columns.empty();
  TextRow row(payload_, is_known ? columns.size() : payload_.size(), context_);
  std::size_t index = 0;
  std::size_t begin = 0;
  for (TextRow::Cell cell; (is_known || begin < payload_.size()) && row.next(cell); ++index) {
    const ColumnType column = index < columns.size() ? columns[index] : ColumnType{};
    std::string name = column_name(index);
    if (index < columns.size()) name += ' ' + type_name(column.type.type);
    tree_.add_group(std::move(name), begin, cell ? cell_text(*cell, column) : "NULL");
    begin = tree_.position();
  }
  if (!row.ok() && is_known) error_ = to_string(row.error());
}

void Collector::binary_row() {
  const auto& columns = conversation_.column_types();
  if (columns.empty()) return opaque("BinaryResultsetRow", "header", 1, "values");
  std::vector<ValueType> types;
  for (const ColumnType& column : columns) types.push_back(column.type);
  BinaryRow row(payload_, types, context_);
  std::size_t begin = tree_.position();
  std::size_t index = 0;
  for (Value value; row.next(value); ++index) {
    const ColumnType& column = columns[index];
    std::string name = column_name(index) + ' ' + type_name(column.type.type);
    if (column.type.is_unsigned) name += " UNSIGNED";
    if (is_null(value))
      tree_.add_group(std::move(name), payload_.subspan(begin, 0), "NULL");
    else
      tree_.add_group(std::move(name), begin, value_text(value, column));
    begin = tree_.position();
  }
  if (!row.ok()) error_ = to_string(row.error());
}

void Collector::parameters(const ParameterList& parameters, std::string_view what) {
  std::size_t number = 0;
  for (auto at = parameters.begin(); !(at == std::default_sentinel); ++at) {
    const auto wire = at.wire_value();
    if (!wire) break;
    std::string name = std::string(what) + ' ' + std::to_string(++number);
    if (!at->name.empty()) {
      name += " `";
      append_printable(name, at->name);
      name += '`';
    }
    name += ' ' + type_name(at->type.type);
    if (at->type.is_unsigned) name += " UNSIGNED";
    ColumnType column{at->type, collations::utf8mb4_general_ci, {}};
    if (value_shape(at->type.type) == ValueShape::bytes) column.type.type = FieldType::var_string;
    tree_.add_group(std::move(name), *wire,
                    at->long_data ? "long data, sent before" : value_text(at->value, column));
  }
}

void Collector::execute() {
  if (message_.statement == nullptr || !message_.statement->is_known)
    return opaque("COM_STMT_EXECUTE", "command", 1, "of a statement that is not known");
  // The types that the execution brings are remembered only behind this message.
  const auto execute = keep(ComStmtExecute::decode(payload_, context_, message_.statement->info()));
  if (execute) parameters(execute->parameters, "parameter");
}

void Collector::bulk() {
  if (message_.statement == nullptr || !message_.statement->is_known)
    return opaque("COM_STMT_BULK_EXECUTE", "command", 1, "of a statement that is not known");
  (void)keep(ComStmtBulkExecute::decode(payload_, context_, message_.statement->info()));
}

void Collector::binlog_event() {
  const auto packet =
      keep(BinlogEventPacket::decode(payload_, context_, conversation_.semi_sync()));
  if (!packet) return;
  if (!keep(binlog::EventHeader::decode(packet->event, context_))) return;
  if (message_.event == nullptr) return;
  event_body(message_.event->header.type, message_.event->body);
  // A format description reads its own.
  const Bytes rest = packet->event.subspan(binlog::EventHeader::size);
  if (rest.size() > message_.event->body.size())
    tree_.add_field("BinlogEvent", "checksum", rest.subspan(message_.event->body.size()));
}

void Collector::event_body(binlog::EventType type, Bytes body) {
  using binlog::EventType;
  const auto decode = [&]<class Message>() { (void)keep(Message::decode(body, context_)); };
  switch (type) {
    case EventType::format_description_event:
      return decode.template operator()<binlog::FormatDescription>();
    case EventType::rotate_event: return decode.template operator()<binlog::Rotate>();
    case EventType::heartbeat_log_event: return decode.template operator()<binlog::Heartbeat>();
    case EventType::heartbeat_log_event_v2:
      return decode.template operator()<binlog::HeartbeatV2>();
    case EventType::incident_event: return decode.template operator()<binlog::Incident>();
    case EventType::binlog_checkpoint_event:
      return decode.template operator()<binlog::BinlogCheckpoint>();
    case EventType::start_encryption_event:
      return decode.template operator()<binlog::StartEncryption>();
    case EventType::gtid_log_event:
    case EventType::anonymous_gtid_log_event: return decode.template operator()<binlog::GtidLog>();
    case EventType::previous_gtids_log_event:
      return decode.template operator()<binlog::PreviousGtids>();
    case EventType::gtid_event: return decode.template operator()<binlog::MariadbGtidEvent>();
    case EventType::gtid_list_event: return decode.template operator()<binlog::GtidList>();
    case EventType::query_event:
    case EventType::query_compressed_event: return decode.template operator()<binlog::Query>();
    case EventType::xid_event: return decode.template operator()<binlog::Xid>();
    case EventType::xa_prepare_log_event: return decode.template operator()<binlog::XaPrepare>();
    case EventType::intvar_event: return decode.template operator()<binlog::Intvar>();
    case EventType::rand_event: return decode.template operator()<binlog::Rand>();
    case EventType::user_var_event: return decode.template operator()<binlog::UserVar>();
    case EventType::rows_query_log_event: return decode.template operator()<binlog::RowsQuery>();
    case EventType::annotate_rows_event: return decode.template operator()<binlog::AnnotateRows>();
    case EventType::table_map_event: return decode.template operator()<binlog::TableMap>();
    case EventType::transaction_payload_event:
      return decode.template operator()<binlog::TransactionPayload>();
    default: break;
  }
  if (binlog::rows_kind(type) != binlog::RowsKind::none) {
    (void)keep(binlog::RowsEvent::decode(body, context_, type));
  } else if (!body.empty()) {
    tree_.add_field("BinlogEvent", "body", body);
  }
}

void Collector::command() {
  switch (*message_.command) {
    case Command::com_query:
      if (const auto query = keep(ComQuery::decode(payload_, context_)))
        parameters(query->attributes, "attribute");
      return;
    case Command::com_init_db: return plain<ComInitDb>();
    case Command::com_create_db: return plain<ComCreateDb>();
    case Command::com_drop_db: return plain<ComDropDb>();
    case Command::com_field_list: return plain<ComFieldList>();
    case Command::com_refresh: return plain<ComRefresh>();
    case Command::com_shutdown: return plain<ComShutdown>();
    case Command::com_process_kill: return plain<ComProcessKill>();
    case Command::com_set_option: return plain<ComSetOption>();
    case Command::com_change_user:
      if (const auto change = keep(ComChangeUser::decode(payload_, context_)))
        attributes(change->attributes);
      return;
    case Command::com_stmt_prepare: return plain<ComStmtPrepare>();
    case Command::com_stmt_execute: return execute();
    case Command::com_stmt_bulk_execute: return bulk();
    case Command::com_stmt_fetch: return plain<ComStmtFetch>();
    case Command::com_stmt_reset: return plain<ComStmtReset>();
    case Command::com_stmt_close: return plain<ComStmtClose>();
    case Command::com_stmt_send_long_data: return plain<ComStmtSendLongData>();
    case Command::com_register_slave: return plain<ComRegisterSlave>();
    case Command::com_binlog_dump: return plain<ComBinlogDump>();
    case Command::com_binlog_dump_gtid: return plain<ComBinlogDumpGtid>();
    case Command::com_table_dump: return plain<ComTableDump>();
    default: return opaque("Command", "command", 1, "argument");
  }
}

void Collector::by_kind() {
  switch (message_.kind) {
    case PacketKind::greeting: return plain<HandshakeV10>();
    case PacketKind::ssl_request: return plain<SslRequest>();
    case PacketKind::handshake_response: return login();
    case PacketKind::old_auth_switch_request: return plain<OldAuthSwitchRequest>();
    case PacketKind::auth_switch_request: return plain<AuthSwitchRequest>();
    case PacketKind::auth_more_data: return plain<AuthMoreData>();
    case PacketKind::auth_next_factor: return plain<AuthNextFactor>();
    case PacketKind::auth_raw_data: return opaque("AuthData", "", 0, "plugin_provided_data");
    case PacketKind::auth_response: return opaque("AuthSwitchResponse", "", 0, "auth_response");
    case PacketKind::ok:
    case PacketKind::eof:
    case PacketKind::result_end:
    case PacketKind::field_list_end:
    case PacketKind::binlog_end: return ok();
    case PacketKind::err: return plain<ErrPacket>();
    case PacketKind::progress: return plain<ProgressReport>();
    case PacketKind::column_count: return plain<ColumnCount>();
    case PacketKind::column_definition:
    case PacketKind::parameter_definition: return column(DefinitionSource::result_set);
    case PacketKind::field_list_definition: return column(DefinitionSource::field_list);
    case PacketKind::text_row: return text_row();
    case PacketKind::binary_row: return binary_row();
    case PacketKind::local_infile_request: return plain<LocalInfileRequest>();
    case PacketKind::prepare_ok: return plain<StmtPrepareOk>();
    case PacketKind::statistics: return opaque("Statistics", "", 0, "text");
    case PacketKind::binlog_event: return binlog_event();
    case PacketKind::command: return command();
    case PacketKind::infile_data:
    case PacketKind::infile_end: return opaque("LOCAL INFILE Data", "", 0, "file_data");
    case PacketKind::semi_sync_ack: return plain<SemiSyncAck>();
    case PacketKind::unexpected: return;
  }
}

}  // namespace

std::string collect_fields(FieldTree& tree, const Conversation& conversation,
                           const SeenMessage& message, Redact redact) {
  tree.begin(message.payload);
  return Collector(tree, conversation, message, redact).collect();
}

std::string collect_proxy_fields(FieldTree& tree, Bytes header) {
  tree.begin(header);
  Context context;
  context.fields = &tree;
  const auto decoded = ProxyHeader::decode(header, context);
  if (!decoded) return to_string(decoded.error());
  if (decoded->version == 1) tree.add_field(ProxyHeader::name, "line", header);
  ProxyTlvs tlvs(decoded->tlvs);
  while (const auto tlv = tlvs.next()) {
    constexpr std::size_t type_size = 1, length_size = 2;
    const std::uint8_t* const value = tlv->value.data();
    const std::uint8_t* const begin = value - length_size - type_size;
    tree.add_group("tlv", Bytes(begin, value + tlv->value.size()), "");
    tree.add_field(ProxyHeader::name, "tlv_type", Bytes(begin, type_size));
    tree.add_field(ProxyHeader::name, "tlv_length", Bytes(begin + type_size, length_size));
    tree.add_field(ProxyHeader::name, "tlv_value", tlv->value);
  }
  return "";
}

}  // namespace pcapdecode
