// Replication as JSON.
#include "cli/common/binlog_text.hpp"
#include "cli/pcapdecode/json_messages.hpp"

#include <mysqlwire/binlog/control_events.hpp>
#include <mysqlwire/binlog/gtid_events.hpp>
#include <mysqlwire/binlog/rows.hpp>
#include <mysqlwire/binlog/statement_events.hpp>
#include <mysqlwire/binlog/stream.hpp>
#include <mysqlwire/wire/replication.hpp>

#include <algorithm>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::binlog;
using mysqlwire::capture::Conversation;
using mysqlwire::capture::SeenMessage;

namespace {

// The members of one event that depend on its type.
class EventWriter {
 public:
  /// `inflated`: what is compressed in the event. The stream has seen the event.
  EventWriter(JsonWriter& json, const Stream& stream, const Event& event, Bytes inflated,
              const Context& context)
      : json_(json), stream_(stream), event_(event), inflated_(inflated), context_(context) {}

  void write() {
    const EventHeader& header = event_.header;
    json_.string("event", event_name(header.type));
    json_.number("ts", header.timestamp);
    json_.number("server_id", header.server_id);
    json_.number("size", header.event_size);
    json_.number("log_pos", header.log_pos);
    json_.number("flags", header.flags);
    if (event_.checksum) json_.boolean("checksum_ok", event_.checksum_ok);
    switch (header.type) {
      case EventType::format_description_event: return with<FormatDescription>();
      case EventType::rotate_event: return with<Rotate>();
      case EventType::heartbeat_log_event: return with<Heartbeat>();
      case EventType::heartbeat_log_event_v2: return with<HeartbeatV2>();
      case EventType::incident_event: return with<Incident>();
      case EventType::binlog_checkpoint_event: return with<BinlogCheckpoint>();
      case EventType::start_encryption_event: return with<StartEncryption>();
      case EventType::gtid_log_event:
      case EventType::anonymous_gtid_log_event: return with<GtidLog>();
      case EventType::previous_gtids_log_event: return with<PreviousGtids>();
      case EventType::gtid_event: return with<MariadbGtidEvent>();
      case EventType::gtid_list_event: return with<GtidList>();
      case EventType::query_event:
      case EventType::query_compressed_event: return with<Query>();
      case EventType::xid_event: return with<Xid>();
      case EventType::xa_prepare_log_event: return with<XaPrepare>();
      case EventType::intvar_event: return with<Intvar>();
      case EventType::rand_event: return with<Rand>();
      case EventType::user_var_event: return with<UserVar>();
      case EventType::rows_query_log_event: return with<RowsQuery>();
      case EventType::annotate_rows_event: return with<AnnotateRows>();
      case EventType::table_map_event: return with<TableMap>();
      case EventType::transaction_payload_event: return with<TransactionPayload>();
      default:
        if (rows_kind(header.type) != RowsKind::none) write_rows();
    }
  }

 private:
  template <class M>
  void with() {
    if (const auto message = M::decode(event_.body, context_))
      write(*message);
    else
      json_.boolean("malformed", true);
  }

  void write(const FormatDescription& format) {
    json_.number("binlog_version", format.binlog_version);
    json_.string("version", format.server_version);
    json_.number("created", format.create_time);
    json_.number("checksum_algorithm", static_cast<std::uint8_t>(format.checksum_algorithm));
  }
  void write(const Rotate& rotate) {
    json_.string("file", rotate.filename);
    json_.number("position", rotate.position);
  }
  void write(const Heartbeat& heartbeat) { json_.string("file", heartbeat.filename); }
  void write(const HeartbeatV2& heartbeat) {
    json_.string("file", heartbeat.filename);
    json_.number("position", heartbeat.position);
  }
  void write(const Incident& incident) {
    json_.number("incident", incident.incident);
    json_.string("text", incident.message);
  }
  void write(const BinlogCheckpoint& checkpoint) { json_.string("file", checkpoint.filename); }
  void write(const StartEncryption& start) {
    json_.number("scheme", start.scheme);
    json_.number("key_version", start.key_version);
  }

