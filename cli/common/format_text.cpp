// One line a message.
#include "cli/common/binlog_text.hpp"
#include "cli/common/format.hpp"
#include "cli/common/text.hpp"

#include <mysqlwire/binlog/gtid_events.hpp>
#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/replication.hpp>
#include <mysqlwire/wire/row_binary.hpp>
#include <mysqlwire/wire/row_text.hpp>

#include <ctime>

namespace cli {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

constexpr std::size_t longest_value = 80;  // of a row's value, in bytes
constexpr std::size_t longest_sql = 2000;

class TextFormat final : public Format {
 public:
  TextFormat(const FormatOptions& options, Output& output) : options_(options), output_(output) {}

  void on_connection(const Conversation& conversation) override {
    begin(conversation, conversation.first(), ' ', "connection");
    text() += capture::to_string(conversation.client());
    text() += " > ";
    text() += capture::to_string(conversation.server());
    if (!conversation.from_start()) text() += "  already open when the capture began";
    if (!conversation.proxy_header().empty()) {
      text() += "  PROXY ";
      append_printable(text(), conversation.proxy_header());
    }
    end();
  }

  void on_tls(const Conversation& conversation, const TlsInfo& info,
              const Origin& origin) override {
    begin(conversation, origin, ' ', "TLS");
    append_printable(text(), info.version);
    text() += ' ';
    append_printable(text(), info.cipher);
    if (!info.server_name.empty()) {
      text() += "  SNI ";
      append_printable(text(), info.server_name);
    }
    if (!info.certificate.empty()) {
      text() += "  certificate ";
      append_printable(text(), info.certificate);
    }
    text() += info.decrypted ? "  decrypted" : "  not decrypted";
    end();
  }

  void on_end(const Conversation& conversation, TcpStream::End how) override {
    begin(conversation, conversation.last(), ' ', "end");
    text() += end_name(how);
    count(conversation.commands(), "command");
    count(conversation.errors(), "error");
    end();
  }

  void on_problem(const Conversation& conversation, const Problem& problem,
                  const Origin& origin) override {
    const char arrow = !problem.direction                           ? ' '
                       : *problem.direction == Direction::to_server ? '>'
                                                                    : '<';
    if (options_.colour) text() += "\x1b[31m";
    begin(conversation, origin, arrow, "problem");
    text() += capture::to_string(problem.what);
    text() += ": ";
    append_printable(text(), problem.note);
    if (problem.bytes != 0) count(problem.bytes, "byte");
    end();
  }

  void on_columns(const Conversation& conversation, const SeenMessage& last,
                  const Definitions& definitions) override {
    if (options_.every_message) return;
    static constexpr std::string_view names[] = {"Columns", "Parameters", "Columns", "FieldList"};
    begin(conversation, last.end, '<', names[static_cast<std::size_t>(definitions.of())],
          last.sequence_id);
    append_number(text(), definitions.size());
    const bool is_field_list = definitions.of() == DefinitionsOf::field_list;
    for (std::size_t i = 0; i < definitions.size(); ++i) {
      const auto column = ColumnDefinition41::decode(
          definitions[i], conversation.context(),
          is_field_list ? DefinitionSource::field_list : DefinitionSource::result_set);
      if (!column) continue;
      text() += i == 0 ? ": " : ", ";
      append_printable(text(), column->column_name);
      text() += ' ';
      const std::string_view type = to_string(column->type);
      text() += type.starts_with("MYSQL_TYPE_") ? type.substr(11) : "?";
    }
    end();
  }

  void on_message(const Conversation& conversation, const SeenMessage& message) override;

  void on_exchange(const Conversation&, const Exchange&) override {}

 private:
  std::string& text() { return output_.text(); }

  void begin(const Conversation& conversation, const Origin& origin, char arrow,
             std::string_view name, int sequence_id = -1) {
    append_clock(origin.time);
    text() += "  #";
    append_number(text(), conversation.id());
    text() += ' ';
    text() += arrow;
    text() += ' ';
    if (sequence_id >= 0) {
      if (sequence_id < 100) text() += sequence_id < 10 ? "  " : " ";
      append_number(text(), static_cast<std::uint64_t>(sequence_id));
    } else {
      text() += "   ";
    }
    text() += "  ";
    if (options_.colour) text() += "\x1b[1m";
    text() += name;
    if (options_.colour) text() += "\x1b[22m";
    text() += ' ';
  }

