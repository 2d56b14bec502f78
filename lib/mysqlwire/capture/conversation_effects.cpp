// What a packet that was read changes for those behind it: columns, statements, schema, status.
#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/session_track.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace mysqlwire::capture {

namespace {

bool equals_no_case(std::string_view text, std::string_view lower) noexcept {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}

bool contains_no_case(std::string_view text, std::string_view lower) noexcept {
  for (std::size_t i = 0; i + lower.size() <= text.size(); ++i)
    if (equals_no_case(text.substr(i, lower.size()), lower)) return true;
  return false;
}

// The schema of "USE schema"; empty for any other statement.
std::string_view used_schema(std::string_view query) noexcept {
  constexpr std::string_view blanks = " \t\r\n";
  const auto trim = [&](std::string_view text) {
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return std::string_view{};
    return text.substr(begin, text.find_last_not_of(" \t\r\n;") + 1 - begin);
  };
  const std::string_view text = trim(query.substr(0, 512));
  if (text.size() < 5 || !equals_no_case(text.substr(0, 3), "use") ||
      (blanks.find(text[3]) == std::string_view::npos && text[3] != '`'))
    return {};
  std::string_view schema = trim(text.substr(3));
  if (schema.size() >= 2 && schema.front() == '`' && schema.back() == '`')
    schema = schema.substr(1, schema.size() - 2);
  return schema;
}

}  // namespace

void Conversation::after(const SeenMessage& message) {
  switch (message.kind) {
    case PacketKind::ssl_request: tls_ = toolbox_.tls(); break;
    case PacketKind::column_definition:
    case PacketKind::parameter_definition:
    case PacketKind::field_list_definition: take_definition(message); break;
    case PacketKind::field_list_end: observer_.on_columns(*this, message, columns_); break;
    case PacketKind::ok:
    case PacketKind::result_end:
    case PacketKind::eof: take_ok(message); break;
    case PacketKind::err: ++errors_; break;
    case PacketKind::command: {
      remember_types(message);
      if (message.exchange == &unanswered_) emit(unanswered_);
      return;
    }
    default: break;
  }
  if (message.exchange != nullptr && message.direction == Direction::to_client &&
      tracker_.response_complete() && waiting_ > tracker_.pending_commands())
    end_exchange();
}

void Conversation::take_definition(const SeenMessage& message) {
  columns_.add(message.payload);
  const auto column = ColumnDefinition41::decode(message.payload, context_,
                                                 message.kind == PacketKind::field_list_definition
                                                     ? DefinitionSource::field_list
                                                     : DefinitionSource::result_set);
  ColumnType type;
  if (column) {
    type = {value_type(*column), column->character_set, text_format(*column)};
  } else if (message.is_whole() && context_.capabilities.has(Capability::protocol_41)) {
    report(Problem::What::malformed, message.direction, column.error().offset, message.length,
           to_string(column.error()));
  }
  if (column_types_.size() + 1 == columns_.size() || columns_.size() == 1) {
    if (columns_.size() == 1) column_types_.clear();
    column_types_.push_back(type);
  }
  if (message.kind == PacketKind::field_list_definition || definitions_left_ == 0 ||
      --definitions_left_ != 0)
    return;
  observer_.on_columns(*this, message, columns_);
  const Exchange* exchange = message.exchange;
  if (exchange == nullptr || !exchange->statement_id) return;
  const auto found =
      statements_.find(*exchange->statement_id == last_prepared_statement && last_prepared_
                           ? *last_prepared_
                           : *exchange->statement_id);
  if (found == statements_.end()) return;
  if (columns_.of() != DefinitionsOf::parameters) {
    found->second.columns = column_types_;
  } else {
    columns_.clear(DefinitionsOf::statement);
    definitions_left_ = tracker_.columns();
  }
}