  void write(const GtidLog& gtid) {
    if (event_.header.type == EventType::gtid_log_event) {
      std::string text;
      append_uuid(text, gtid.source_uuid);
      json_.string("gtid", text + ':' + std::to_string(gtid.transaction_number));
    }
    if (gtid.logical) {
      json_.number("last_committed", gtid.logical->last_committed);
      json_.number("sequence_number", gtid.logical->sequence_number);
    }
    if (gtid.immediate_commit) json_.number("commit_us", *gtid.immediate_commit);
    if (gtid.original_commit) json_.number("original_commit_us", *gtid.original_commit);
    if (gtid.transaction_length) json_.number("transaction_length", *gtid.transaction_length);
    if (gtid.immediate_server_version)
      json_.number("server_version", *gtid.immediate_server_version);
  }
  void write(const PreviousGtids& gtids) {
    std::string text;
    gtids.append_text(text);
    json_.string("gtids", text);
  }
  void write(const MariadbGtidEvent& gtid) {
    json_.string("gtid",
                 to_string(MariadbGtid{gtid.domain_id, event_.header.server_id, gtid.sequence}));
    json_.number("gtid_flags", gtid.flags);
    if ((gtid.flags & MariadbGtidEvent::group_commit) != 0)
      json_.number("commit_id", gtid.commit_id);
  }
  void write(const GtidList& list) {
    std::string text;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i != 0) text += ',';
      text += to_string(list[i]);
    }
    json_.string("gtids", text);
  }

  void write(const Query& query) {
    json_.number("thread_id", query.thread_id);
    json_.number("exec_s", query.execution_time);
    json_.string("db", query.schema);
    json_.number("error_code", query.error_code);
    const bool is_compressed = event_.header.type == EventType::query_compressed_event;
    if (!is_compressed || !inflated_.empty())
      json_.statement("query", is_compressed ? as_text(inflated_) : query.query);
    StatusVariables variables;
    if (!variables.read(query.status_variables, context_)) {
      json_.boolean("malformed", true);
      return;
    }
    if (variables.sql_mode) json_.number("sql_mode", *variables.sql_mode);
    if (variables.character_set_client)
      json_.charset(*variables.character_set_client, context_.flavor);
    if (!variables.time_zone.empty()) json_.string("time_zone", variables.time_zone);
    if (variables.microseconds) json_.number("ts_us", *variables.microseconds);
    if (variables.ddl_xid) json_.number("xid", *variables.ddl_xid);
    if (!variables.invoker_user.empty())
      json_.string("invoker",
                   std::string(variables.invoker_user) + '@' + std::string(variables.invoker_host));
  }
  void write(const Xid& xid) { json_.number("xid", xid.xid); }
  void write(const XaPrepare& prepare) {
    json_.boolean("one_phase", prepare.one_phase);
    json_.number("xa_format", prepare.format);
    json_.hex("xa_global_hex", prepare.global);
    json_.hex("xa_branch_hex", prepare.branch);
  }
  void write(const Intvar& variable) {
    json_.string("variable", variable.kind == 1 ? "last_insert_id" : "insert_id");
    json_.number("value", variable.value);
  }
  void write(const Rand& rand) {
    json_.number("seed1", rand.seed1);
    json_.number("seed2", rand.seed2);
  }
  void write(const UserVar& variable) {
    json_.string("variable", variable.variable);
    json_.number("kind", variable.kind);
    json_.key("value");
    if (variable.is_null) {
      json_.item_null();
    } else if (!json_.shows_values()) {
      json_.item("?");
    } else if (variable.kind == 0) {
      // What the variable holds is in its collation.
      json_.bytes(
          as_text(variable.value),
          {{FieldType::var_string, false}, static_cast<std::uint16_t>(variable.collation), {}});
    } else {
      json_.hex_object(variable.value);
    }
  }
  void write(const RowsQuery& query) { json_.statement("query", query.query); }
  void write(const AnnotateRows& query) { json_.statement("query", query.query); }

  void write(const TableMap& map) {
    json_.number("table_id", map.table_id);
    json_.string("db", map.schema);
    json_.string("table", map.table);
    const Table* table = stream_.table(map.table_id);
    if (table == nullptr) {
      json_.boolean("malformed", true);
      return;
    }
    json_.begin_list("columns");
    for (std::size_t i = 0; i < table->columns.size(); ++i) {
      const Column& column = table->columns[i];
      json_.begin_object();
      json_.string("name", column_name(*table, i));
      json_.string("type", to_string(column.layout.type));
      json_.number("meta", column.layout.metadata);
      json_.boolean("nullable", column.nullable);
      if (column.layout.is_unsigned) json_.boolean("unsigned", true);
      if (column.character_set != 0) json_.charset(column.character_set, context_.flavor);
      if (column.in_primary_key) json_.boolean("primary_key", true);
      if (!column.labels.empty()) {
        json_.begin_list("labels");
        for (const std::string& label : column.labels) json_.item(label);
        json_.end_list();
      }
      json_.end_object();
    }
    json_.end_list();
  }

  void write_columns(std::string_view key, const Table& table, Bytes present) {
    json_.begin_list(key);
    for (std::size_t i = 0; i < table.columns.size(); ++i)
      if (i / 8 < present.size() && (present[i / 8] >> (i % 8) & 1) != 0)
        json_.item(column_name(table, i));
    json_.end_list();
  }

  void write_rows() {
    const auto event = RowsEvent::decode(event_.body, context_, event_.header.type);
    if (!event) {
      json_.boolean("malformed", true);
      return;
    }
    json_.number("table_id", event->table_id);
    json_.boolean("statement_end", (event->flags & RowsEvent::statement_end) != 0);
    const Table* table = stream_.table(event->table_id);
    if (table == nullptr) return;
    json_.string("db", table->schema);
    json_.string("table", table->name);
    write_columns("columns", *table, event->present);
    if (!event->present_after.empty() &&
        !std::equal(event->present.begin(), event->present.end(), event->present_after.begin()))
      write_columns("columns_after", *table, event->present_after);
    if (event_.header.type == EventType::partial_update_rows_event) return;
    RowImages images(*event, has_compressed_rows(event_.header.type) ? inflated_ : event->rows,
                     *table, context_);
    std::uint64_t left = json_.options().max_rows;
    const bool is_update = rows_kind(event_.header.type) == RowsKind::update;
    json_.begin_list("rows");
    bool is_open = false;
    while (images.next_image()) {
      if (!(is_update && images.is_after())) {
        if (left-- == 0) break;
        json_.begin_object();
      }
      write_image(images, *table);
      is_open = is_update && !images.is_after();
      if (!is_open) json_.end_object();
    }
    if (is_open) json_.end_object();
    json_.end_list();
    if (!images.ok()) json_.boolean("malformed", true);
  }

  void write_image(RowImages& images, const Table& table) {
    json_.begin_list(images.is_after() ? "after" : "before");
    for (RowImages::Item item; images.next(item);) {
      if (is_null(item.value)) {
        json_.item_null();
        continue;
      }
      if (!json_.shows_values()) {
        json_.item("?");
        continue;
      }
      text_.clear();
      if (row_value_text(item.value, table.columns[item.column], text_))
        json_.item(text_);
      else
        json_.hex_object(as_bytes(text_));
    }
    json_.end_list();
  }

  void write(const TransactionPayload& payload) {
    json_.number("compression", payload.compression);
    json_.number("payload_size", payload.payload.size());
    json_.number("inflated_size", payload.size);
    json_.begin_list("events");
    Stream inner;
    for (Bytes left = inflated_; !left.empty();) {
      const auto header = EventHeader::decode(left, context_);
      if (!header || header->event_size > left.size()) break;
      const auto event = inner.take_inner(left.first(header->event_size), context_);
      left = left.subspan(header->event_size);
      // A transaction inside of a transaction would go on for ever.
      if (!event || event->header.type == EventType::transaction_payload_event) break;
      json_.begin_object();
      EventWriter(json_, inner, *event, {}, context_).write();
      json_.end_object();
    }
    json_.end_list();
  }

  JsonWriter& json_;
  const Stream& stream_;
  const Event& event_;
  Bytes inflated_;
  const Context& context_;
  std::string text_;
};

}  // namespace

void write_event(JsonWriter& json, const Conversation& conversation, const SeenMessage& message) {
  if (message.event == nullptr) return;
  const Context& context = conversation.context();
  EventWriter(json, conversation.binlog(), *message.event, message.inflated, context).write();
  const auto packet = BinlogEventPacket::decode(message.payload, context, conversation.semi_sync());
  if (packet && packet->semi_sync) json.boolean("ack_wanted", packet->ack_wanted);
}

void write_semi_sync_ack(JsonWriter& json, const SeenMessage& message, const Context& context) {
  const auto ack = SemiSyncAck::decode(message.payload, context);
  if (!ack) return;
  json.number("position", ack->position);
  json.string("file", ack->filename);
}

}  // namespace pcapdecode