  // UTC, so that the output does not depend on where it is made.
  void append_clock(std::int64_t nanoseconds) {
    const std::time_t seconds = nanoseconds / 1'000'000'000;
    if (seconds != last_second_ || day_.empty()) {
      std::tm broken{};
      char buffer[40];
      if (::gmtime_r(&seconds, &broken) == nullptr ||
          std::strftime(buffer, sizeof buffer, "%F %T", &broken) == 0)
        buffer[0] = '\0';
      day_ = buffer;
      last_second_ = seconds;
    }
    text() += day_;
    scratch_.clear();
    append_seconds(scratch_, nanoseconds, options_.digits);
    text() += scratch_.substr(scratch_.find('.'));
  }

  void end() {
    while (text().back() == ' ') text().pop_back();
    if (options_.colour) text() += "\x1b[0m";
    text() += '\n';
    output_.end_record();
  }

  void count(std::uint64_t number, std::string_view what) {
    text() += "  ";
    append_number(text(), number);
    text() += ' ';
    text() += what;
    if (number != 1) text() += 's';
  }

  void fact(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    text() += ' ';
    text() += name;
    text() += '=';
    append_printable(text(), value);
  }

  void sql(std::string_view statement) {
    if (statement.empty()) return;
    if (options_.redact == Redact::values) {
      text() += '?';
      return;
    }
    append_printable(text(), statement.substr(0, longest_sql));
    if (statement.size() > longest_sql) {
      text() += "… (";
      append_number(text(), statement.size());
      text() += " bytes)";
    }
  }

  void value(std::string_view bytes, const ColumnType& column) {
    bool is_text = false;
    const std::string_view shown = as_utf8(bytes, column, converted_, is_text);
    if (!is_text) {
      text() += "0x";
      append_hex(text(), as_bytes(bytes.substr(0, longest_value / 2)));
      if (bytes.size() > longest_value / 2) text() += "…";
      return;
    }
    text() += '"';
    append_printable(text(), shown.substr(0, longest_value));
    text() += shown.size() > longest_value ? "…\"" : "\"";
  }

  void value(const Value& value_, const ColumnType& column) {
    if (is_null(value_)) {
      text() += "NULL";
    } else if (options_.redact == Redact::values) {
      text() += '?';
    } else if (const auto* bytes = std::get_if<std::string_view>(&value_)) {
      value(*bytes, column);
    } else {
      append_text(text(), value_, column.format);
    }
  }

  void row(const Conversation& conversation, const SeenMessage& message);
  void command(const SeenMessage& message, const Context& context);
  void ok(const SeenMessage& message, const Context& context);
  void dump(Bytes bytes);

