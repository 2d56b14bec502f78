// JSON lines. Written by hand and not by a JSON library: a line a row is the hot path of this
// program, and a document model of each costs several times what decoding it does.
#include "cli/common/text.hpp"
#include "cli/pcapdecode/format.hpp"
#include "cli/pcapdecode/json_object.hpp"

#include <mysqlwire/binlog/event.hpp>
#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/com_change_user.hpp>
#include <mysqlwire/wire/eof_packet.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/handshake_response320.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/progress.hpp>
#include <mysqlwire/wire/replication.hpp>
#include <mysqlwire/wire/row_binary.hpp>
#include <mysqlwire/wire/row_text.hpp>
#include <mysqlwire/wire/session_track.hpp>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

class JsonFormat final : public Format {
 public:
  JsonFormat(const FormatOptions& options, Output& output) : options_(options), output_(output) {}

  void on_connection(const Conversation& conversation) override {
    if (!begin("connection", conversation, conversation.first())) return;
    object_.string("client", to_string(conversation.client()));
    object_.string("server", to_string(conversation.server()));
    object_.string("start", conversation.from_start() ? "syn" : "midstream");
    if (!conversation.proxy_header().empty()) object_.string("proxy", conversation.proxy_header());
    end();
  }

  void on_tls(const Conversation& conversation, const TlsInfo& info,
              const Origin& origin) override {
    if (!begin("tls", conversation, origin)) return;
    object_.string("version", info.version);
    object_.string("cipher", info.cipher);
    if (!info.server_name.empty()) object_.string("sni", info.server_name);
    if (!info.certificate.empty()) object_.string("certificate", info.certificate);
    object_.boolean("decrypted", info.decrypted);
    end();
  }

  void on_end(const Conversation& conversation, TcpStream::End how) override {
    if (!begin("connection_end", conversation, conversation.last())) return;
    object_.string("how", end_name(how));
    object_.number("commands", conversation.commands());
    object_.number("errors", conversation.errors());
    object_.number("bytes_c2s", conversation.bytes(Direction::to_server));
    object_.number("bytes_s2c", conversation.bytes(Direction::to_client));
    end();
  }

  void on_problem(const Conversation& conversation, const Problem& problem,
                  const Origin& origin) override {
    if (!begin("problem", conversation, origin)) return;
    if (problem.direction) object_.string("dir", direction_name(*problem.direction));
    object_.string("what", capture::to_string(problem.what));
    object_.number("offset", problem.offset);
    object_.number("bytes", problem.bytes);
    object_.string("note", problem.note);
    end();
  }

  void on_columns(const Conversation& conversation, const SeenMessage& last,
                  const Definitions& definitions) override {
    if (!begin("columns", conversation, last)) return;
    static constexpr std::string_view roles[] = {"result", "parameters", "statement", "field_list"};
    object_.string("of", roles[static_cast<std::size_t>(definitions.of())]);
    object_.number("count", definitions.size());
    object_.begin_list("columns");
    const bool is_field_list = definitions.of() == DefinitionsOf::field_list;
    for (std::size_t i = 0; i < definitions.size(); ++i) {
      object_.begin_object();
      const auto column = ColumnDefinition41::decode(
          definitions[i], conversation.context(),
          is_field_list ? DefinitionSource::field_list : DefinitionSource::result_set);
      if (column) write_column(*column);
      object_.end_object();
    }
    object_.end_list();
    end();
  }

  void on_message(const Conversation& conversation, const SeenMessage& message) override;
  void on_exchange(const Conversation& conversation, const Exchange& exchange) override;

 private:
  bool begin(const char* type, const Conversation& conversation, const Origin& origin) {
    if (!options_.types.empty() && !options_.types.contains(type)) return false;
    object_.begin(output_.text());
    object_.literal("type", type);
    object_.number("frame", origin.frame);
    object_.key("t");
    output_.text() += '"';
    append_seconds(output_.text(), origin.time, options_.digits);
    output_.text() += '"';
    object_.number("stream", conversation.id());
    return true;
  }

  bool begin(const char* type, const Conversation& conversation, const SeenMessage& message) {
    if (!begin(type, conversation, message.end)) return false;
    object_.literal("dir", direction_name(message.direction));
    object_.number("seq", message.sequence_id);
    object_.number("len", message.length);
    // An error's `message` is its text: that is what whoever looks at it wants.
    if (message.kind != PacketKind::err) object_.literal("message", message_name(message));
    if (!message.is_whole()) object_.number("captured", message.payload.size());
    return true;
  }

