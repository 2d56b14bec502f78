// What packets mean for those behind them: login, statements, columns, exchanges.
#include <mysqlwire/binlog/rows.hpp>
#include <mysqlwire/binlog/statement_events.hpp>
#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/capture/expand.hpp>
#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/com_change_user.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/handshake_response320.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/replication.hpp>

#include <algorithm>

namespace mysqlwire::capture {

namespace {

constexpr std::size_t keep_text = std::size_t{64} << 10;  // capacity of an idle exchange's strings
constexpr std::size_t max_statements = 65536;

std::uint64_t framed(const SeenMessage& message) noexcept {
  return message.length + packet_header_size * frame_count(message.length);
}

void shrink(std::string& text) {
  if (text.capacity() > keep_text) std::string().swap(text);
  text.clear();
}

}  // namespace

// --- guesses of one who came late ----------------------------------------------------------------

// Before the tracker sees a command of a connection whose login was not captured.
void Conversation::guess_dialect(const SeenMessage& message) {
  if (message.direction != Direction::to_server || tracker_.phase() != Phase::joining) return;
  guess_from_command(message);
  // Behind the first definitions stands an EOF, or the rows: that tells.
  Context other = context_;
  if (other.capabilities.has(Capability::deprecate_eof)) return;
  other.capabilities.set(Capability::deprecate_eof);
  other_dialect_ = Tracker::midstream(other);
  other_dialect_->check_sequence(false);
}

void Conversation::guess_from_command(const SeenMessage& message) {
  const Bytes payload = message.payload;
  if (payload.empty() || payload[0] != static_cast<std::uint8_t>(Command::com_query)) return;
  // Attributes: their number, and the number of sets, which is 1. No statement starts like that.
  const bool has_attributes = payload.size() > 3 && payload[1] < 0x09 && payload[2] == 0x01;
  if (has_attributes == context_.capabilities.has(Capability::query_attributes)) return;
  context_.capabilities.set(Capability::query_attributes, has_attributes);
  tracker_ = Tracker::midstream(context_);
  tracker_.check_sequence(false);
}

// What the client says in a login that can't be followed tells what it is going to speak.
bool Conversation::guess_from_login(const SeenMessage& message) {
  if (message.direction != Direction::to_server || message.payload.size() < 32) return false;
  const auto login = HandshakeResponse41::decode(message.payload, context_);
  if (!login || !login->capabilities.has(Capability::secure_connection)) return false;
  const Bytes filler = message.payload.subspan(9, 19);
  if (std::any_of(filler.begin(), filler.end(), [](std::uint8_t byte) { return byte != 0; }))
    return false;
  context_.capabilities = login->capabilities;
  context_.capabilities.clear({Capability::ssl, Capability::compress,
                               Capability::zstd_compression_algorithm,
                               Capability::optional_resultset_metadata});
  tracker_ = Tracker::midstream(context_);
  tracker_.check_sequence(false);
  user_ = login->user;
  schema_ = login->schema;
  dialect_.begin(login->collation);
  return true;
}

// --- before the observer sees it -----------------------------------------------------------------

void Conversation::before(SeenMessage& message) {
  if (message.kind != PacketKind::unexpected) recognised_ = true;
  switch (message.kind) {
    case PacketKind::greeting: take_greeting(message); break;
    case PacketKind::handshake_response: take_login(message); break;
    case PacketKind::auth_switch_request:
    case PacketKind::auth_next_factor: {
      // Both have the plugin's name behind their first byte.
      const std::string_view text = as_text(message.payload.subspan(1));
      plugin_ = text.substr(0, text.find('\0'));
      full_authentication_ = false;
      break;
    }
    case PacketKind::auth_more_data:
      full_authentication_ = message.payload.size() == 2 && message.payload[1] == 4;
      break;
    case PacketKind::command: take_command(message); return;
    default: break;
  }
  Exchange* exchange = current();
  if (exchange == nullptr) return;
  message.exchange = exchange;
  message.command = exchange->command;
  exchange->end = message.end;
  if (message.direction == Direction::to_client) {
    if (!exchange->answered()) exchange->response_begin = message.begin;
    exchange->response_bytes += framed(message);
    take_reply(message);
    if (message.kind == PacketKind::binlog_event) take_event(message);
  } else {
    exchange->request_bytes += framed(message);
  }
  if (exchange->statement_id) message.statement = known_statement(*exchange->statement_id);
}

void Conversation::take_greeting(const SeenMessage& message) {
  context_ = tracker_.context();
  const auto greeting = HandshakeV10::decode(message.payload, context_);
  if (!greeting) return;
  greeting_.emplace();
  greeting_->server_version = greeting->server_version;
  greeting_->connection_id = greeting->connection_id;
  greeting_->capabilities = greeting->capabilities;
  greeting_->collation = greeting->collation;
  greeting_->status = greeting->status;
  greeting_->auth_plugin = greeting->auth_plugin_name;
  greeting_->salt = greeting->salt();
  plugin_ = greeting->auth_plugin_name;
  dialect_.set_server(greeting_->server_version);
}

void Conversation::take_login(const SeenMessage& message) {
  context_ = tracker_.context();
  if (const auto login = HandshakeResponse41::decode(message.payload, context_)) {
    next_user_ = login->user;
    next_schema_ = login->schema;
    next_collation_ = login->collation;
    if (!login->auth_plugin_name.empty()) plugin_ = login->auth_plugin_name;
  } else if (const auto old = HandshakeResponse320::decode(message.payload, context_)) {
    next_user_ = old->user;
    next_schema_ = old->schema;
  }
  user_ = next_user_;
}

Exchange& Conversation::push_exchange() {
  if (waiting_ == exchanges_.size()) {
    std::rotate(exchanges_.begin(), exchanges_.begin() + static_cast<std::ptrdiff_t>(front_),
                exchanges_.end());
    front_ = 0;
    exchanges_.resize(std::max<std::size_t>(1, exchanges_.size() * 2));
  }
  Exchange& exchange = exchanges_[(front_ + waiting_) % exchanges_.size()];
  ++waiting_;
  return exchange;
}

void Conversation::take_command(SeenMessage& message) {
  // The tracker has it in its queue already, if there is an answer to come.
  const bool is_answered = tracker_.pending_commands() > waiting_;
  Exchange& exchange = is_answered ? push_exchange() : unanswered_;
  exchange.id = ++commands_;
  exchange.command =
      message.length == 0 ? Command::com_sleep : static_cast<Command>(message.payload[0]);
  exchange.is_complete = message.is_whole();
  exchange.reply_sequence = static_cast<std::uint8_t>(message.last_sequence_id + 1);
  exchange.query.clear();
  exchange.expanded.clear();
  exchange.argument.clear();
  exchange.statement_id.reset();
  exchange.schema = schema_;
  exchange.outcome = Outcome::none;
  exchange.rows = exchange.result_rows = exchange.affected = 0;
  exchange.result_sets = 0;
  exchange.error_code = 0;
  exchange.sql_state.clear();
  exchange.error_message.clear();
  exchange.request_bytes = framed(message);
  exchange.response_bytes = 0;
  exchange.begin = message.begin;
  exchange.request_end = exchange.end = message.end;
  exchange.response_begin = {};
  if (is_answered && waiting_ == 1) {
    next_sequence_ = exchange.reply_sequence;
    sequence_known_ = true;
  }
  message.exchange = &exchange;
  message.command = exchange.command;
  // The decoders' results live in here, behind the message's pointers.
  decode_command(message, exchange);
}

void Conversation::decode_command(SeenMessage& message, Exchange& exchange) {
  switch (exchange.command) {
    case Command::com_query: {
      const auto query = ComQuery::decode(message.payload, context_);
      if (!query) {
        if (message.is_whole())
          report(Problem::What::malformed, message.direction, query.error().offset, message.length,
                 to_string(query.error()));
        return;
      }
      query_ = *query;
      message.query = &query_;
      exchange.query = query_.query;
      if (options_.expand_parameters) exchange.expanded = query_.query;
      return;
    }
    case Command::com_stmt_prepare:
      if (message.payload.size() > 1) exchange.query = as_text(message.payload.subspan(1));
      return;
    case Command::com_init_db:
      if (message.payload.size() > 1) exchange.argument = as_text(message.payload.subspan(1));
      return;
    case Command::com_change_user:
      if (const auto change = ComChangeUser::decode(message.payload, context_)) {
        next_user_ = change->user;
        next_collation_ = change->collation;
        exchange.argument = change->schema;
        if (!change->auth_plugin_name.empty()) plugin_ = change->auth_plugin_name;
      }
      return;
    case Command::com_stmt_execute:
    case Command::com_stmt_bulk_execute:
    case Command::com_stmt_fetch:
    case Command::com_stmt_reset:
    case Command::com_stmt_close:
    case Command::com_stmt_send_long_data: decode_execute(message, exchange); return;
    default: return;
  }
}

// The statement with that id; one that is not known when its preparation was not captured.
Statement& Conversation::find_statement(std::uint32_t id) {
  if (id == last_prepared_statement) {
    // The preparation may be under way still: then all that is known is its text.
    for (std::size_t i = 0; i < waiting_; ++i) {
      const Exchange& earlier = exchanges_[(front_ + i) % exchanges_.size()];
      if (earlier.command != Command::com_stmt_prepare) continue;
      if (being_prepared_.query != earlier.query || being_prepared_.query.empty()) {
        being_prepared_ = Statement();
        being_prepared_.id = id;
        being_prepared_.query = earlier.query;
        being_prepared_.parameter_count = count_placeholders(earlier.query, dialect());
      }
      return being_prepared_;
    }
    if (last_prepared_) id = *last_prepared_;
  }
  if (const auto found = statements_.find(id); found != statements_.end()) return found->second;
  if (statements_.size() >= max_statements) statements_.clear();
  Statement& unknown = statements_[id];
  unknown.id = id;
  unknown.is_known = false;
  report(Problem::What::unknown_statement, Direction::to_server, 1, 4,
         "statement " + std::to_string(id) + " was prepared before the capture began");
  return unknown;
}

// All commands about a prepared statement.
void Conversation::decode_execute(SeenMessage& message, Exchange& exchange) {
  const auto id = read_statement_id(message.payload, context_);
  if (!id) return;
  exchange.statement_id = *id;
  Statement& statement = find_statement(*id);
  message.statement = &statement;
  exchange.query = statement.query;
  if (!message.is_whole()) return;
  if (exchange.command == Command::com_stmt_execute && statement.is_known) {
    const auto execute = ComStmtExecute::decode(message.payload, context_, statement.info());
    if (!execute) {
      report(Problem::What::malformed, message.direction, execute.error().offset, message.length,
             to_string(execute.error()));
      return;
    }
    execute_ = *execute;
    message.execute = &execute_;
    if (options_.expand_parameters) expand(statement.query, execute_, dialect(), exchange.expanded);
  } else if (exchange.command == Command::com_stmt_bulk_execute && statement.is_known) {
    const auto bulk = ComStmtBulkExecute::decode(message.payload, context_, statement.info());
    if (!bulk) {
      report(Problem::What::malformed, message.direction, bulk.error().offset, message.length,
             to_string(bulk.error()));
      return;
    }
    bulk_ = *bulk;
    message.bulk = &bulk_;
  }
}

void Conversation::take_reply(const SeenMessage& message) {
  Exchange& exchange = *current();
  switch (message.kind) {
    case PacketKind::ok:
      if (exchange.outcome == Outcome::none) exchange.outcome = Outcome::ok;
      if (const auto ok = OkPacket::decode(message.payload, context_))
        exchange.affected += ok->affected_rows;
      break;
    case PacketKind::err:
      if (!tracker_.response_complete()) break;  // about an earlier command
      if (const auto err = ErrPacket::decode(message.payload, context_)) {
        exchange.error_code = err->code;
        exchange.sql_state = err->sql_state;
        exchange.error_message = err->message;
      }
      exchange.outcome = Outcome::error;
      break;
    case PacketKind::column_count:
      exchange.outcome = Outcome::rows;
      ++exchange.result_sets;
      exchange.result_rows = 0;
      columns_.clear(DefinitionsOf::result);
      definitions_left_ = tracker_.columns();
      begin_columns(exchange);
      break;
    case PacketKind::text_row:
    case PacketKind::binary_row:
      ++exchange.result_rows;
      if (exchange.rows++ == 0 && exchange.outcome == Outcome::none) {
        exchange.outcome = Outcome::rows;  // COM_STMT_FETCH has no head
        ++exchange.result_sets;
        begin_columns(exchange);
      }
      break;
    case PacketKind::result_end:
      if (exchange.outcome == Outcome::none) exchange.outcome = Outcome::rows;
      break;
    case PacketKind::field_list_definition:
      if (exchange.outcome == Outcome::none) columns_.clear(DefinitionsOf::field_list);
      exchange.outcome = Outcome::rows;
      break;
    case PacketKind::prepare_ok: take_prepare_ok(message, exchange); break;
    case PacketKind::eof:
    case PacketKind::statistics:
    case PacketKind::field_list_end:
    case PacketKind::binlog_event:
    case PacketKind::binlog_end:
      if (exchange.outcome == Outcome::none) exchange.outcome = Outcome::ok;
      break;
    default: break;
  }
}

void Conversation::take_event(SeenMessage& message) {
  if (!message.is_whole()) return;
  const auto packet = BinlogEventPacket::decode(message.payload, context_, semi_sync_);
  if (!packet) return;
  const auto event = binlog_.take(packet->event, context_);
  if (!event) {
    report(Problem::What::malformed, message.direction, event.error().offset, message.length,
           to_string(event.error()));
    return;
  }
  event_ = *event;
  message.event = &event_;
  inflate_event(message);
}

// Row events and statements of MariaDB, whole transactions of MySQL.
void Conversation::inflate_event(SeenMessage& message) {
  const binlog::EventType type = event_.header.type;
  Bytes data;
  std::uint64_t size = 0;
  Compression compression = Compression::zlib;
  if (type == binlog::EventType::transaction_payload_event) {
    const auto payload = binlog::TransactionPayload::decode(event_.body, context_);
    if (!payload) return;
    if (payload->compression == binlog::TransactionPayload::none)
      message.inflated = payload->payload;
    if (payload->compression != binlog::TransactionPayload::zstd) return;
    compression = Compression::zstd;
    data = payload->payload;
    size = payload->size;
  } else {
    Bytes body;
    if (type == binlog::EventType::query_compressed_event) {
      if (const auto query = binlog::Query::decode(event_.body, context_))
        body = as_bytes(query->query);
    } else if (binlog::has_compressed_rows(type)) {
      if (const auto rows = binlog::RowsEvent::decode(event_.body, context_, type))
        body = rows->rows;
    }
    if (body.empty()) return;
    const auto compressed = binlog::CompressedBody::decode(body, context_);
    if (!compressed || compressed->algorithm != 0) return;
    data = compressed->data;
    size = compressed->size;
  }
  event_inflated_.clear();
  if (size <= options_.limits.max_payload &&
      toolbox_.inflate(compression, data, static_cast<std::size_t>(size), event_inflated_)) {
    message.inflated = event_inflated_;
  } else {
    report(Problem::What::undecodable, message.direction, 0, data.size(),
           "what is compressed in the event can't be inflated");
  }
}

// The statement that an answer is about, if its preparation was captured.
Statement* Conversation::known_statement(std::uint32_t id) noexcept {
  if (id == last_prepared_statement && last_prepared_) id = *last_prepared_;
  const auto found = statements_.find(id);
  return found == statements_.end() ? nullptr : &found->second;
}

// The columns of rows that come without definitions are those of the statement.
void Conversation::begin_columns(const Exchange& exchange) {
  column_types_.clear();
  if (!exchange.statement_id) return;
  const auto found = statements_.find(
      *exchange.statement_id == last_prepared_statement && last_prepared_ ? *last_prepared_
                                                                          : *exchange.statement_id);
  if (found == statements_.end()) return;
  if (exchange.command == Command::com_stmt_fetch ||
      found->second.columns.size() == tracker_.columns())
    column_types_ = found->second.columns;
}

void Conversation::take_prepare_ok(const SeenMessage& message, Exchange& exchange) {
  exchange.outcome = Outcome::ok;
  const auto prepared = StmtPrepareOk::decode(message.payload, context_);
  if (!prepared) return;
  if (statements_.size() >= max_statements) statements_.clear();
  Statement& statement = statements_[prepared->statement_id];
  statement = Statement();
  statement.id = prepared->statement_id;
  statement.query = exchange.query;
  statement.parameter_count = prepared->parameter_count;
  if (being_prepared_.query == statement.query) statement.types = being_prepared_.types;
  being_prepared_ = Statement();
  exchange.statement_id = prepared->statement_id;
  last_prepared_ = prepared->statement_id;
  const bool has_parameters = prepared->parameter_count != 0;
  columns_.clear(has_parameters ? DefinitionsOf::parameters : DefinitionsOf::statement);
  column_types_.clear();
  definitions_left_ = has_parameters ? prepared->parameter_count : prepared->column_count;
}

void Conversation::end_exchange() {
  Exchange& exchange = exchanges_[front_];
  front_ = (front_ + 1) % exchanges_.size();
  --waiting_;
  if (waiting_ != 0) {
    next_sequence_ = exchanges_[front_].reply_sequence;
    sequence_known_ = true;
  }
  emit(exchange);
}

void Conversation::emit(Exchange& exchange) {
  observer_.on_exchange(*this, exchange);
  shrink(exchange.query);
  shrink(exchange.expanded);
}

}  // namespace mysqlwire::capture
