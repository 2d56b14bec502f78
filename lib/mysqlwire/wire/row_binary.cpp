#include <mysqlwire/wire/row_binary.hpp>

namespace mysqlwire {

BinaryRow::BinaryRow(Bytes payload, std::span<const ValueType> columns,
                     const Context& context) noexcept
    : reader_(payload, name.data(), context), columns_(columns) {
  if (reader_.u8("header") != 0) reader_.fail_at(errc::bad_value, "header", 0);
  const auto bitmap =
      reader_.bytes(NullBitmap::size(columns.size(), NullBitmap::row_offset), "null_bitmap");
  nulls_ = NullBitmap(bitmap, NullBitmap::row_offset);
}

bool BinaryRow::next(Value& value) noexcept {
  if (!ok() || index_ == columns_.size()) return finish();
  const std::size_t i = index_++;
  if (nulls_.test(i)) {
    value = {};
  } else {
    read_binary_value(reader_, columns_[i], "value", value);
  }
  return ok();
}

bool BinaryRow::skip() noexcept {
  if (!ok() || index_ == columns_.size()) return finish();
  const std::size_t i = index_++;
  if (!nulls_.test(i)) skip_binary_value(reader_, columns_[i].type, "value");
  return ok();
}

bool BinaryRow::finish() noexcept {
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