  void end() {
    object_.end();
    output_.end_record();
  }

  template <class List, class Flags>
  void write_flags(const char* key, const List& all, Flags flags) {
    object_.begin_list(key);
    for (const auto flag : all)
      if (flags.has(flag)) object_.item(to_string(flag));
    object_.end_list();
  }

  void write_charset(std::uint16_t id, Flavor flavor) {
    object_.string("charset", collation_name(id, flavor).empty() ? std::to_string(id)
                                                                 : collation_name(id, flavor));
  }

  void write_attributes(const ConnectionAttributes& attributes) {
    if (attributes.empty()) return;
    object_.begin_map("attrs");
    auto pairs = attributes.pairs();
    while (const auto pair = pairs.next()) object_.string(pair->key, pair->value);
    object_.end_map();
  }

  void write_column(const ColumnDefinition41& column);
  void write_value(const Value& value, const ColumnType& column);
  void write_bytes(std::string_view value, const ColumnType& column);
  void write_parameters(const char* key, ParameterList::Iterator& at, std::uint64_t count);
  void write_row(const Conversation& conversation, const SeenMessage& message);
  void write_greeting(const SeenMessage& message, const Context& context);
  void write_login(const SeenMessage& message, const Context& context);
  void write_command(const Conversation& conversation, const SeenMessage& message);
  void write_ok(const SeenMessage& message, const Context& context);
  void write_tracked(const OkPacket& ok, const Context& context);
  void write_auth_response(const Conversation& conversation, const SeenMessage& message);
  void write_event(const Conversation& conversation, const SeenMessage& message);

  bool shows_secrets() const { return options_.redact == Redact::none; }
  bool shows_values() const { return options_.redact != Redact::values; }

  FormatOptions options_;
  Output& output_;
  JsonObject object_;
  std::string converted_;
};

void JsonFormat::write_column(const ColumnDefinition41& column) {
  object_.string("name", column.column_name);
  object_.string("org_name", column.org_name);
  object_.string("table", column.table);
  object_.string("org_table", column.org_table);
  object_.string("db", column.schema);
  object_.string("type", is_known(column.type) ? to_string(column.type) : "unknown");
  write_charset(column.character_set, Flavor::mysql);
  object_.number("length", column.column_length);
  write_flags("flags", all_column_flags(), column.flags);
  object_.number("decimals", column.decimals);
  if (const auto name = column.extended.find(ExtendedMetadata::type_name))
    object_.string("extended_type", *name);
  if (const auto name = column.extended.find(ExtendedMetadata::format_name))
    object_.string("extended_format", *name);
}

void JsonFormat::write_bytes(std::string_view value, const ColumnType& column) {
  bool is_text = false;
  const std::string_view text = as_utf8(value, column, converted_, is_text);
  if (is_text) {
    append_json(output_.text(), text);
    return;
  }
  output_.text() += "{\"hex\":\"";
  append_hex(output_.text(), as_bytes(value));
  output_.text() += "\"}";
}

void JsonFormat::write_value(const Value& value, const ColumnType& column) {
  if (is_null(value)) {
    output_.text() += "null";
  } else if (!shows_values()) {
    output_.text() += "\"?\"";
  } else if (const auto* text = std::get_if<std::string_view>(&value)) {
    write_bytes(*text, column);
  } else {
    output_.text() += '"';
    append_text(output_.text(), value, column.format);
    output_.text() += '"';
  }
}

void JsonFormat::write_row(const Conversation& conversation, const SeenMessage& message) {
  const auto& columns = conversation.column_types();
  const Context& context = conversation.context();
  const bool is_text = message.kind == PacketKind::text_row;
  object_.literal("format", is_text ? "text" : "binary");
  if (!message.is_whole()) return;
  object_.begin_list("values");
  std::string& out = output_.text();
  bool ok = true;
  if (is_text) {
    // Of definitions that were not captured the number is not known: cells up to the end.
    TextRow row(message.payload, columns.empty() ? message.length : columns.size(), context);
    std::size_t index = 0;
    for (TextRow::Cell cell; (!columns.empty() || index < message.length) && row.next(cell);
         ++index) {
      object_.separate();
      if (!cell) {
        out += "null";
      } else if (!shows_values()) {
        out += "\"?\"";
      } else {
        write_bytes(*cell, index < columns.size() ? columns[index] : ColumnType{});
      }
    }
    ok = row.ok() || columns.empty();
  } else {
    static thread_local std::vector<ValueType> types;
    types.clear();
    for (const ColumnType& column : columns) types.push_back(column.type);
    BinaryRow row(message.payload, types, context);
    std::size_t index = 0;
    for (Value value; row.next(value); ++index) {
      object_.separate();
      write_value(value, columns[index]);
    }
    ok = row.ok();
    if (columns.empty() && !message.payload.empty()) {
      object_.separate();
      out += "{\"hex\":\"";
      append_hex(out, message.payload);
      out += "\"}";
      ok = true;
    }
  }
  object_.end_list();
  if (!ok) object_.boolean("malformed", true);
}

