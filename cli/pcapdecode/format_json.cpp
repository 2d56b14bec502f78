// JSON lines: one for each message, exchange and problem. What messages have for members is in
// json_*.cpp.
#include "cli/common/text.hpp"
#include "cli/pcapdecode/format.hpp"
#include "cli/pcapdecode/json_messages.hpp"

#include <mysqlwire/wire/admin.hpp>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

class JsonFormat final : public Format {
 public:
  JsonFormat(const FormatOptions& options, Output& output) : json_(options), output_(output) {}

  void on_connection(const Conversation& conversation) override {
    if (!begin("connection", conversation, conversation.first())) return;
    json_.string("client", to_string(conversation.client()));
    json_.string("server", to_string(conversation.server()));
    json_.string("start", conversation.from_start() ? "syn" : "midstream");
    if (!conversation.proxy_header().empty()) json_.string("proxy", conversation.proxy_header());
    end();
  }

  void on_tls(const Conversation& conversation, const TlsInfo& info,
              const Origin& origin) override {
    if (!begin("tls", conversation, origin)) return;
    json_.string("version", info.version);
    json_.string("cipher", info.cipher);
    if (!info.server_name.empty()) json_.string("sni", info.server_name);
    if (!info.certificate.empty()) json_.string("certificate", info.certificate);
    json_.boolean("decrypted", info.decrypted);
    end();
  }

  void on_end(const Conversation& conversation, TcpStream::End how) override {
    if (!begin("connection_end", conversation, conversation.last())) return;
    json_.string("how", end_name(how));
    json_.number("commands", conversation.commands());
    json_.number("errors", conversation.errors());
    json_.number("bytes_c2s", conversation.bytes(Direction::to_server));
    json_.number("bytes_s2c", conversation.bytes(Direction::to_client));
    end();
  }

  void on_problem(const Conversation& conversation, const Problem& problem,
                  const Origin& origin) override {
    if (!begin("problem", conversation, origin)) return;
    if (problem.direction) json_.string("dir", direction_name(*problem.direction));
    json_.string("what", capture::to_string(problem.what));
    json_.number("offset", problem.offset);
    json_.number("bytes", problem.bytes);
    json_.string("note", problem.note);
    end();
  }

  void on_columns(const Conversation& conversation, const SeenMessage& last,
                  const Definitions& definitions) override {
    if (!begin("columns", conversation, last)) return;
    write_columns(json_, conversation, definitions);
    end();
  }

  void on_message(const Conversation& conversation, const SeenMessage& message) override;
  void on_exchange(const Conversation& conversation, const Exchange& exchange) override;

 private:
  const FormatOptions& options() const { return json_.options(); }

  bool begin(const char* type, const Conversation& conversation, const Origin& origin) {
    if (!options().types.empty() && !options().types.contains(type)) return false;
    json_.begin();
    json_.string("type", type);
    json_.number("frame", origin.frame);
    text_.clear();
    append_seconds(text_, origin.time, options().digits);
    json_.string("t", text_);
    json_.number("stream", conversation.id());
    return true;
  }

  bool begin(const char* type, const Conversation& conversation, const SeenMessage& message) {
    if (!begin(type, conversation, message.end)) return false;
    json_.string("dir", direction_name(message.direction));
    json_.number("seq", message.sequence_id);
    json_.number("len", message.length);
    if (message.kind != PacketKind::err) json_.string("message", message_name(message));
    if (!message.is_whole()) json_.number("captured", message.payload.size());
    return true;
  }

  void end() {
    json_.end(output_.text());
    output_.end_record();
  }

  void milliseconds(std::int64_t nanoseconds) {
    text_.clear();
    append_milliseconds(text_, nanoseconds);
    json_.item_raw(text_);
  }

  JsonWriter json_;
  Output& output_;
  std::string text_;
};

