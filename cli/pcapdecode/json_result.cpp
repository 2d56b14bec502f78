// Answers as JSON.
#include "cli/common/text.hpp"
#include "cli/pcapdecode/json_messages.hpp"

#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/eof_packet.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/progress.hpp>
#include <mysqlwire/wire/row_binary.hpp>
#include <mysqlwire/wire/row_text.hpp>
#include <mysqlwire/wire/session_track.hpp>
#include <mysqlwire/wire/stmt.hpp>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

void write_column(JsonWriter& json, const ColumnDefinition41& column) {
  json.string("name", column.column_name);
  json.string("org_name", column.org_name);
  json.string("table", column.table);
  json.string("org_table", column.org_table);
  json.string("db", column.schema);
  json.string("type", is_known(column.type) ? to_string(column.type) : "unknown");
  json.charset(column.character_set, Flavor::mysql);
  json.number("length", column.column_length);
  json.flags("flags", all_column_flags(), column.flags);
  json.number("decimals", column.decimals);
  if (const auto name = column.extended.find(ExtendedMetadata::type_name))
    json.string("extended_type", *name);
  if (const auto name = column.extended.find(ExtendedMetadata::format_name))
    json.string("extended_format", *name);
}

void write_tracked(JsonWriter& json, const OkPacket& ok, const Context& context) {
  if (ok.session_state.empty()) return;
  json.begin_list("track");
  SessionTrackItems items(ok.session_state, context);
  while (const auto item = items.next()) {
    if (item->type == SessionTrackType::system_variables) {
      SystemVariables variables(item->data, context);
      while (const auto variable = variables.next()) {
        json.begin_object();
        json.string("type", to_string(item->type));
        json.string("name", variable->name);
        json.string("value", variable->value);
        json.end_object();
      }
      continue;
    }
    json.begin_object();
    const std::string_view type = to_string(item->type);
    json.string("type", type.empty() ? "unknown" : type);
    if (const auto text = item->text(context))
      json.string("value", *text);
    else
      json.hex("value_hex", item->data);
    json.end_object();
  }
  json.end_list();
}

// False when the row is not what its columns say.
bool write_text_values(JsonWriter& json, const Conversation& conversation,
                       const SeenMessage& message) {
  // Of definitions that were not captured the number is not known: cells up to the end.
  const auto& columns = conversation.column_types();
  const bool is_known = !columns.empty();
  TextRow row(message.payload, is_known ? columns.size() : message.length, conversation.context());
  std::size_t index = 0;
  for (TextRow::Cell cell; (is_known || index < message.length) && row.next(cell); ++index) {
    if (!cell)
      json.item_null();
    else
      json.bytes(*cell, index < columns.size() ? columns[index] : ColumnType{});
  }
  return row.ok() || !is_known;
}

bool write_binary_values(JsonWriter& json, const Conversation& conversation,
                         const SeenMessage& message) {
  const auto& columns = conversation.column_types();
  if (columns.empty() && !message.payload.empty()) {
    json.hex_object(message.payload);
    return true;
  }
  static thread_local std::vector<ValueType> types;
  types.clear();
  for (const ColumnType& column : columns) types.push_back(column.type);
  BinaryRow row(message.payload, types, conversation.context());
  std::size_t index = 0;
  for (Value value; row.next(value); ++index) json.value(value, columns[index]);
  return row.ok();
}

}  // namespace

void write_columns(JsonWriter& json, const Conversation& conversation,
                   const Definitions& definitions) {
  static constexpr std::string_view roles[] = {"result", "parameters", "statement", "field_list"};
  json.string("of", roles[static_cast<std::size_t>(definitions.of())]);
  json.number("count", definitions.size());
  json.begin_list("columns");
  const bool is_field_list = definitions.of() == DefinitionsOf::field_list;
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    json.begin_object();
    const auto column = ColumnDefinition41::decode(
        definitions[i], conversation.context(),
        is_field_list ? DefinitionSource::field_list : DefinitionSource::result_set);
    if (column) write_column(json, *column);
    json.end_object();
  }
  json.end_list();
}

void write_row(JsonWriter& json, const Conversation& conversation, const SeenMessage& message) {
  const bool is_text = message.kind == PacketKind::text_row;
  json.string("format", is_text ? "text" : "binary");
  if (!message.is_whole()) return;
  json.begin_list("values");
  const bool ok = is_text ? write_text_values(json, conversation, message)
                          : write_binary_values(json, conversation, message);
  json.end_list();
  if (!ok) json.boolean("malformed", true);
}

void write_ok(JsonWriter& json, const SeenMessage& message, const Context& context) {
  const auto ok = OkPacket::decode(message.payload, context);
  if (!ok) return;
  json.number("affected", ok->affected_rows);
  json.number("insert_id", ok->last_insert_id);
  json.flags("status", all_status_flags(), ok->status);
  json.number("warnings", ok->warnings);
  if (!ok->info.empty()) json.string("info", ok->info);
  write_tracked(json, *ok, context);
}

void write_end(JsonWriter& json, const SeenMessage& message, const Context& context) {
  constexpr std::uint64_t shortest_ok = 7;
  if (message.length >= shortest_ok) {
    write_ok(json, message, context);
  } else if (const auto eof = EofPacket::decode(message.payload, context)) {
    json.number("warnings", eof->warnings);
    json.flags("status", all_status_flags(), eof->status);
  }
}

void write_error(JsonWriter& json, const SeenMessage& message, const Context& context) {
  const auto err = ErrPacket::decode(message.payload, context);
  if (!err) return;
  json.number("code", err->code);
  json.string("sqlstate", err->sql_state);
  // Of all messages this one has a text that is called message. It is what whoever looks at an
  // error wants, and the name of the packet follows from the type: so it has the name.
  json.string("message", json.shows_values() ? err->message : without_quoted(err->message));
}

void write_prepare_ok(JsonWriter& json, const SeenMessage& message, const Context& context) {
  const auto prepared = StmtPrepareOk::decode(message.payload, context);
  if (!prepared) return;
  json.number("stmt_id", prepared->statement_id);
  json.number("params", prepared->parameter_count);
  json.number("columns", prepared->column_count);
  json.number("warnings", prepared->warning_count);
}

void write_progress(JsonWriter& json, const SeenMessage& message, const Context& context) {
  const auto report = ProgressReport::decode(message.payload, context);
  if (!report) return;
  json.number("stage", report->stage);
  json.number("max_stage", report->max_stage);
  json.number("progress", report->progress);
  json.string("text", report->text);
}

}  // namespace pcapdecode