void JsonFormat::write_greeting(const SeenMessage& message, const Context& context) {
  const auto greeting = HandshakeV10::decode(message.payload, context);
  if (!greeting) return;
  object_.number("protocol", 10);
  object_.string("version", greeting->server_version);
  object_.number("thread_id", greeting->connection_id);
  write_flags("capabilities", all_capabilities(), greeting->capabilities);
  write_charset(greeting->collation, greeting->flavor());
  write_flags("status", all_status_flags(), greeting->status);
  object_.string("plugin", greeting->auth_plugin_name);
  if (shows_secrets()) object_.hex("salt_hex", greeting->salt());
}

void JsonFormat::write_login(const SeenMessage& message, const Context& context) {
  if (const auto login = HandshakeResponse41::decode(message.payload, context)) {
    object_.string("user", login->user);
    object_.string_or_null("db", login->schema);
    write_charset(login->collation, context.flavor);
    write_flags("capabilities", all_capabilities(), login->capabilities);
    object_.number("max_packet", login->max_packet_size);
    object_.string("plugin", login->auth_plugin_name);
    if (shows_secrets()) object_.hex("response_hex", login->auth_response);
    write_attributes(login->attributes);
  } else if (const auto old = HandshakeResponse320::decode(message.payload, context)) {
    object_.string("user", old->user);
    object_.string_or_null("db", old->schema);
    write_flags("capabilities", all_capabilities(), old->capabilities);
    object_.number("max_packet", old->max_packet_size);
  }
}

void JsonFormat::write_parameters(const char* key, ParameterList::Iterator& at,
                                  std::uint64_t count) {
  object_.begin_list(key);
  for (; count != 0 && !(at == std::default_sentinel); --count, ++at) {
    object_.begin_object();
    if (!at->name.empty()) object_.string("name", at->name);
    object_.string("type", to_string(at->type.type));
    object_.boolean("unsigned", at->type.is_unsigned);
    if (at->long_data) {
      object_.boolean("long_data", true);
    } else {
      object_.key("value");
      // What a client sends as text is in its character set: shown when it is UTF-8.
      const auto* text = std::get_if<std::string_view>(&at->value);
      ColumnType type{at->type, collations::utf8mb4_general_ci, {}};
      if (text != nullptr && value_shape(at->type.type) == ValueShape::bytes)
        type.type.type = FieldType::var_string;
      write_value(at->value, type);
    }
    object_.end_object();
  }
  object_.end_list();
}

