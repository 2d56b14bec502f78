// Which table the row events behind it are about, and how its columns are stored in them.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/field_type.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlwire::binlog {

/// How the values of one column are stored in row events. `type` is the real one: an ENUM or a SET
/// travels as a STRING and is told apart by its metadata.
struct ColumnLayout {
  FieldType type = FieldType::null;
  /// | type | meaning |
  /// |------|---------|
  /// | NEWDECIMAL | precision << 8 + scale |
  /// | BIT | number of bits |
  /// | STRING, VARCHAR | longest value in bytes |
  /// | ENUM, SET | bytes of a value |
  /// | BLOB, JSON, GEOMETRY, VECTOR | bytes of the length in front of a value |
  /// | FLOAT, DOUBLE | bytes of a value |
  /// | TIMESTAMP2, DATETIME2, TIME2 | digits behind the point |
  std::uint16_t metadata = 0;
  bool is_unsigned = false;

  friend bool operator==(const ColumnLayout&, const ColumnLayout&) = default;
};

/// Announces a table under an id, for the row events of the same statement.
///
/// | type           | field |
/// |----------------|-------|
/// | int<6>         | table_id |
/// | int<2>         | flags |
/// | int<1>         | length of schema |
/// | string<NUL>    | schema |
/// | int<1>         | length of table |
/// | string<NUL>    | table |
/// | int<lenenc>    | number of columns |
/// | string<var>    | types, one byte a column |
/// | string<lenenc> | metadata: 0, 1 or 2 bytes a column, by its type |
/// | string<var>    | null_bits: columns that can be NULL |
/// | string<EOF>    | optional_metadata, see TableMetadata |
///
/// Errors: limit_exceeded for more columns than Limits::max_columns.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Table__map__event.html
struct TableMap {
  static constexpr std::string_view name = "TABLE_MAP_EVENT";

  std::uint64_t table_id = 0;
  std::uint16_t flags = 0;
  std::string_view schema;
  std::string_view table;
  Bytes types;
  Bytes metadata;
  Bytes null_bits;
  Bytes optional_metadata;

  static Result<TableMap> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// What a field of the optional metadata is about.
enum class TableMetadataType : std::uint8_t {
  signedness = 1,
  default_charset = 2,
  column_charset = 3,
  column_name = 4,
  set_labels = 5,
  enum_labels = 6,
  geometry_type = 7,
  simple_primary_key = 8,
  primary_key_with_prefix = 9,
  enum_and_set_default_charset = 10,
  enum_and_set_column_charset = 11,
  column_visibility = 12,
  vector_dimensionality = 13,
};

/// Walks over the optional metadata: fields of type int<1>, length int<lenenc>, value.
class TableMetadata {
 public:
  struct Field {
    TableMetadataType type{};
    Bytes value;
  };

  TableMetadata(Bytes optional_metadata, const Context& context) noexcept
      : reader_(optional_metadata, TableMap::name.data(), context) {}
  /// The next field; nothing at the end or when it can't be read.
  std::optional<Field> next() noexcept;
  bool ok() const noexcept { return reader_.ok(); }

 private:
  Reader reader_;
};

/// A column of a table as its map describes it; what the map does not say is empty.
struct Column {
  ColumnLayout layout;
  bool nullable = false;
  bool in_primary_key = false;
  std::uint16_t character_set = 0;  ///< id of a collation; 0 when not told
  std::string name;
  std::vector<std::string> labels;  ///< of an ENUM or a SET
};

/// A table map that outlives its event.
struct Table {
  std::uint64_t id = 0;
  std::string schema;
  std::string name;
  std::vector<Column> columns;

  /// Errors: truncated for metadata that end early, unsupported for a type whose metadata are not
  /// known. Optional metadata that make no sense are left out. Which columns have a character set
  /// among them depends on the context's flavor.
  static Result<Table> from(const TableMap& map, const Context& context);
};

}  // namespace mysqlwire::binlog
