#include <mysqlwire/binlog/table_map.hpp>

namespace mysqlwire::binlog {

namespace {

// Reads the metadata of one column; `layout` has the type byte of the map.
void read_metadata(Reader& reader, ColumnLayout& layout) noexcept {
  const std::uint64_t start = reader.offset();
  switch (layout.type) {
    case FieldType::string: {
      const std::uint8_t first = reader.u8("metadata");
      const std::uint8_t second = reader.u8("metadata");
      // Bits 4 and 5 of the type are borrowed, inverted, for lengths above 255.
      constexpr std::uint8_t borrowed = 0x30;
      layout.type = static_cast<FieldType>(first | borrowed);
      layout.metadata = static_cast<std::uint16_t>(second | ((first & borrowed) ^ borrowed) << 4);
      const bool is_label = layout.type == FieldType::enum_ || layout.type == FieldType::set;
      if (layout.type != FieldType::string && !is_label)
        reader.fail_at(errc::unsupported, "metadata", start);
      if (is_label && (layout.metadata == 0 || layout.metadata > 8))
        reader.fail_at(errc::bad_value, "metadata", start);
      break;
    }
    case FieldType::varchar:
    case FieldType::var_string:
    case FieldType::varchar_compressed: layout.metadata = reader.u16("metadata"); break;
    case FieldType::newdecimal: {
      const std::uint8_t precision = reader.u8("precision");
      const std::uint8_t scale = reader.u8("scale");
      constexpr std::uint8_t most_digits = 65;
      if (precision > most_digits || scale > precision)
        reader.fail_at(errc::bad_value, "metadata", start);
      layout.metadata = static_cast<std::uint16_t>(precision << 8 | scale);
      break;
    }
    case FieldType::bit: {
      const std::uint8_t bits = reader.u8("bits");
      const std::uint8_t bytes = reader.u8("bytes");
      if (bits > 7 || bytes * 8 + bits > 64) reader.fail_at(errc::bad_value, "metadata", start);
      layout.metadata = static_cast<std::uint16_t>(bytes * 8 + bits);
      break;
    }
    case FieldType::tiny_blob:
    case FieldType::medium_blob:
    case FieldType::long_blob:
    case FieldType::blob:
    case FieldType::blob_compressed:
    case FieldType::json:
    case FieldType::geometry:
    case FieldType::vector:
      layout.metadata = reader.u8("metadata");
      if (reader.ok() && (layout.metadata == 0 || layout.metadata > 4))
        reader.fail_at(errc::bad_value, "metadata", start);
      break;
    case FieldType::timestamp2:
    case FieldType::datetime2:
    case FieldType::time2:
      layout.metadata = reader.u8("metadata");
      if (layout.metadata > 6) reader.fail_at(errc::bad_value, "metadata", start);
      break;
    case FieldType::float_:
    case FieldType::double_: layout.metadata = reader.u8("metadata"); break;
    case FieldType::tiny:
    case FieldType::short_:
    case FieldType::int24:
    case FieldType::long_:
    case FieldType::longlong:
    case FieldType::null:
    case FieldType::timestamp:
    case FieldType::date:
    case FieldType::time:
    case FieldType::datetime:
    case FieldType::year:
    case FieldType::newdate: break;
    default: reader.fail_at(errc::unsupported, "metadata", start); break;
  }
}

bool is_numeric(FieldType type) noexcept {
  switch (type) {
    case FieldType::tiny:
    case FieldType::short_:
    case FieldType::int24:
    case FieldType::long_:
    case FieldType::longlong:
    case FieldType::float_:
    case FieldType::double_:
    case FieldType::newdecimal: return true;
    default: return false;
  }
}

bool is_character(FieldType type) noexcept {
  switch (type) {
    case FieldType::string:
    case FieldType::varchar:
    case FieldType::var_string:
    case FieldType::tiny_blob:
    case FieldType::medium_blob:
    case FieldType::long_blob:
    case FieldType::blob:
    case FieldType::varchar_compressed:
    case FieldType::blob_compressed: return true;
    default: return false;
  }
}

// MariaDB counts GEOMETRY among them.
bool is_character_or_geometry(FieldType type) noexcept {
  return is_character(type) || type == FieldType::geometry;
}

bool is_label(FieldType type) noexcept {
  return type == FieldType::enum_ || type == FieldType::set;
}

// Puts the fields of the optional metadata at the columns that they are about.
class Describer {
 public:
  Describer(std::vector<Column>& columns, const Context& context)
      : columns_(columns),
        context_(context),
        has_charset_(context.flavor == Flavor::mariadb ? is_character_or_geometry : is_character) {}

  void take(const TableMetadata::Field& field) {
    Reader reader(field.value, TableMap::name.data(), context_);
    switch (field.type) {
      case TableMetadataType::signedness: take_signedness(field.value); break;
      case TableMetadataType::default_charset: take_default_charset(reader, has_charset_); break;
      case TableMetadataType::enum_and_set_default_charset:
        take_default_charset(reader, is_label);
        break;
      case TableMetadataType::column_charset: take_charsets(reader, has_charset_); break;
      case TableMetadataType::enum_and_set_column_charset: take_charsets(reader, is_label); break;
      case TableMetadataType::column_name:
        for (Column& column : columns_) column.name = reader.lenenc_text("name");
        break;
      case TableMetadataType::set_labels: take_labels(reader, FieldType::set); break;
      case TableMetadataType::enum_labels: take_labels(reader, FieldType::enum_); break;
      case TableMetadataType::simple_primary_key: take_key(reader, false); break;
      case TableMetadataType::primary_key_with_prefix: take_key(reader, true); break;
      default: break;
    }
  }

