#include <mysqlwire/wire/row_binary.hpp>

namespace mysqlwire {

BinaryRow::BinaryRow(Bytes payload, std::span<const ValueType> columns,
                     const Context& context) noexcept
    : reader_(payload, name.data(), context) {
  if (reader_.u8("header") != 0) reader_.fail_at(errc::bad_value, "header", 0);
  null_byte_ =
      reader_.bytes(NullBitmap::size(columns.size(), NullBitmap::row_offset), "null_bitmap").data();
  if (!ok()) return;
  column_ = columns.data();
  end_ = column_ + columns.size();
}

inline bool BinaryRow::take_null() noexcept {
  const bool is_null = (*null_byte_ & null_bit_) != 0;
  null_bit_ = static_cast<std::uint8_t>(null_bit_ << 1);
  if (null_bit_ == 0) {
    ++null_byte_;
    null_bit_ = 1;
  }
  return is_null;
}

bool BinaryRow::next(Value& value) noexcept {
  if (column_ == end_) return finish();
  const ValueType column = *column_++;
  if (take_null()) {
    value = {};
    return true;
  }
  return read_binary_value(reader_, column, "value", value);
}

bool BinaryRow::skip() noexcept {
  if (column_ == end_) return finish();
  const ValueType column = *column_++;
  if (!take_null()) skip_binary_value(reader_, column.type, "value");
  return ok();
}

[[gnu::noinline]] bool BinaryRow::finish() noexcept {
  if (!reader_.at_end()) {
    reader_.note(errc::trailing_bytes, "");
    (void)reader_.rest("trailing_bytes");  // said once
  }
  return false;
}

void write_binary_row(Writer& writer, std::span<const Value> values,
                      std::span<const ValueType> columns) {
  if (values.size() != columns.size()) return writer.fail(errc::missing_field, "columns");
  writer.u8(0x00, "header");
  write_null_bitmap(writer, values.size(), NullBitmap::row_offset,
                    [&](std::size_t i) { return is_null(values[i]); });
  for (std::size_t i = 0; i < values.size(); ++i)
    write_binary_value(writer, values[i], columns[i], "value");
}

}  // namespace mysqlwire
