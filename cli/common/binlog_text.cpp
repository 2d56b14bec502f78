#include "cli/common/binlog_text.hpp"

#include "cli/common/text.hpp"

#include <mysqlwire/binlog/control_events.hpp>
#include <mysqlwire/binlog/gtid_events.hpp>
#include <mysqlwire/binlog/json.hpp>
#include <mysqlwire/binlog/statement_events.hpp>
#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/value_text.hpp>

#include <algorithm>

namespace cli {

using namespace mysqlwire;
using namespace mysqlwire::binlog;
using mysqlwire::capture::ColumnType;
using mysqlwire::capture::Conversation;
using mysqlwire::capture::SeenMessage;

namespace {

constexpr std::size_t longest_statement = 2000;
constexpr std::size_t longest_row = 2000;  // all values of an image

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
  });
}

void append_labels(std::string& out, std::uint64_t value, const Column& column) {
  const auto& labels = column.labels;
  if (column.layout.type == FieldType::enum_) {
    if (value != 0 && value <= labels.size())
      out += labels[value - 1];
    else if (!labels.empty() && value == 0)
      return;  // what the server stores for a value that is no label
    else
      append_number(out, value);
    return;
  }
  if (labels.size() > 64 || (labels.size() < 64 && value >> labels.size() != 0)) {
    append_number(out, value);
    return;
  }
  bool first = true;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if ((value >> i & 1) == 0) continue;
    if (!first) out += ',';
    first = false;
    out += labels[i];
  }
}

bool bytes_text(std::string_view bytes, const Column& column, std::string& out) {
  FieldType type = column.layout.type;
  if (type == FieldType::json) {
    if (append_json_text(out, as_bytes(bytes))) return true;
    out += bytes;
    return false;
  }
  const bool is_compressed =
      type == FieldType::blob_compressed || type == FieldType::varchar_compressed;
  bool is_text = !is_compressed;
  if (type != FieldType::newdecimal) {
    const bool is_told = column.character_set != 0;
    const ColumnType shown{
        {type, false},
        is_told ? column.character_set : std::uint16_t{collations::utf8mb4_general_ci},
        {}};
    std::string converted;
    const std::string_view text = as_utf8(bytes, shown, converted, is_text);
    is_text = is_text && !is_compressed && (is_told || !has_control_characters(text));
    if (is_text) {
      out += text;
      return true;
    }
  }
  out += bytes;
  return is_text;
}

class Facts {
 public:
  Facts(std::string& out, const Conversation& conversation, const SeenMessage& message, bool values)
      : out_(out),
        conversation_(conversation),
        message_(message),
        event_(*message.event),
        values_(values) {}

  void write() {
    const Context& context = conversation_.context();
    switch (event_.header.type) {
      case EventType::format_description_event:
        if (const auto format = FormatDescription::decode(event_.body, context))
          fact("version", format->server_version);
        break;
      case EventType::rotate_event:
        if (const auto rotate = Rotate::decode(event_.body, context)) {
          fact("file", rotate->filename);
          fact("position", std::to_string(rotate->position));
        }
        break;
      case EventType::query_event:
      case EventType::query_compressed_event:
        if (const auto query = Query::decode(event_.body, context)) {
          fact("db", query->schema);
          statement(event_.header.type == EventType::query_event ? query->query
                                                                 : as_text(message_.inflated));
        }
        break;
      case EventType::rows_query_log_event:
        if (const auto query = RowsQuery::decode(event_.body, context)) statement(query->query);
        break;
      case EventType::annotate_rows_event:
        if (const auto query = AnnotateRows::decode(event_.body, context)) statement(query->query);
        break;
      case EventType::xid_event:
        if (const auto xid = Xid::decode(event_.body, context))
          fact("xid", std::to_string(xid->xid));
        break;
      case EventType::gtid_log_event:
        if (const auto gtid = GtidLog::decode(event_.body, context)) {
          out_ += ' ';
          append_uuid(out_, gtid->source_uuid);
          out_ += ':';
          append_number(out_, gtid->transaction_number);
        }
        break;
      case EventType::gtid_event:
        if (const auto gtid = MariadbGtidEvent::decode(event_.body, context)) {
          out_ += ' ';
          out_ += to_string(MariadbGtid{gtid->domain_id, event_.header.server_id, gtid->sequence});
        }
        break;
      case EventType::previous_gtids_log_event:
        if (const auto gtids = PreviousGtids::decode(event_.body, context)) {
          out_ += ' ';
          gtids->append_text(out_);
        }
        break;
      case EventType::gtid_list_event:
        if (const auto list = GtidList::decode(event_.body, context))
          for (std::size_t i = 0; i < list->size(); ++i) {
            out_ += i == 0 ? ' ' : ',';
            out_ += to_string((*list)[i]);
          }
        break;
      case EventType::table_map_event:
        if (const auto map = TableMap::decode(event_.body, context)) table(*map);
        break;
      case EventType::heartbeat_log_event:
        if (const auto heartbeat = Heartbeat::decode(event_.body, context))
          fact("file", heartbeat->filename);
        break;
      case EventType::heartbeat_log_event_v2:
        if (const auto heartbeat = HeartbeatV2::decode(event_.body, context)) {
          fact("file", heartbeat->filename);
          fact("position", std::to_string(heartbeat->position));
        }
        break;
      case EventType::binlog_checkpoint_event:
        if (const auto checkpoint = BinlogCheckpoint::decode(event_.body, context))
          fact("file", checkpoint->filename);
        break;
      case EventType::incident_event:
        if (const auto incident = Incident::decode(event_.body, context))
          fact("message", incident->message);
        break;
      case EventType::user_var_event:
        if (const auto variable = UserVar::decode(event_.body, context))
          fact("variable", variable->variable);
        break;
      case EventType::intvar_event:
        if (const auto variable = Intvar::decode(event_.body, context))
          fact(variable->kind == 1 ? "last_insert_id" : "insert_id",
               std::to_string(variable->value));
        break;
      default:
        if (rows_kind(event_.header.type) != RowsKind::none) rows();
        break;
    }
  }