 private:
  // One bit a numeric column, the first is the highest of its byte.
  void take_signedness(Bytes bits) {
    std::size_t i = 0;
    for (Column& column : columns_) {
      if (!is_numeric(column.layout.type)) continue;
      if (i / 8 >= bits.size()) return;
      column.layout.is_unsigned = (bits[i / 8] >> (7 - i % 8) & 1) != 0;
      ++i;
    }
  }

  // The collation of most, then those of the others by their place among these columns.
  template <class Which>
  void take_default_charset(Reader& reader, Which which) {
    std::vector<Column*> among;
    for (Column& column : columns_)
      if (which(column.layout.type)) among.push_back(&column);
    const std::uint64_t common = reader.lenenc("charset");
    for (Column* column : among) column->character_set = static_cast<std::uint16_t>(common);
    while (reader.ok() && !reader.at_end()) {
      const std::uint64_t place = reader.lenenc("column");
      const std::uint64_t charset = reader.lenenc("charset");
      if (reader.ok() && place < among.size())
        among[place]->character_set = static_cast<std::uint16_t>(charset);
    }
  }

  template <class Which>
  void take_charsets(Reader& reader, Which which) {
    for (Column& column : columns_)
      if (which(column.layout.type) && !reader.at_end())
        column.character_set = static_cast<std::uint16_t>(reader.lenenc("charset"));
  }

  void take_labels(Reader& reader, FieldType type) {
    for (Column& column : columns_) {
      if (column.layout.type != type) continue;
      const std::uint64_t count = reader.lenenc("labels");
      if (!reader.ok() || count > reader.left() || count > labels_left_) return;
      labels_left_ -= count;
      for (std::uint64_t i = 0; i < count && reader.ok(); ++i)
        column.labels.emplace_back(reader.lenenc_text("label"));
    }
  }

  void take_key(Reader& reader, bool with_prefix) {
    while (reader.ok() && !reader.at_end()) {
      const std::uint64_t index = reader.lenenc("column");
      if (with_prefix) reader.lenenc("prefix");
      if (reader.ok() && index < columns_.size()) columns_[index].in_primary_key = true;
    }
  }

  std::vector<Column>& columns_;
  const Context& context_;
  bool (*has_charset_)(FieldType) noexcept;
  std::uint64_t labels_left_ = 1 << 17;  // twice as many as one ENUM can have
};

}  // namespace

Result<TableMap> TableMap::decode(Bytes body, const Context& context) noexcept {
  Reader reader(body, name.data(), context);
  TableMap map;
  map.table_id = reader.u48("table_id");
  map.flags = reader.u16("flags");
  map.schema = reader.text(reader.u8("schema_length"), "schema");
  reader.skip(1, "schema");
  map.table = reader.text(reader.u8("table_length"), "table");
  reader.skip(1, "table");
  const std::uint64_t count_at = reader.offset();
  const std::uint64_t count = reader.lenenc("column_count");
  if (reader.ok() && count > context.limits.max_columns)
    reader.fail_at(errc::limit_exceeded, "column_count", count_at);
  map.types = reader.bytes(count, "types");
  map.metadata = reader.lenenc_bytes("metadata");
  map.null_bits = reader.bytes((count + 7) / 8, "null_bits");
  map.optional_metadata = reader.rest("optional_metadata");
  return reader.finish(map);
}

void TableMap::encode(Writer& writer, const Context&) const {
  writer.u48(table_id, "table_id");
  writer.u16(flags, "flags");
  writer.u8(schema.size(), "schema_length");
  writer.text(schema);
  writer.zeros(1);
  writer.u8(table.size(), "table_length");
  writer.text(table);
  writer.zeros(1);
  writer.lenenc(types.size());
  writer.bytes(types);
  writer.lenenc_bytes(metadata);
  if (null_bits.size() != (types.size() + 7) / 8) writer.fail(errc::bad_value, "null_bits");
  writer.bytes(null_bits);
  writer.bytes(optional_metadata);
}

std::optional<TableMetadata::Field> TableMetadata::next() noexcept {
  if (!reader_.ok() || reader_.at_end()) return std::nullopt;
  Field field;
  field.type = static_cast<TableMetadataType>(reader_.u8("type"));
  field.value = reader_.lenenc_bytes("value");
  if (!reader_.ok()) return std::nullopt;
  return field;
}

Result<Table> Table::from(const TableMap& map, const Context& context) {
  Table table;
  table.id = map.table_id;
  table.schema = map.schema;
  table.name = map.table;
  Reader metadata(map.metadata, TableMap::name.data(), context);
  for (std::size_t i = 0; i < map.types.size(); ++i) {
    Column& column = table.columns.emplace_back();
    column.layout.type = static_cast<FieldType>(map.types[i]);
    column.nullable = i / 8 < map.null_bits.size() && (map.null_bits[i / 8] >> (i % 8) & 1) != 0;
    read_metadata(metadata, column.layout);
    if (!metadata.ok()) return metadata.error();
  }
  TableMetadata fields(map.optional_metadata, context);
  Describer describer(table.columns, context);
  while (const auto field = fields.next()) describer.take(*field);
  return table;
}

}  // namespace mysqlwire::binlog
