#include <mysqlwire/wire/column.hpp>

#include <algorithm>

namespace mysqlwire {
namespace {

/// The size of the fields from character_set to filler.
constexpr std::uint64_t fixed_fields_size = 0x0c;

std::optional<std::optional<std::string_view>> read_default(Reader& reader,
                                                            DefinitionSource source) noexcept {
  if (source == DefinitionSource::result_set) return std::nullopt;
  const auto value = reader.lenenc_bytes_or_null("default_value");
  return value ? std::optional<std::string_view>(as_text(*value)) : std::nullopt;
}

void write_default(Writer& writer, const std::optional<std::optional<std::string_view>>& value) {
  if (!value) return;
  *value ? writer.lenenc_text(**value) : writer.null();
}

/// A length byte that the old layout repeats before each field.
void expect_size(Reader& reader, std::uint8_t size, const char* field) noexcept {
  const auto start = reader.offset();
  if (reader.u8(field) != size) reader.fail_at(errc::bad_value, field, start);
}

}  // namespace

bool has_metadata_follows(const Context& context) noexcept {
  return context.capabilities.has(Capability::optional_resultset_metadata) ||
         context.capabilities.has(Capability::mariadb_cache_metadata);
}

Result<ColumnCount> ColumnCount::decode(Bytes payload, const Context& context) noexcept {
  ColumnCount message;
  const bool flagged = has_metadata_follows(context);
  // Most are a byte, and the flag another, of which nobody wants to be told.
  if (context.fields == nullptr && payload.size() == (flagged ? 2U : 1U) && payload[0] != 0 &&
      payload[0] < 0xfb && payload[0] <= context.limits.max_columns &&
      payload.back() <= (flagged ? 1 : 0xfa)) {
    message.column_count = payload[0];
    if (flagged) message.metadata_follows = static_cast<ResultsetMetadata>(payload[1]);
    return message;
  }
  Reader reader(payload, name.data(), context);
  message.column_count = reader.lenenc("column_count");
  if (reader.ok() && message.column_count == 0) reader.fail_at(errc::bad_value, "column_count", 0);
  if (message.column_count > context.limits.max_columns)
    reader.fail_at(errc::limit_exceeded, "column_count", 0);
  if (flagged) {
    const auto start = reader.offset();
    const std::uint8_t follows = reader.u8("metadata_follows");
    if (follows > 1) reader.fail_at(errc::bad_value, "metadata_follows", start);
    message.metadata_follows = static_cast<ResultsetMetadata>(follows);
  }
  return reader.finish(message);
}

void ColumnCount::encode(Writer& writer, const Context& context) const {
  writer.lenenc(column_count);
  if (has_metadata_follows(context))
    writer.u8(static_cast<std::uint8_t>(metadata_follows), "metadata_follows");
}

ExtendedMetadata::Iterator::Iterator(const ExtendedMetadata& list) noexcept
    : reader_(list.wire_, "ExtendedMetadata", {}), items_(list.items_) {
  advance();
}

void ExtendedMetadata::Iterator::advance() noexcept {
  if (!items_.empty()) {
    item_ = items_.front();
    items_ = items_.subspan(1);
    return;
  }
  at_end_ = reader_.at_end();
  if (at_end_) return;
  item_.kind = reader_.u8("kind");
  item_.text = reader_.lenenc_text("text");
  at_end_ = !reader_.ok();
}

std::optional<std::string_view> ExtendedMetadata::find(std::uint8_t kind) const noexcept {
  for (const auto& item : *this) {
    if (item.kind == kind) return item.text;
  }
  return std::nullopt;
}

ExtendedMetadata ExtendedMetadata::read(Reader& reader) noexcept {
  const auto size = reader.lenenc("extended_metadata");
  if (size > reader.left()) reader.fail(errc::truncated, "extended_metadata");
  ExtendedMetadata list;
  list.wire_ = reader.remaining().first(reader.ok() ? static_cast<std::size_t>(size) : 0);
  const auto rest = reader.left() - list.wire_.size();
  while (reader.ok() && reader.left() > rest) {
    reader.skip(1, "extended_metadata.kind");
    const auto start = reader.offset();
    (void)reader.lenenc_bytes("extended_metadata.text");
    if (reader.ok() && reader.left() < rest)
      reader.fail_at(errc::bad_value, "extended_metadata.text", start);
  }
  return list;
}

void ExtendedMetadata::write(Writer& writer) const {
  std::uint64_t size = 0;
  for (const auto& item : *this) size += 1 + lenenc_size(item.text.size()) + item.text.size();
  writer.lenenc(size);
  for (const auto& item : *this) {
    writer.u8(item.kind, "extended_metadata.kind");
    writer.lenenc_text(item.text);
  }
}

Result<ColumnDefinition41> ColumnDefinition41::decode(Bytes payload, const Context& context,
                                                      DefinitionSource source) noexcept {
  Reader reader(payload, ColumnDefinition41::name.data(), context);
  ColumnDefinition41 column;
  column.catalog = reader.lenenc_text("catalog");
  column.schema = reader.lenenc_text("schema");
  column.table = reader.lenenc_text("table");
  column.org_table = reader.lenenc_text("org_table");
  column.column_name = reader.lenenc_text("name");
  column.org_name = reader.lenenc_text("org_name");
  if (context.capabilities.has(Capability::mariadb_extended_metadata))
    column.extended = ExtendedMetadata::read(reader);
  const auto length_at = reader.offset();
  const std::uint64_t size = reader.lenenc("length");
  if (size < fixed_fields_size) reader.fail_at(errc::bad_value, "length", length_at);
  column.character_set = reader.u16("character_set");
  column.column_length = reader.u32("column_length");
  column.type = static_cast<FieldType>(reader.u8("type"));
  column.flags = ColumnFlags(reader.u16("flags"));
  column.decimals = reader.u8("decimals");
  if (reader.u16("filler") != 0) reader.note(errc::bad_value, "filler");
  if (reader.ok() && size > fixed_fields_size) {
    reader.note(errc::trailing_bytes, "length");
    reader.skip(size - fixed_fields_size, "length");
  }
  column.default_value = read_default(reader, source);
  return reader.finish(column);
}

void ColumnDefinition41::encode(Writer& writer, const Context& context) const {
  writer.lenenc_text(catalog);
  writer.lenenc_text(schema);
  writer.lenenc_text(table);
  writer.lenenc_text(org_table);
  writer.lenenc_text(column_name);
  writer.lenenc_text(org_name);
  if (context.capabilities.has(Capability::mariadb_extended_metadata)) extended.write(writer);
  writer.lenenc(fixed_fields_size);
  writer.u16(character_set, "character_set");
  writer.u32(column_length, "column_length");
  writer.u8(static_cast<std::uint8_t>(type), "type");
  writer.u16(flags.bits(), "flags");
  writer.u8(decimals, "decimals");
  writer.zeros(2);
  write_default(writer, default_value);
}

Result<ColumnDefinition320> ColumnDefinition320::decode(Bytes payload, const Context& context,
                                                        DefinitionSource source) noexcept {
  Reader reader(payload, ColumnDefinition320::name.data(), context);
  ColumnDefinition320 column;
  column.table = reader.lenenc_text("table");
  column.column_name = reader.lenenc_text("name");
  expect_size(reader, 3, "column_length");
  column.column_length = reader.u24("column_length");
  expect_size(reader, 1, "type");
  column.type = static_cast<FieldType>(reader.u8("type"));
  const bool long_flag = context.capabilities.has(Capability::long_flag);
  expect_size(reader, long_flag ? 3 : 2, "flags");
  column.flags = ColumnFlags(long_flag ? reader.u16("flags") : reader.u8("flags"));
  column.decimals = reader.u8("decimals");
  column.default_value = read_default(reader, source);
  return reader.finish(column);
}

void ColumnDefinition320::encode(Writer& writer, const Context& context) const {
  const bool long_flag = context.capabilities.has(Capability::long_flag);
  writer.lenenc_text(table);
  writer.lenenc_text(column_name);
  writer.u8(3);
  writer.u24(column_length, "column_length");
  writer.u8(1);
  writer.u8(static_cast<std::uint8_t>(type), "type");
  writer.u8(long_flag ? 3 : 2);
  long_flag ? writer.u16(flags.bits(), "flags") : writer.u8(flags.bits(), "flags");
  writer.u8(decimals, "decimals");
  write_default(writer, default_value);
}

TextFormat text_format(const ColumnDefinition41& column) noexcept {
  TextFormat format{.decimals = column.decimals};
  if (column.flags.has(ColumnFlag::zerofill))
    format.zerofill = static_cast<std::uint8_t>(std::min<std::uint32_t>(column.column_length, 255));
  return format;
}

}  // namespace mysqlwire
