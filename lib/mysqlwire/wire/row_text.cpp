#include <mysqlwire/wire/row_text.hpp>

namespace mysqlwire {

bool TextRow::next_long(Cell& cell) noexcept {
  const auto bytes = reader_.lenenc_bytes_or_null("cell");
  cell = bytes ? Cell(as_text(*bytes)) : std::nullopt;
  return reader_.ok();
}

bool TextRow::finish() noexcept {
  if (!reader_.at_end()) {
    reader_.note(errc::trailing_bytes, "");
    (void)reader_.rest("trailing_bytes");  // said once
  }
  return false;
}

void write_text_cell(Writer& writer, const Value& value, const TextFormat& format) {
  if (is_null(value)) return writer.null();
  ValueText scratch;
  writer.lenenc_text(to_text(value, format, scratch));
}

void write_text_row(Writer& writer, std::span<const TextRow::Cell> cells) {
  for (const auto& cell : cells) write_text_cell(writer, cell);
}

void write_text_row(Writer& writer, std::span<const Value> values,
                    std::span<const TextFormat> formats) {
  if (values.size() != formats.size()) return writer.fail(errc::missing_field, "formats");
  for (std::size_t i = 0; i < values.size(); ++i) write_text_cell(writer, values[i], formats[i]);
}

}  // namespace mysqlwire
