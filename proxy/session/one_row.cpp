#include "proxy/session/one_row.hpp"

#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/query.hpp>
#include <mysqlwire/wire/row_text.hpp>

namespace mysqlproxy {

using mysqlwire::PacketKind;

mysqlwire::Buffer query_payload(std::string_view text, const mysqlwire::Context& context) {
  mysqlwire::Buffer payload;
  mysqlwire::Writer writer(payload);
  mysqlwire::ComQuery query;
  query.query = text;
  query.encode(writer, context);
  return payload;
}

void OneRow::take(PacketKind kind, mysqlwire::Bytes payload) {
  if (kind == PacketKind::column_definition) {
    const auto column = mysqlwire::ColumnDefinition41::decode(payload, context_);
    if (column) values_.push_back({column->type, column->flags, std::nullopt});
  } else if (kind == PacketKind::text_row && texts_.empty()) {
    mysqlwire::TextRow cells(payload, values_.size(), context_);
    for (mysqlwire::TextRow::Cell cell; cells.next(cell);)
      texts_.push_back(cell ? std::optional<std::string>(*cell) : std::nullopt);
  }
}

std::span<const lending::ReportedValue> OneRow::values() {
  if (texts_.size() != values_.size()) values_.clear();
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (texts_[i]) values_[i].text = *texts_[i];
  }
  return values_;
}

}  // namespace mysqlproxy
