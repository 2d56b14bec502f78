#include <mysqlwire/binlog/rows.hpp>

#include <algorithm>
#include <bit>

namespace mysqlwire::binlog {

namespace {

bool bit(Bytes bits, std::size_t index) noexcept {
  return index / 8 < bits.size() && (bits[index / 8] >> (index % 8) & 1) != 0;
}

// How many of the first `count` bits are set.
std::size_t count_bits(Bytes bits, std::size_t count) noexcept {
  std::size_t set = 0;
  for (std::size_t i = 0; i < count; ++i) set += bit(bits, i) ? 1 : 0;
  return set;
}

bool has_extra(EventType type) noexcept {
  switch (type) {
    case EventType::write_rows_event:
    case EventType::update_rows_event:
    case EventType::delete_rows_event:
    case EventType::partial_update_rows_event: return true;
    default: return false;
  }
}

}  // namespace

RowsKind rows_kind(EventType type) noexcept {
  switch (type) {
    case EventType::write_rows_event:
    case EventType::write_rows_event_v1:
    case EventType::write_rows_compressed_event_v1: return RowsKind::write;
    case EventType::update_rows_event:
    case EventType::update_rows_event_v1:
    case EventType::update_rows_compressed_event_v1:
    case EventType::partial_update_rows_event: return RowsKind::update;
    case EventType::delete_rows_event:
    case EventType::delete_rows_event_v1:
    case EventType::delete_rows_compressed_event_v1: return RowsKind::delete_;
    default: return RowsKind::none;
  }
}

bool has_compressed_rows(EventType type) noexcept {
  return type == EventType::write_rows_compressed_event_v1 ||
         type == EventType::update_rows_compressed_event_v1 ||
         type == EventType::delete_rows_compressed_event_v1;
}

Result<RowsEvent> RowsEvent::decode(Bytes body, const Context& context, EventType type) noexcept {
  constexpr std::uint16_t length_size = 2;
  Reader reader(body, name.data(), context);
  RowsEvent event;
  event.type = type;
  const RowsKind kind = rows_kind(type);
  if (kind == RowsKind::none) reader.fail_at(errc::bad_value, "type", 0);
  event.table_id = reader.u48("table_id");
  event.flags = reader.u16("flags");
  if (has_extra(type)) {
    const std::uint64_t length_at = reader.offset();
    const std::uint16_t length = reader.u16("extra_length");
    if (reader.ok() && length < length_size)
      reader.fail_at(errc::bad_value, "extra_length", length_at);
    if (reader.ok()) event.extra = reader.bytes(length - length_size, "extra");
  }
  const std::uint64_t count_at = reader.offset();
  event.column_count = reader.lenenc("column_count");
  if (reader.ok() && event.column_count > context.limits.max_columns)
    reader.fail_at(errc::limit_exceeded, "column_count", count_at);
  const std::uint64_t bitmap = (event.column_count + 7) / 8;
  event.present = reader.bytes(bitmap, "present");
  if (kind == RowsKind::update) event.present_after = reader.bytes(bitmap, "present_after");
  event.rows = reader.rest("rows");
  return reader.finish(event);
}

void RowsEvent::encode(Writer& writer, const Context&) const {
  const std::uint64_t bitmap = (column_count + 7) / 8;
  const bool is_update = rows_kind(type) == RowsKind::update;
  if (present.size() != bitmap || present_after.size() != (is_update ? bitmap : 0))
    writer.fail(errc::bad_value, "present");
  writer.u48(table_id, "table_id");
  writer.u16(flags, "flags");
  if (has_extra(type)) {
    writer.u16(extra.size() + 2, "extra_length");
    writer.bytes(extra);
  }
  writer.lenenc(column_count);
  writer.bytes(present);
  writer.bytes(present_after);
  writer.bytes(rows);
}

RowImages::RowImages(const RowsEvent& event, Bytes rows, const Table& table,
                     const Context& context) noexcept
    : reader_(rows, RowsEvent::name.data(), context),
      table_(table),
      present_(event.present),
      present_after_(event.present_after),
      is_update_(rows_kind(event.type) == RowsKind::update),
      after_(rows_kind(event.type) == RowsKind::write) {
  if (event.type == EventType::partial_update_rows_event) reader_.fail(errc::unsupported, "rows");
  if (event.column_count != table.columns.size()) reader_.fail(errc::bad_value, "column_count");
  // Images without columns would never end.
  if (reader_.left() != 0 && count_bits(present_, table.columns.size()) == 0 &&
      count_bits(present_after_, table.columns.size()) == 0)
    reader_.fail(errc::bad_value, "present");
}

bool RowImages::next_image() noexcept {
  for (Item item; started_ && next(item);) {
  }
  if (!reader_.ok()) return false;
  const bool completes_pair = started_ && is_update_ && !after_;
  if (reader_.at_end() && !completes_pair) return false;
  if (started_ && is_update_) after_ = !after_;
  started_ = true;
  const std::size_t width = count_bits(present(), table_.columns.size());
  nulls_ = reader_.bytes((width + 7) / 8, "nulls");
  column_ = 0;
  null_bit_ = 0;
  return reader_.ok();
}

bool RowImages::next(Item& item) noexcept {
  if (!reader_.ok()) return false;
  const Bytes columns = present();
  while (column_ < table_.columns.size() && !bit(columns, column_)) ++column_;
  if (column_ == table_.columns.size()) return false;
  item.column = column_++;
  if (bit(nulls_, null_bit_++)) {
    item.value = Value{};
  } else {
    item.value = read_row_value(reader_, table_.columns[item.column].layout, scratch_, "value");
  }
  return reader_.ok();
}

}  // namespace mysqlwire::binlog