  FormatOptions options_;
  Output& output_;
  std::string scratch_;
  std::string converted_;
  std::string day_;
  std::vector<ValueType> types_;
  std::time_t last_second_ = 0;
};

void TextFormat::row(const Conversation& conversation, const SeenMessage& message) {
  const auto& columns = conversation.column_types();
  if (!message.is_whole()) return;
  bool first = true;
  const auto separate = [&] {
    if (!first) text() += ", ";
    first = false;
  };
  if (message.kind == PacketKind::text_row) {
    TextRow cells(message.payload, columns.empty() ? message.length : columns.size(),
                  conversation.context());
    std::size_t i = 0;
    for (TextRow::Cell cell; cells.next(cell); ++i) {
      separate();
      if (!cell) {
        text() += "NULL";
      } else if (options_.redact == Redact::values) {
        text() += '?';
      } else {
        value(*cell, i < columns.size() ? columns[i] : ColumnType{});
      }
    }
  } else {
    types_.clear();
    for (const ColumnType& column : columns) types_.push_back(column.type);
    BinaryRow values(message.payload, types_, conversation.context());
    std::size_t i = 0;
    for (Value each; values.next(each); ++i) {
      separate();
      value(each, columns[i]);
    }
    if (columns.empty()) count(message.length, "byte");
  }
}

void TextFormat::command(const SeenMessage& message, const Context& context) {
  const Exchange& exchange = *message.exchange;
  if (exchange.statement_id) {
    text() += "stmt ";
    append_number(text(), *exchange.statement_id);
    text() += ' ';
  }
  sql(exchange.query);
  switch (exchange.command) {
    case Command::com_init_db:
    case Command::com_change_user: fact("db", exchange.argument); break;
    case Command::com_field_list:
      if (const auto list = ComFieldList::decode(message.payload, context))
        fact("table", list->table);
      break;
    case Command::com_stmt_fetch:
      if (const auto fetch = ComStmtFetch::decode(message.payload, context))
        count(fetch->row_count, "row");
      break;
    case Command::com_stmt_send_long_data:
      if (const auto data = ComStmtSendLongData::decode(message.payload, context)) {
        text() += " parameter ";
        append_number(text(), data->parameter);
        count(data->data.size(), "byte");
      }
      break;
    case Command::com_binlog_dump:
      if (const auto binlog = ComBinlogDump::decode(message.payload, context)) {
        fact("file", binlog->filename);
        fact("position", std::to_string(binlog->position));
      }
      break;
    case Command::com_binlog_dump_gtid:
      if (const auto binlog = ComBinlogDumpGtid::decode(message.payload, context)) {
        fact("file", binlog->filename);
        fact("position", std::to_string(binlog->position));
        if (const auto gtids =
                mysqlwire::binlog::PreviousGtids::decode(binlog->gtid_set, context)) {
          scratch_.clear();
          gtids->append_text(scratch_);
          fact("gtid", scratch_);
        }
      }
      break;
    case Command::com_register_slave:
      if (const auto replica = ComRegisterSlave::decode(message.payload, context)) {
        fact("server_id", std::to_string(replica->server_id));
        fact("host", replica->host);
        fact("port", std::to_string(replica->port));
      }
      break;
    case Command::com_stmt_execute: {
      if (message.execute == nullptr || message.execute->parameters.empty()) break;
      text() += " (";
      bool first = true;
      for (const Parameter& parameter : message.execute->parameters) {
        if (!first) text() += ", ";
        first = false;
        if (parameter.long_data) {
          text() += "long data";
          continue;
        }
        ColumnType type{parameter.type, 45, {}};
        if (value_shape(parameter.type.type) == ValueShape::bytes)
          type.type.type = FieldType::var_string;
        value(parameter.value, type);
      }
      text() += ')';
      break;
    }
    default: break;
  }
}

void TextFormat::ok(const SeenMessage& message, const Context& context) {
  const auto packet = OkPacket::decode(message.payload, context);
  if (!packet) return;
  if (packet->affected_rows != 0) fact("affected", std::to_string(packet->affected_rows));
  if (packet->last_insert_id != 0) fact("insert_id", std::to_string(packet->last_insert_id));
  if (packet->warnings != 0) fact("warnings", std::to_string(packet->warnings));
  fact("info", packet->info);
}

void TextFormat::dump(Bytes bytes) {
  constexpr std::size_t width = 16;
  constexpr std::size_t most = 1024;
  for (std::size_t at = 0; at < bytes.size() && at < most; at += width) {
    const Bytes line = bytes.subspan(at, std::min(width, bytes.size() - at));
    char offset[16];
    std::snprintf(offset, sizeof offset, "    %04zx  ", at);
    text() += offset;
    for (const std::uint8_t byte : line) {
      append_hex(text(), Bytes(&byte, 1));
      text() += ' ';
    }
    text().append(3 * (width - line.size()) + 1, ' ');
    for (const std::uint8_t byte : line)
      text() += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
    text() += '\n';
  }
  if (bytes.size() > most) text() += "    …\n";
}

// Packets whose bytes are hidden with the secrets in them.
bool holds_secrets(const SeenMessage& message) {
  switch (message.kind) {
    case PacketKind::greeting:
    case PacketKind::handshake_response:
    case PacketKind::auth_switch_request:
    case PacketKind::auth_next_factor:
    case PacketKind::auth_more_data:
    case PacketKind::auth_raw_data:
    case PacketKind::auth_response: return true;
    case PacketKind::command:
      return message.command == Command::com_change_user ||
             message.command == Command::com_register_slave;
    default: return false;
  }
}

// Likewise with the values in them. What could not be understood may hold any.
bool holds_values(const SeenMessage& message) {
  switch (message.kind) {
    case PacketKind::text_row:
    case PacketKind::binary_row:
    case PacketKind::infile_data:
    case PacketKind::err:
    case PacketKind::binlog_event:
    case PacketKind::unexpected: return true;
    case PacketKind::command: break;
    default: return false;
  }
  switch (*message.command) {
    case Command::com_query:
    case Command::com_stmt_prepare:
    case Command::com_stmt_execute:
    case Command::com_stmt_bulk_execute:
    case Command::com_stmt_send_long_data: return true;
    default: return to_string(*message.command).empty();
  }
}

void TextFormat::on_message(const Conversation& conversation, const SeenMessage& message) {
  const Context& context = conversation.context();
  switch (message.kind) {
    case PacketKind::column_count:
    case PacketKind::column_definition:
    case PacketKind::parameter_definition:
    case PacketKind::field_list_definition:
    case PacketKind::unexpected:
      if (!options_.every_message) return;
      break;
    case PacketKind::text_row:
    case PacketKind::binary_row:
      if (message.exchange != nullptr && message.exchange->rows > options_.max_rows) return;
      break;
    default: break;
  }
  begin(conversation, message.end, message.direction == Direction::to_server ? '>' : '<',
        message_name(message), message.sequence_id);
  switch (message.kind) {
    case PacketKind::greeting:
      if (const auto& greeting = conversation.greeting()) {
        append_printable(text(), greeting->server_version);
        fact("thread", std::to_string(greeting->connection_id));
        fact("plugin", greeting->auth_plugin);
      }
      break;
    case PacketKind::handshake_response:
      fact("user", conversation.user());
      if (const auto login = HandshakeResponse41::decode(message.payload, context)) {
        fact("db", login->schema);
        fact("plugin", login->auth_plugin_name);
        if (const auto name = login->attributes.find("_client_name")) fact("client", *name);
      }
      break;
    case PacketKind::auth_switch_request:
    case PacketKind::auth_next_factor: fact("plugin", conversation.plugin()); break;
    case PacketKind::command: command(message, context); break;
    case PacketKind::text_row:
    case PacketKind::binary_row: row(conversation, message); break;
    case PacketKind::ok: ok(message, context); break;
    case PacketKind::result_end:
      if (message.length >= 7) ok(message, context);
      if (message.exchange != nullptr) count(message.exchange->result_rows, "row");
      break;
    case PacketKind::err:
      if (const auto err = ErrPacket::decode(message.payload, context)) {
        append_number(text(), err->code);
        if (!err->sql_state.empty()) {
          text() += " (";
          append_printable(text(), err->sql_state);
          text() += ')';
        }
        text() += ' ';
        append_printable(text(), options_.redact == Redact::values ? without_quoted(err->message)
                                                                   : std::string(err->message));
      }
      break;
    case PacketKind::prepare_ok:
      if (const auto prepared = StmtPrepareOk::decode(message.payload, context)) {
        text() += "stmt ";
        append_number(text(), prepared->statement_id);
        count(prepared->parameter_count, "parameter");
        count(prepared->column_count, "column");
      }
      break;
    case PacketKind::local_infile_request:
      if (const auto request = LocalInfileRequest::decode(message.payload, context))
        fact("file", request->filename);
      break;
    case PacketKind::infile_data:
    case PacketKind::infile_end: count(message.length, "byte"); break;
    case PacketKind::statistics: append_printable(text(), as_text(message.payload)); break;
    case PacketKind::binlog_event:
      if (message.event != nullptr) {
        text() += event_name(message.event->header.type);
        fact("size", std::to_string(message.event->header.event_size));
        fact("log_pos", std::to_string(message.event->header.log_pos));
        if (message.event->checksum && !message.event->checksum_ok) fact("checksum", "wrong");
        append_event_facts(text(), conversation, message, options_.redact != Redact::values);
      }
      break;
    case PacketKind::semi_sync_ack:
      if (const auto ack = SemiSyncAck::decode(message.payload, context)) {
        fact("file", ack->filename);
        fact("position", std::to_string(ack->position));
      }
      break;
    default: break;
  }
  if (!message.is_whole()) text() += "  [cut]";
  end();
  if (!options_.bytes) return;
  if (options_.redact != Redact::none && holds_secrets(message))
    text() += "    (hidden: salts, answers to them and passwords)\n";
  else if (options_.redact == Redact::values && holds_values(message))
    text() += "    (hidden: values)\n";
  else
    dump(message.payload);
}

}  // namespace

std::unique_ptr<Format> make_text_format(const FormatOptions& options, Output& output) {
  return std::make_unique<TextFormat>(options, output);
}

}  // namespace cli