void JsonFormat::write_command(const Conversation& conversation, const SeenMessage& message) {
  const Context& context = conversation.context();
  const Exchange& exchange = *message.exchange;
  object_.number("id", exchange.id);
  object_.string("command", command_name(exchange.command));
  if (exchange.statement_id) object_.number("stmt_id", *exchange.statement_id);
  if (!exchange.query.empty())
    object_.string("query", shows_values() ? std::string_view(exchange.query) : "?");
  switch (exchange.command) {
    case Command::com_query:
      if (message.query != nullptr && !message.query->attributes.empty()) {
        auto at = message.query->attributes.begin();
        write_parameters("attrs", at, message.query->attributes.size());
      }
      break;
    case Command::com_stmt_execute:
      if (message.execute != nullptr) {
        object_.number("flags", message.execute->flags.bits());
        auto at = message.execute->parameters.begin();
        write_parameters("params", at, message.execute->parameter_count);
        if (message.execute->parameters.size() > message.execute->parameter_count)
          write_parameters("attrs", at,
                           message.execute->parameters.size() - message.execute->parameter_count);
      }
      break;
    case Command::com_stmt_bulk_execute:
      if (message.bulk != nullptr) {
        object_.number("flags", message.bulk->flags.bits());
        object_.begin_list("rows");
        const std::size_t width = message.bulk->rows.column_count();
        std::size_t column = 0;
        for (auto at = message.bulk->rows.begin(); !(at == std::default_sentinel); ++at) {
          if (column == 0) object_.begin_inner_list();
          object_.separate();
          static constexpr std::string_view indicators[] = {"", "NULL", "DEFAULT", "IGNORE"};
          if (at->indicator == BulkIndicator::none || at->indicator == BulkIndicator::null) {
            ColumnType type{at.type(), collations::utf8mb4_general_ci, {}};
            write_value(at->value, type);
          } else {
            output_.text() += "{\"indicator\":\"";
            output_.text() += indicators[static_cast<std::size_t>(at->indicator)];
            output_.text() += "\"}";
          }
          if (++column == width) {
            object_.end_list();
            column = 0;
          }
        }
        object_.end_list();
      }
      break;
    case Command::com_init_db: object_.string("db", exchange.argument); break;
    case Command::com_change_user:
      if (const auto change = ComChangeUser::decode(message.payload, context)) {
        object_.string("user", change->user);
        object_.string_or_null("db", change->schema);
        object_.string("plugin", change->auth_plugin_name);
        write_attributes(change->attributes);
      }
      break;
    case Command::com_field_list:
      if (const auto list = ComFieldList::decode(message.payload, context)) {
        object_.string("table", list->table);
        object_.string("wildcard", list->wildcard);
      }
      break;
    case Command::com_process_kill:
      if (const auto kill = ComProcessKill::decode(message.payload, context))
        object_.number("thread_id", kill->connection_id);
      break;
    case Command::com_stmt_fetch:
      if (const auto fetch = ComStmtFetch::decode(message.payload, context))
        object_.number("rows", fetch->row_count);
      break;
    case Command::com_stmt_send_long_data:
      if (const auto data = ComStmtSendLongData::decode(message.payload, context)) {
        object_.number("param", data->parameter);
        object_.number("bytes", data->data.size());
      }
      break;
    case Command::com_set_option:
      if (const auto option = ComSetOption::decode(message.payload, context))
        object_.number("option", option->option);
      break;
    case Command::com_refresh:
      if (const auto refresh = ComRefresh::decode(message.payload, context))
        object_.number("flags", refresh->flags);
      break;
    case Command::com_register_slave:
      if (const auto replica = ComRegisterSlave::decode(message.payload, context)) {
        object_.number("server_id", replica->server_id);
        object_.string("host", replica->host);
        object_.string("user", replica->user);
        object_.number("port", replica->port);
      }
      break;
    case Command::com_binlog_dump:
      if (const auto dump = ComBinlogDump::decode(message.payload, context)) {
        object_.number("position", dump->position);
        object_.string("file", dump->filename);
        object_.number("flags", dump->flags.bits());
        object_.number("server_id", dump->server_id);
      }
      break;
    case Command::com_binlog_dump_gtid:
      if (const auto dump = ComBinlogDumpGtid::decode(message.payload, context)) {
        object_.number("position", dump->position);
        object_.string("file", dump->filename);
        object_.number("flags", dump->flags.bits());
        object_.number("server_id", dump->server_id);
        object_.hex("gtid", dump->gtid_set);
      }
      break;
    default: break;
  }
}

void JsonFormat::write_tracked(const OkPacket& ok, const Context& context) {
  if (ok.session_state.empty()) return;
  object_.begin_list("track");
  SessionTrackItems items(ok.session_state, context);
  while (const auto item = items.next()) {
    if (item->type == SessionTrackType::system_variables) {
      SystemVariables variables(item->data, context);
      while (const auto variable = variables.next()) {
        object_.begin_object();
        object_.string("type", to_string(item->type));
        object_.string("name", variable->name);
        object_.string("value", variable->value);
        object_.end_object();
      }
      continue;
    }
    object_.begin_object();
    const std::string_view type = to_string(item->type);
    object_.string("type", type.empty() ? "unknown" : type);
    if (const auto text = item->text(context))
      object_.string("value", *text);
    else
      object_.hex("value_hex", item->data);
    object_.end_object();
  }
  object_.end_list();
}

