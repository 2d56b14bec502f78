// Commands as JSON.
#include "cli/common/text.hpp"
#include "cli/pcapdecode/json_messages.hpp"

#include <mysqlwire/binlog/gtid_events.hpp>
#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/collation.hpp>
#include <mysqlwire/wire/com_change_user.hpp>
#include <mysqlwire/wire/replication.hpp>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

void write_parameters(JsonWriter& json, const char* key, ParameterList::Iterator& at,
                      std::uint64_t count) {
  json.begin_list(key);
  for (; count != 0 && !(at == std::default_sentinel); --count, ++at) {
    json.begin_object();
    if (!at->name.empty()) json.string("name", at->name);
    json.string("type", to_string(at->type.type));
    json.boolean("unsigned", at->type.is_unsigned);
    if (at->long_data) {
      json.boolean("long_data", true);
    } else {
      json.key("value");
      json.parameter(at->value, at->type);
    }
    json.end_object();
  }
  json.end_list();
}

void write_bulk(JsonWriter& json, const ComStmtBulkExecute& bulk) {
  json.number("flags", bulk.flags.bits());
  json.begin_list("rows");
  const std::size_t width = bulk.rows.column_count();
  std::size_t column = 0;
  for (auto at = bulk.rows.begin(); !(at == std::default_sentinel); ++at) {
    if (column == 0) json.begin_list();
    static constexpr std::string_view indicators[] = {"", "NULL", "DEFAULT", "IGNORE"};
    if (at->indicator == BulkIndicator::none || at->indicator == BulkIndicator::null) {
      json.value(at->value, {at.type(), collations::utf8mb4_general_ci, {}});
    } else {
      json.begin_object();
      json.string("indicator", indicators[static_cast<std::size_t>(at->indicator)]);
      json.end_object();
    }
    if (++column == width) {
      json.end_list();
      column = 0;
    }
  }
  if (column != 0) json.end_list();
  json.end_list();
}

void write_execute(JsonWriter& json, const ComStmtExecute& execute) {
  json.number("flags", execute.flags.bits());
  auto at = execute.parameters.begin();
  write_parameters(json, "params", at, execute.parameter_count);
  if (execute.parameters.size() > execute.parameter_count)
    write_parameters(json, "attrs", at, execute.parameters.size() - execute.parameter_count);
}

void write_replica_command(JsonWriter& json, const SeenMessage& message, const Context& context) {
  switch (*message.command) {
    case Command::com_register_slave:
      if (const auto replica = ComRegisterSlave::decode(message.payload, context)) {
        json.number("server_id", replica->server_id);
        json.string("host", replica->host);
        json.string("user", replica->user);
        json.number("port", replica->port);
      }
      break;
    case Command::com_binlog_dump:
      if (const auto dump = ComBinlogDump::decode(message.payload, context)) {
        json.number("position", dump->position);
        json.string("file", dump->filename);
        json.number("flags", dump->flags.bits());
        json.number("server_id", dump->server_id);
      }
      break;
    case Command::com_binlog_dump_gtid:
      if (const auto dump = ComBinlogDumpGtid::decode(message.payload, context)) {
        json.number("position", dump->position);
        json.string("file", dump->filename);
        json.number("flags", dump->flags.bits());
        json.number("server_id", dump->server_id);
        if (const auto gtids = binlog::PreviousGtids::decode(dump->gtid_set, context)) {
          std::string text;
          gtids->append_text(text);
          json.string("gtid", text);
        } else {
          json.hex("gtid_hex", dump->gtid_set);
        }
      }
      break;
    default: break;
  }
}

}  // namespace

void write_command(JsonWriter& json, const Conversation& conversation, const SeenMessage& message) {
  const Context& context = conversation.context();
  const Exchange& exchange = *message.exchange;
  json.number("id", exchange.id);
  json.string("command", command_name(exchange.command));
  if (exchange.statement_id) json.number("stmt_id", *exchange.statement_id);
  if (!exchange.query.empty()) json.statement("query", exchange.query);
  switch (exchange.command) {
    case Command::com_query:
      if (message.query != nullptr && !message.query->attributes.empty()) {
        auto at = message.query->attributes.begin();
        write_parameters(json, "attrs", at, message.query->attributes.size());
      }
      break;
    case Command::com_stmt_execute:
      if (message.execute != nullptr) write_execute(json, *message.execute);
      break;
    case Command::com_stmt_bulk_execute:
      if (message.bulk != nullptr) write_bulk(json, *message.bulk);
      break;
    case Command::com_init_db: json.string("db", exchange.argument); break;
    case Command::com_change_user:
      if (const auto change = ComChangeUser::decode(message.payload, context)) {
        json.string("user", change->user);
        json.string_or_null("db", change->schema);
        json.string("plugin", change->auth_plugin_name);
        json.attributes(change->attributes);
      }
      break;
    case Command::com_field_list:
      if (const auto list = ComFieldList::decode(message.payload, context)) {
        json.string("table", list->table);
        json.string("wildcard", list->wildcard);
      }
      break;
    case Command::com_process_kill:
      if (const auto kill = ComProcessKill::decode(message.payload, context))
        json.number("thread_id", kill->connection_id);
      break;
    case Command::com_stmt_fetch:
      if (const auto fetch = ComStmtFetch::decode(message.payload, context))
        json.number("rows", fetch->row_count);
      break;
    case Command::com_stmt_send_long_data:
      if (const auto data = ComStmtSendLongData::decode(message.payload, context)) {
        json.number("param", data->parameter);
        json.number("bytes", data->data.size());
      }
      break;
    case Command::com_set_option:
      if (const auto option = ComSetOption::decode(message.payload, context))
        json.number("option", option->option);
      break;
    case Command::com_refresh:
      if (const auto refresh = ComRefresh::decode(message.payload, context))
        json.number("flags", refresh->flags);
      break;
    case Command::com_register_slave:
    case Command::com_binlog_dump:
    case Command::com_binlog_dump_gtid: write_replica_command(json, message, context); break;
    default: break;
  }
}

}  // namespace pcapdecode
