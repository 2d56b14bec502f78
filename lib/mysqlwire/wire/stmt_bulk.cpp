#include <mysqlwire/wire/command_detail.hpp>
#include <mysqlwire/wire/stmt_bulk.hpp>

namespace mysqlwire {

BulkRows::Iterator::Iterator(const BulkRows& rows) noexcept
    : rows_(&rows),
      types_(rows.types_.cursor()),
      wire_(rows.wire_, "BulkRows", {}),
      to_send_(rows.to_send_) {
  advance();
}

void BulkRows::Iterator::advance() noexcept {
  at_end_ = rows_->column_count_ == 0 || (to_send_.empty() && wire_.at_end());
  if (at_end_) return;
  if (column_ == rows_->column_count_) {  // the next row begins with the first type again
    column_ = 0;
    types_ = rows_->types_.cursor();
  }
  ++column_;
  type_ = types_.next().type;
  if (!to_send_.empty()) {
    parameter_ = to_send_.front();
    to_send_ = to_send_.subspan(1);
    return;
  }
  parameter_ = {static_cast<BulkIndicator>(wire_.u8("indicator")), {}};
  if (parameter_.indicator == BulkIndicator::none)
    parameter_.value = read_binary_value(wire_, type_, "value");
}

BulkRows BulkRows::read(Reader& reader, std::size_t column_count, ParameterTypes types) noexcept {
  BulkRows rows;
  const Bytes all = reader.remaining();
  while (column_count > 0 && !reader.at_end()) {
    auto row_types = types.cursor();
    for (std::size_t i = 0; i < column_count && reader.ok(); ++i) {
      const FieldType type = row_types.next().type.type;
      const auto indicator_at = reader.offset();
      const std::uint8_t indicator = reader.u8("indicator");
      if (indicator > static_cast<std::uint8_t>(BulkIndicator::ignore))
        reader.fail_at(errc::bad_value, "indicator", indicator_at);
      if (reader.ok() && indicator == 0) skip_binary_value(reader, type, "value");
    }
  }
  if (!reader.ok()) return rows;
  rows.column_count_ = column_count;
  rows.types_ = types;
  rows.wire_ = all;
  return rows;
}

void BulkRows::write(Writer& writer) const {
  if (column_count_ == 0 || to_send_.size() % column_count_ != 0)
    return writer.fail(errc::missing_field, "rows");
  writer.bytes(wire_);
  if (to_send_.empty()) return;
  for (auto it = begin(); it != end() && writer.ok(); ++it) {
    if (it->indicator > BulkIndicator::ignore) return writer.fail(errc::bad_value, "indicator");
    writer.u8(static_cast<std::uint8_t>(it->indicator), "indicator");
    if (it->indicator != BulkIndicator::none) continue;
    // A row has no other way to say NULL than its indicator.
    if (is_null(it->value)) return writer.fail(errc::bad_value, "value");
    write_binary_value(writer, it->value, it.type(), "value");
  }
}

Result<ComStmtBulkExecute> ComStmtBulkExecute::decode(Bytes payload, const Context& context,
                                                      const StatementInfo& statement) noexcept {
  Reader reader(payload, name.data(), context);
  ComStmtBulkExecute message;
  detail::read_command(reader, Command::com_stmt_bulk_execute);
  message.statement_id = reader.u32("statement_id");
  const auto flags_at = reader.offset();
  message.flags = BulkFlags(reader.u16("flags"));
  const std::uint64_t count = statement.parameter_count;
  if (count == 0) reader.fail(errc::bad_value, "parameter_count");
  if (count > context.limits.max_parameters) reader.fail(errc::limit_exceeded, "parameter_count");

  ParameterTypes types;
  if (message.flags.has(BulkFlag::send_types_to_server)) {
    types = ParameterTypes::read(reader, count, false);
  } else if (statement.types.size() < count) {
    reader.fail_at(errc::missing_field, "parameter_types", flags_at);
  } else {
    types = ParameterTypes(statement.types.first(static_cast<std::size_t>(count)));
  }
  if (reader.ok()) message.rows = BulkRows::read(reader, static_cast<std::size_t>(count), types);
  return reader.finish(message);
}

void ComStmtBulkExecute::encode(Writer& writer, const Context&) const {
  detail::write_command(writer, Command::com_stmt_bulk_execute);
  writer.u32(statement_id, "statement_id");
  writer.u16(flags.bits(), "flags");
  if (flags.has(BulkFlag::send_types_to_server)) {
    auto types = rows.types();
    for (std::size_t i = 0; i < rows.column_count(); ++i)
      ParameterTypes::write(writer, types.next(), false);
  }
  rows.write(writer);
}

}  // namespace mysqlwire
