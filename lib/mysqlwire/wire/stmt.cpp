#include <mysqlwire/wire/command_detail.hpp>
#include <mysqlwire/wire/stmt.hpp>

namespace mysqlwire {
namespace {

/// Reads what COM_STMT_CLOSE and COM_STMT_RESET are made of.
template <class Message>
Result<Message> decode_id_only(Bytes payload, const Context& context, Command command) noexcept {
  Reader reader(payload, Message::name.data(), context);
  Message message;
  detail::read_command(reader, command);
  message.statement_id = reader.u32("statement_id");
  return reader.finish(message);
}

bool has_parameter_block(const ComStmtExecute& message, bool attributes) noexcept {
  return message.parameter_count > 0 ||
         (attributes && message.flags.has(ExecuteFlag::parameter_count_available));
}

}  // namespace

Result<std::uint32_t> read_statement_id(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_STMT", context);
  reader.skip(1, "command");
  const std::uint32_t id = reader.u32("statement_id");
  if (!reader.ok()) return reader.error();
  return id;
}

Result<ComStmtPrepare> ComStmtPrepare::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, name.data(), context);
  ComStmtPrepare message;
  detail::read_command(reader, Command::com_stmt_prepare);
  message.query = reader.rest_text("query");
  return reader.finish(message);
}

void ComStmtPrepare::encode(Writer& writer, const Context&) const {
  detail::write_command(writer, Command::com_stmt_prepare);
  writer.text(query);
}

Result<StmtPrepareOk> StmtPrepareOk::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, name.data(), context);
  StmtPrepareOk message;
  if (reader.u8("status") != 0) reader.fail_at(errc::bad_value, "status", 0);
  message.statement_id = reader.u32("statement_id");
  message.column_count = reader.u16("column_count");
  message.parameter_count = reader.u16("parameter_count");
  reader.skip(1, "filler");
  if (reader.at_end()) {
    reader.note(errc::missing_field, "warning_count");
    return reader.finish(message);
  }
  message.warning_count = reader.u16("warning_count");
  if (!context.capabilities.has(Capability::optional_resultset_metadata))
    return reader.finish(message);
  if (reader.ok() && reader.at_end()) {
    reader.note(errc::missing_field, "metadata_follows");
  } else {
    const auto start = reader.offset();
    const std::uint8_t follows = reader.u8("metadata_follows");
    if (follows > 1) reader.fail_at(errc::bad_value, "metadata_follows", start);
    message.metadata_follows = static_cast<ResultsetMetadata>(follows);
  }
  return reader.finish(message);
}

void StmtPrepareOk::encode(Writer& writer, const Context& context) const {
  writer.u8(0x00, "status");
  writer.u32(statement_id, "statement_id");
  writer.u16(column_count, "column_count");
  writer.u16(parameter_count, "parameter_count");
  writer.zeros(1);
  writer.u16(warning_count, "warning_count");
  if (context.capabilities.has(Capability::optional_resultset_metadata))
    writer.u8(static_cast<std::uint8_t>(metadata_follows), "metadata_follows");
}

Result<ComStmtExecute> ComStmtExecute::decode(Bytes payload, const Context& context,
                                              const StatementInfo& statement) noexcept {
  Reader reader(payload, name.data(), context);
  const bool attributes = context.capabilities.has(Capability::query_attributes);
  ComStmtExecute message;
  detail::read_command(reader, Command::com_stmt_execute);
  message.statement_id = reader.u32("statement_id");
  message.flags = ExecuteFlags(reader.u8("flags"));
  message.iteration_count = reader.u32("iteration_count");
  message.new_params_bind_flag = false;
  message.parameter_count = statement.parameter_count;
  if (!has_parameter_block(message, attributes)) return reader.finish(message);

  const auto count_at = reader.offset();
  std::uint64_t count = statement.parameter_count;
  if (attributes) count = reader.lenenc("parameter_count");
  if (count < statement.parameter_count)
    reader.fail_at(errc::bad_value, "parameter_count", count_at);
  if (count > context.limits.max_parameters)
    reader.fail_at(errc::limit_exceeded, "parameter_count", count_at);
  if (reader.ok() && count > 0)
    message.parameters =
        ParameterList::read(reader, count, attributes, statement, message.new_params_bind_flag);
  return reader.finish(message);
}

void ComStmtExecute::encode(Writer& writer, const Context& context) const {
  const bool attributes = context.capabilities.has(Capability::query_attributes);
  const bool block = has_parameter_block(*this, attributes);
  // Parameters that the receiver would not look for, or not find.
  if (parameters.size() < parameter_count) writer.fail(errc::missing_field, "parameters");
  if (attributes && !block && !parameters.empty()) writer.fail(errc::bad_value, "flags");
  detail::write_command(writer, Command::com_stmt_execute);
  writer.u32(statement_id, "statement_id");
  writer.u8(flags.bits(), "flags");
  writer.u32(iteration_count, "iteration_count");
  if (!block) return;
  if (attributes) writer.lenenc(parameters.size());
  const std::size_t count =
      attributes ? parameters.size() : static_cast<std::size_t>(parameter_count);
  parameters.write(writer, count, attributes, new_params_bind_flag);
}

Result<ComStmtSendLongData> ComStmtSendLongData::decode(Bytes payload,
                                                        const Context& context) noexcept {
  Reader reader(payload, name.data(), context);
  ComStmtSendLongData message;
  detail::read_command(reader, Command::com_stmt_send_long_data);
  message.statement_id = reader.u32("statement_id");
  message.parameter = reader.u16("parameter");
  message.data = reader.rest_text("data");
  return reader.finish(message);
}

void ComStmtSendLongData::encode(Writer& writer, const Context&) const {
  detail::write_command(writer, Command::com_stmt_send_long_data);
  writer.u32(statement_id, "statement_id");
  writer.u16(parameter, "parameter");
  writer.text(data);
}

Result<ComStmtClose> ComStmtClose::decode(Bytes payload, const Context& context) noexcept {
  return decode_id_only<ComStmtClose>(payload, context, Command::com_stmt_close);
}

void ComStmtClose::encode(Writer& writer, const Context&) const {
  detail::write_command(writer, Command::com_stmt_close);
  writer.u32(statement_id, "statement_id");
}

Result<ComStmtReset> ComStmtReset::decode(Bytes payload, const Context& context) noexcept {
  return decode_id_only<ComStmtReset>(payload, context, Command::com_stmt_reset);
}

void ComStmtReset::encode(Writer& writer, const Context&) const {
  detail::write_command(writer, Command::com_stmt_reset);
  writer.u32(statement_id, "statement_id");
}

Result<ComStmtFetch> ComStmtFetch::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, name.data(), context);
  ComStmtFetch message;
  detail::read_command(reader, Command::com_stmt_fetch);
  message.statement_id = reader.u32("statement_id");
  message.row_count = reader.u32("row_count");
  return reader.finish(message);
}

void ComStmtFetch::encode(Writer& writer, const Context&) const {
  detail::write_command(writer, Command::com_stmt_fetch);
  writer.u32(statement_id, "statement_id");
  writer.u32(row_count, "row_count");
}

}  // namespace mysqlwire