// What the server says of the session.
void Conversation::take_ok(const SeenMessage& message) {
  const bool is_login = message.exchange == nullptr && message.kind == PacketKind::ok;
  const Exchange* exchange = message.exchange;
  if (is_login) {
    user_ = next_user_;
    schema_ = next_schema_;
    dialect_.begin(next_collation_);
    const Capabilities agreed = context_.capabilities;
    if (agreed.has(Capability::compress)) {
      compression_ = Compression::zlib;
    } else if (agreed.has(Capability::zstd_compression_algorithm)) {
      compression_ = Compression::zstd;
    }
  } else if (exchange != nullptr && message.kind == PacketKind::ok) {
    take_schema_change(*exchange);
  }
  if (message.payload.size() < 7) return;  // an EOF
  const auto ok = OkPacket::decode(message.payload, context_);
  if (!ok || ok->session_state.empty()) return;
  SessionTrackItems items(ok->session_state, context_);
  while (const auto item = items.next()) {
    if (item->type == SessionTrackType::schema) {
      if (const auto schema = item->text(context_)) schema_ = *schema;
    } else if (item->type == SessionTrackType::system_variables) {
      SystemVariables variables(item->data, context_);
      while (const auto variable = variables.next())
        dialect_.on_variable(variable->name, variable->value);
    }
  }
}

void Conversation::take_schema_change(const Exchange& exchange) {
  switch (exchange.command) {
    case Command::com_init_db: schema_ = exchange.argument; break;
    case Command::com_change_user:
      user_ = next_user_;
      schema_ = exchange.argument;
      dialect_.begin(next_collation_);
      statements_.clear();
      break;
    case Command::com_reset_connection:
      dialect_.reset();
      statements_.clear();
      break;
    case Command::com_query:
      if (const std::string_view schema = used_schema(exchange.query); !schema.empty())
        schema_ = schema;
      dialect_.on_statement(exchange.query);
      if (contains_no_case(std::string_view(exchange.query).substr(0, 256), "rpl_semi_sync_"))
        semi_sync_ = contains_no_case(exchange.query, "set ") &&
                     exchange.query.find('1') != std::string::npos;
      break;
    default: break;
  }
}

// The types that an execution brought count for the next one; its long data is used up.
void Conversation::remember_types(const SeenMessage& message) {
  if (!message.exchange->statement_id) return;
  if (message.statement == nullptr) return;
  // It points at one of ours.
  Statement& statement =
      message.statement == &being_prepared_ ? being_prepared_ : statements_[message.statement->id];
  switch (*message.command) {
    case Command::com_stmt_execute:
      if (message.execute != nullptr && message.execute->new_params_bind_flag &&
          statement.parameter_count != 0) {
        std::vector<ValueType> types;
        std::size_t left = statement.parameter_count;
        for (const Parameter& parameter : message.execute->parameters) {
          if (left-- == 0) break;
          types.push_back(parameter.type);
        }
        statement.types = std::move(types);
      }
      statement.long_data.clear();
      break;
    case Command::com_stmt_bulk_execute:
      if (message.bulk != nullptr) {
        statement.types.clear();
        auto types = message.bulk->rows.types();
        for (std::size_t i = 0; i < message.bulk->rows.column_count(); ++i)
          statement.types.push_back(types.next().type);
      }
      break;
    case Command::com_stmt_send_long_data:
      if (const auto data = ComStmtSendLongData::decode(message.payload, context_)) {
        const std::size_t byte = data->parameter / 8U;
        if (statement.long_data.size() <= byte) statement.long_data.resize(byte + 1);
        statement.long_data[byte] =
            static_cast<std::uint8_t>(statement.long_data[byte] | 1U << (data->parameter % 8));
      }
      break;
    case Command::com_stmt_reset: statement.long_data.clear(); break;
    case Command::com_stmt_close: statements_.erase(statement.id); break;
    default: break;
  }
}

// --- exchanges -----------------------------------------------------------------------------------

}  // namespace mysqlwire::capture