void JsonFormat::write_ok(const SeenMessage& message, const Context& context) {
  const auto ok = OkPacket::decode(message.payload, context);
  if (!ok) return;
  object_.number("affected", ok->affected_rows);
  object_.number("insert_id", ok->last_insert_id);
  write_flags("status", all_status_flags(), ok->status);
  object_.number("warnings", ok->warnings);
  if (!ok->info.empty()) object_.string("info", ok->info);
  write_tracked(*ok, context);
}

void JsonFormat::write_auth_response(const Conversation& conversation, const SeenMessage& message) {
  const Bytes data = message.payload;
  const std::string& plugin = conversation.plugin();
  const bool is_sha2 = plugin == "caching_sha2_password";
  const bool is_sha256 = plugin == "sha256_password";
  std::string_view what = "scramble";
  if (data.size() == 1 && ((is_sha2 && data[0] == 2) || (is_sha256 && data[0] == 1))) {
    what = "key_request";
  } else if (plugin == "mysql_clear_password" || plugin == "dialog") {
    what = "clear";
  } else if (is_sha256 || (is_sha2 && conversation.full_authentication()) ||
             (is_sha2 && data.size() >= 128)) {
    what = data.size() >= 128 && data.back() != 0 ? "rsa" : "clear";
  }
  object_.literal("what", what);
  if (shows_secrets()) object_.hex("response_hex", data);
}

void JsonFormat::write_event(const Conversation& conversation, const SeenMessage& message) {
  const auto packet =
      BinlogEventPacket::decode(message.payload, conversation.context(), conversation.semi_sync());
  if (!packet) return;
  const auto header = binlog::EventHeader::decode(packet->event, conversation.context());
  if (!header) return;
  const std::string_view name = to_string(header->type);
  object_.string("event", name.empty() ? std::to_string(static_cast<unsigned>(header->type))
                                       : std::string(name));
  object_.number("ts", header->timestamp);
  object_.number("server_id", header->server_id);
  object_.number("size", header->event_size);
  object_.number("log_pos", header->log_pos);
  object_.number("flags", header->flags);
  if (packet->semi_sync) object_.boolean("ack_wanted", packet->ack_wanted);
}

