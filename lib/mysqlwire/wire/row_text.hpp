// Rows of the text protocol: a cursor over the cells, and what writes them.
#pragma once

#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/value_text.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mysqlwire {

/// Walks over the cells of one text row without allocating or copying.
///
///   | per column | string<lenenc>, or 0xFB for NULL |
///
///     TextRow row(payload, columns, context);
///     for (TextRow::Cell cell; row.next(cell);) use(cell);
///     if (!row.ok()) report(row.error());
///
/// The payload must outlive the cursor and the cells. Whether a payload is a row at all is the
/// session's to say (0xFE and 0xFF begin other packets).
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_row.html
class TextRow {
 public:
  static constexpr std::string_view name = "TextResultsetRow";

  /// The bytes of a cell; nothing for NULL.
  using Cell = std::optional<std::string_view>;

  /// `columns` is the result set's column count.
  TextRow(Bytes payload, std::uint64_t columns, const Context& context) noexcept
      : reader_(payload, name.data(), context), columns_left_(columns) {}

  /// Takes the next cell; false when there is none, or none that can be read. A row that ends
  /// early is truncated; bytes after the last cell are noted.
  bool next(Cell& cell) noexcept {
    if (columns_left_ == 0) return finish();
    --columns_left_;
    Bytes bytes;
    if (reader_.short_lenenc_bytes(bytes)) {
      cell = as_text(bytes);
    } else if (reader_.short_null()) {
      cell.reset();
    } else {
      return next_long(cell);
    }
    return true;
  }

  /// Cells not taken yet.
  std::uint64_t columns_left() const noexcept { return columns_left_; }
  bool ok() const noexcept { return reader_.ok(); }
  /// Only meaningful when !ok().
  Error error() const noexcept { return reader_.error(); }

 private:
  bool next_long(Cell& cell) noexcept;
  bool finish() noexcept;

  Reader reader_;
  std::uint64_t columns_left_;
};

/// Appends one cell.
inline void write_text_cell(Writer& writer, const TextRow::Cell& cell) {
  cell ? writer.lenenc_text(*cell) : writer.null();
}

/// Appends one cell with the printed form of a value.
void write_text_cell(Writer& writer, const Value& value, const TextFormat& format);

/// Appends a whole row.
void write_text_row(Writer& writer, std::span<const TextRow::Cell> cells);

/// Appends a whole row of typed values, each with the format of its column; the spans are equally
/// long, else missing_field.
void write_text_row(Writer& writer, std::span<const Value> values,
                    std::span<const TextFormat> formats);

}  // namespace mysqlwire
