// Rows of the binary protocol: a cursor over the values, and what writes them. The NULL bitmap.
#pragma once

#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/value.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mysqlwire {

/// The bits that say which values of a row or of a parameter list are NULL and so have no bytes.
/// Value i has bit i + offset; the offset is 2 in rows and 0 in parameters.
class NullBitmap {
 public:
  static constexpr unsigned row_offset = 2;
  static constexpr unsigned parameter_offset = 0;

  /// Bytes for so many values. Can't wrap for any count that a Limits allows.
  static constexpr std::uint64_t size(std::uint64_t count, unsigned offset) noexcept {
    return (count + offset + 7) / 8;
  }

  NullBitmap() noexcept = default;
  NullBitmap(Bytes bytes, unsigned offset) noexcept : bytes_(bytes), offset_(offset) {}

  /// False behind the end of the bitmap.
  bool test(std::size_t index) const noexcept {
    const std::size_t bit = index + offset_;
    return bit / 8 < bytes_.size() && ((bytes_[bit / 8] >> (bit % 8)) & 1) != 0;
  }

 private:
  Bytes bytes_;
  unsigned offset_ = 0;
};

/// Appends the bitmap of `count` values, of which `is_null(i)` says whether they are NULL.
template <class IsNull>
void write_null_bitmap(Writer& writer, std::size_t count, unsigned offset, IsNull is_null) {
  unsigned byte = 0;
  std::size_t bit = offset;
  for (std::size_t i = 0; i < count; ++i, ++bit) {
    if (bit != offset && bit % 8 == 0) {
      writer.u8(byte);
      byte = 0;
    }
    if (is_null(i)) byte |= 1U << (bit % 8);
  }
  if (NullBitmap::size(count, offset) != 0) writer.u8(byte);
}

/// Walks over the values of one binary row without allocating or copying.
///
///   | header      | 1, always 0x00                                              |
///   | null_bitmap | (columns + 7 + 2) / 8, column i at bit i + 2                |
///   | values      | the columns that are not NULL, each as read_binary_value has it |
///
///     BinaryRow row(payload, types, context);
///     for (Value value; row.next(value);) use(value);
///     if (!row.ok()) report(row.error());
///
/// The payload and the types must outlive the cursor, the payload also the values.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html
class BinaryRow {
 public:
  static constexpr std::string_view name = "BinaryResultsetRow";

  /// `columns`: the result set's column types (value_type of each definition). A payload without
  /// header or with a bitmap that is too short makes a cursor that is not ok().
  BinaryRow(Bytes payload, std::span<const ValueType> columns, const Context& context) noexcept;
  BinaryRow(Bytes, std::vector<ValueType>&&, const Context&) = delete;  // would dangle

  /// Takes the next value; false when there is none, or none that can be read. A row that ends
  /// early is truncated; bytes after the last value are noted.
  bool next(Value& value) noexcept;
  /// Steps over the next value without decoding it; false as with next().
  bool skip() noexcept;

  std::size_t columns_left() const noexcept { return static_cast<std::size_t>(end_ - column_); }
  bool ok() const noexcept { return reader_.ok(); }
  /// Only meaningful when !ok().
  Error error() const noexcept { return reader_.error(); }

 private:
  /// The next column's bit of the bitmap.
  bool take_null() noexcept;
  bool finish() noexcept;

  Reader reader_;
  // The columns that were not taken yet; none without a bitmap that has them all.
  const ValueType* column_ = nullptr;
  const ValueType* end_ = nullptr;
  const std::uint8_t* null_byte_ = nullptr;
  std::uint8_t null_bit_ = 1U << NullBitmap::row_offset;
};

/// Appends a whole row. The spans are equally long, else missing_field; a value that is not of its
/// column's kind is bad_value.
void write_binary_row(Writer& writer, std::span<const Value> values,
                      std::span<const ValueType> columns);

}  // namespace mysqlwire