void JsonFormat::on_message(const Conversation& conversation, const SeenMessage& message) {
  const Context& context = conversation.context();
  switch (message.kind) {
    case PacketKind::text_row:
    case PacketKind::binary_row:
      if (message.exchange != nullptr && message.exchange->rows > options_.max_rows) return;
      if (!begin("row", conversation, message)) return;
      write_row(conversation, message);
      break;
    case PacketKind::greeting:
      if (!begin("greeting", conversation, message)) return;
      write_greeting(message, context);
      break;
    case PacketKind::ssl_request:
      if (!begin("ssl_request", conversation, message)) return;
      break;
    case PacketKind::handshake_response:
      if (!begin("login", conversation, message)) return;
      write_login(message, context);
      break;
    case PacketKind::old_auth_switch_request:
    case PacketKind::auth_switch_request:
    case PacketKind::auth_next_factor:
      if (!begin("auth_switch", conversation, message)) return;
      object_.string("plugin", message.kind == PacketKind::old_auth_switch_request
                                   ? "mysql_old_password"
                                   : std::string_view(conversation.plugin()));
      break;
    case PacketKind::auth_more_data:
    case PacketKind::auth_raw_data: {
      if (!begin("auth_more", conversation, message)) return;
      const Bytes data = message.payload.subspan(
          message.kind == PacketKind::auth_more_data && !message.payload.empty() ? 1 : 0);
      object_.literal("what", data.size() == 1 && data[0] == 3                 ? "fast_ok"
                              : data.size() == 1 && data[0] == 4               ? "full"
                              : as_text(data).starts_with("-----BEGIN PUBLIC") ? "public_key"
                                                                               : "data");
      break;
    }
    case PacketKind::auth_response:
      if (!begin("auth_response", conversation, message)) return;
      write_auth_response(conversation, message);
      break;
    case PacketKind::command:
      if (!begin("command", conversation, message)) return;
      write_command(conversation, message);
      break;
    case PacketKind::err: {
      if (!begin("error", conversation, message)) return;
      if (const auto err = ErrPacket::decode(message.payload, context)) {
        object_.number("code", err->code);
        object_.string("sqlstate", err->sql_state);
        object_.string("message", err->message);
      }
      break;
    }
    case PacketKind::ok:
      if (!begin("ok", conversation, message)) return;
      write_ok(message, context);
      break;
    case PacketKind::eof:
    case PacketKind::result_end:
    case PacketKind::field_list_end:
    case PacketKind::binlog_end:
      if (!begin("eof", conversation, message)) return;
      if (message.length >= 7) {
        write_ok(message, context);
      } else if (const auto eof = EofPacket::decode(message.payload, context)) {
        object_.number("warnings", eof->warnings);
        write_flags("status", all_status_flags(), eof->status);
      }
      break;
    case PacketKind::local_infile_request:
      if (!begin("local_infile", conversation, message)) return;
      if (const auto request = LocalInfileRequest::decode(message.payload, context))
        object_.string("file", request->filename);
      break;
    case PacketKind::infile_data:
    case PacketKind::infile_end:
      if (!begin("infile_data", conversation, message)) return;
      object_.number("bytes", message.length);
      break;
    case PacketKind::prepare_ok:
      if (!begin("prepare_ok", conversation, message)) return;
      if (const auto prepared = StmtPrepareOk::decode(message.payload, context)) {
        object_.number("stmt_id", prepared->statement_id);
        object_.number("params", prepared->parameter_count);
        object_.number("columns", prepared->column_count);
        object_.number("warnings", prepared->warning_count);
      }
      break;
    case PacketKind::statistics:
      if (!begin("statistics", conversation, message)) return;
      object_.string("text", as_text(message.payload));
      break;
    case PacketKind::progress:
      if (!begin("progress", conversation, message)) return;
      if (const auto report = ProgressReport::decode(message.payload, context)) {
        object_.number("stage", report->stage);
        object_.number("max_stage", report->max_stage);
        object_.number("progress", report->progress);
        object_.string("text", report->text);
      }
      break;
    case PacketKind::binlog_event:
      if (!begin("binlog_event", conversation, message)) return;
      write_event(conversation, message);
      break;
    case PacketKind::semi_sync_ack:
      if (!begin("semisync_ack", conversation, message)) return;
      if (const auto ack = SemiSyncAck::decode(message.payload, context)) {
        object_.number("position", ack->position);
        object_.string("file", ack->filename);
      }
      break;
    case PacketKind::column_count:
    case PacketKind::column_definition:
    case PacketKind::parameter_definition:
    case PacketKind::field_list_definition:  // told by on_columns()
      return;
    case PacketKind::unexpected: return;  // between places that make sense
  }
  end();
}

void JsonFormat::on_exchange(const Conversation& conversation, const Exchange& exchange) {
  if (!begin("exchange", conversation, exchange.end)) return;
  object_.number("id", exchange.id);
  object_.string("command", command_name(exchange.command));
  if (exchange.query.empty())
    object_.null("query");
  else
    object_.string("query", shows_values() ? std::string_view(exchange.query) : "?");
  if (exchange.statement_id)
    object_.number("stmt_id", *exchange.statement_id);
  else
    object_.null("stmt_id");
  object_.string("user", conversation.user());
  object_.string_or_null("db", exchange.schema);
  object_.literal("result", outcome_name(exchange.outcome));
  object_.number("rows", exchange.rows);
  object_.number("result_sets", exchange.result_sets);
  object_.number("affected", exchange.affected);
  if (exchange.outcome == Outcome::error) {
    object_.begin_map("error");
    object_.number("code", exchange.error_code);
    object_.string("sqlstate", exchange.sql_state);
    object_.string("message", exchange.error_message);
    object_.end_map();
  } else {
    object_.null("error");
  }
  object_.number("req_bytes", exchange.request_bytes);
  object_.number("resp_bytes", exchange.response_bytes);
  if (exchange.answered()) {
    object_.key("first_ms");
    append_milliseconds(output_.text(), exchange.response_begin.time - exchange.request_end.time);
    object_.key("total_ms");
    append_milliseconds(output_.text(), exchange.end.time - exchange.request_end.time);
  } else {
    object_.null("first_ms");
    object_.null("total_ms");
  }
  object_.begin_list("frames");
  object_.item(exchange.begin.frame);
  object_.item(exchange.end.frame);
  object_.end_list();
  end();
}

}  // namespace

std::unique_ptr<Format> make_json_format(const FormatOptions& options, Output& output) {
  return std::make_unique<JsonFormat>(options, output);
}

}  // namespace pcapdecode