 private:
  void fact(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out_ += ' ';
    out_ += name;
    out_ += '=';
    append_printable(out_, value);
  }

  void statement(std::string_view text) {
    out_ += ' ';
    append_printable(out_, values_ ? text.substr(0, longest_statement) : "?");
    if (values_ && text.size() > longest_statement) out_ += "…";
  }

  void table(const TableMap& map) {
    out_ += ' ';
    append_printable(out_, map.schema);
    out_ += '.';
    append_printable(out_, map.table);
    fact("table_id", std::to_string(map.table_id));
    fact("columns", std::to_string(map.types.size()));
  }

  void rows() {
    const Context& context = conversation_.context();
    const auto event = RowsEvent::decode(event_.body, context, event_.header.type);
    if (!event) return;
    const Table* table = conversation_.binlog().table(event->table_id);
    if (table == nullptr) {
      fact("table_id", std::to_string(event->table_id));
      return;
    }
    out_ += ' ';
    append_printable(out_, table->schema);
    out_ += '.';
    append_printable(out_, table->name);
    const Bytes bytes = has_compressed_rows(event_.header.type) ? message_.inflated : event->rows;
    RowImages images(*event, bytes, *table, context);
    const std::size_t start = out_.size();
    while (images.next_image()) {
      if (out_.size() - start > longest_row) {
        out_ += " …";
        return;
      }
      out_ += images.is_after() ? " +(" : " -(";
      bool first = true;
      for (RowImages::Item item; images.next(item);) {
        if (!first) out_ += ", ";
        first = false;
        append_printable(out_, column_name(*table, item.column));
        out_ += '=';
        value(item, table->columns[item.column]);
      }
      out_ += ')';
    }
  }

  void value(const RowImages::Item& item, const Column& column) {
    constexpr std::size_t longest = 80;
    if (is_null(item.value)) {
      out_ += "NULL";
      return;
    }
    if (!values_) {
      out_ += '?';
      return;
    }
    std::string text;
    if (!row_value_text(item.value, column, text)) {
      out_ += "0x";
      append_hex(out_, as_bytes(text).first(std::min(text.size(), longest / 2)));
      if (text.size() > longest / 2) out_ += "…";
      return;
    }
    const bool quoted = std::holds_alternative<std::string_view>(item.value);
    if (quoted) out_ += '"';
    append_printable(out_, std::string_view(text).substr(0, longest));
    if (text.size() > longest) out_ += "…";
    if (quoted) out_ += '"';
  }

  std::string& out_;
  const Conversation& conversation_;
  const SeenMessage& message_;
  const Event& event_;
  bool values_;
};

}  // namespace

std::string event_name(EventType type) {
  const std::string_view name = to_string(type);
  return name.empty() ? std::to_string(static_cast<unsigned>(type)) : std::string(name);
}

bool row_value_text(const Value& value, const Column& column, std::string& out) {
  if (const auto* bytes = std::get_if<std::string_view>(&value))
    return bytes_text(*bytes, column, out);
  const FieldType type = column.layout.type;
  if (type == FieldType::enum_ || type == FieldType::set) {
    append_labels(out, std::get<std::uint64_t>(value), column);
    return true;
  }
  TextFormat format;
  if (type == FieldType::year) format.zerofill = 4;
  if (type == FieldType::timestamp2 || type == FieldType::datetime2 || type == FieldType::time2)
    format.decimals = static_cast<std::uint8_t>(column.layout.metadata);
  append_text(out, value, format);
  return true;
}

std::string column_name(const Table& table, std::size_t column) {
  const std::string& name = table.columns[column].name;
  return name.empty() ? "@" + std::to_string(column + 1) : name;
}

void append_event_facts(std::string& out, const Conversation& conversation,
                        const SeenMessage& message, bool values) {
  if (message.event != nullptr) Facts(out, conversation, message, values).write();
}

}  // namespace cli