void JsonFormat::on_message(const Conversation& conversation, const SeenMessage& message) {
  const Context& context = conversation.context();
  switch (message.kind) {
    case PacketKind::text_row:
    case PacketKind::binary_row:
      if (message.exchange != nullptr && message.exchange->rows > options().max_rows) return;
      if (!begin("row", conversation, message)) return;
      write_row(json_, conversation, message);
      break;
    case PacketKind::greeting:
      if (!begin("greeting", conversation, message)) return;
      write_greeting(json_, message, context);
      break;
    case PacketKind::ssl_request:
      if (!begin("ssl_request", conversation, message)) return;
      break;
    case PacketKind::handshake_response:
      if (!begin("login", conversation, message)) return;
      write_login(json_, message, context);
      break;
    case PacketKind::old_auth_switch_request:
    case PacketKind::auth_switch_request:
    case PacketKind::auth_next_factor:
      if (!begin("auth_switch", conversation, message)) return;
      json_.string("plugin", message.kind == PacketKind::old_auth_switch_request
                                 ? "mysql_old_password"
                                 : std::string_view(conversation.plugin()));
      break;
    case PacketKind::auth_more_data:
    case PacketKind::auth_raw_data:
      if (!begin("auth_more", conversation, message)) return;
      write_auth_more(json_, message);
      break;
    case PacketKind::auth_response:
      if (!begin("auth_response", conversation, message)) return;
      write_auth_response(json_, conversation, message);
      break;
    case PacketKind::command:
      if (!begin("command", conversation, message)) return;
      write_command(json_, conversation, message);
      break;
    case PacketKind::err:
      if (!begin("error", conversation, message)) return;
      write_error(json_, message, context);
      break;
    case PacketKind::ok:
      if (!begin("ok", conversation, message)) return;
      write_ok(json_, message, context);
      break;
    case PacketKind::eof:
    case PacketKind::result_end:
    case PacketKind::field_list_end:
    case PacketKind::binlog_end:
      if (!begin("eof", conversation, message)) return;
      write_end(json_, message, context);
      break;
    case PacketKind::local_infile_request:
      if (!begin("local_infile", conversation, message)) return;
      if (const auto request = LocalInfileRequest::decode(message.payload, context))
        json_.string("file", request->filename);
      break;
    case PacketKind::infile_data:
    case PacketKind::infile_end:
      if (!begin("infile_data", conversation, message)) return;
      json_.number("bytes", message.length);
      break;
    case PacketKind::prepare_ok:
      if (!begin("prepare_ok", conversation, message)) return;
      write_prepare_ok(json_, message, context);
      break;
    case PacketKind::statistics:
      if (!begin("statistics", conversation, message)) return;
      json_.string("text", as_text(message.payload));
      break;
    case PacketKind::progress:
      if (!begin("progress", conversation, message)) return;
      write_progress(json_, message, context);
      break;
    case PacketKind::binlog_event:
      if (!begin("binlog_event", conversation, message)) return;
      write_event(json_, conversation, message);
      break;
    case PacketKind::semi_sync_ack:
      if (!begin("semisync_ack", conversation, message)) return;
      write_semi_sync_ack(json_, message, context);
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
  json_.number("id", exchange.id);
  json_.string("command", command_name(exchange.command));
  if (exchange.query.empty())
    json_.null("query");
  else
    json_.statement("query", exchange.query);
  if (exchange.statement_id)
    json_.number("stmt_id", *exchange.statement_id);
  else
    json_.null("stmt_id");
  json_.string("user", conversation.user());
  json_.string_or_null("db", exchange.schema);
  json_.string("result", outcome_name(exchange.outcome));
  json_.number("rows", exchange.rows);
  json_.number("result_sets", exchange.result_sets);
  json_.number("affected", exchange.affected);
  if (exchange.outcome == Outcome::error) {
    json_.begin_object("error");
    json_.number("code", exchange.error_code);
    json_.string("sqlstate", exchange.sql_state);
    json_.string("message", json_.shows_values() ? exchange.error_message
                                                 : without_quoted(exchange.error_message));
    json_.end_object();
  } else {
    json_.null("error");
  }
  json_.number("req_bytes", exchange.request_bytes);
  json_.number("resp_bytes", exchange.response_bytes);
  if (exchange.answered()) {
    json_.key("first_ms");
    milliseconds(exchange.response_begin.time - exchange.request_end.time);
    json_.key("total_ms");
    milliseconds(exchange.end.time - exchange.request_end.time);
  } else {
    json_.null("first_ms");
    json_.null("total_ms");
  }
  json_.begin_list("frames");
  json_.item(exchange.begin.frame);
  json_.item(exchange.end.frame);
  json_.end_list();
  end();
}

}  // namespace

std::unique_ptr<Format> make_json_format(const FormatOptions& options, Output& output) {
  return std::make_unique<JsonFormat>(options, output);
}

}  // namespace pcapdecode
