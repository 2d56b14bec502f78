// The head of a result set: the column count and the column definitions.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/field_type.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/value.hpp>
#include <mysqlwire/wire/value_text.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

namespace mysqlwire {

/// Whether column definitions follow (RESULTSET_METADATA_*).
enum class ResultsetMetadata : std::uint8_t { none = 0, full = 1 };

/// True when ColumnCount carries the metadata_follows byte.
bool has_metadata_follows(const Context& context) noexcept;

/// The first packet of a result set.
///
///   | column_count     | int<lenenc>, 1 or more                                          |
///   | metadata_follows | 1, if CLIENT_OPTIONAL_RESULTSET_METADATA (MySQL) or             |
///   |                  | MARIADB_CLIENT_CACHE_METADATA                                   |
///
/// The published page has the two the other way round; the servers send them like this. More
/// columns than Limits::max_columns are limit_exceeded.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset.html
struct ColumnCount {
  static constexpr std::string_view name = "ColumnCount";

  std::uint64_t column_count = 0;
  ResultsetMetadata metadata_follows = ResultsetMetadata::full;

  static Result<ColumnCount> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const ColumnCount&, const ColumnCount&) = default;
};

/// One entry of MariaDB's extended metadata.
struct ExtendedMetadataItem {
  std::uint8_t kind = 0;  ///< ExtendedMetadata::type_name, format_name, or one yet unknown
  std::string_view text;

  friend bool operator==(const ExtendedMetadataItem&, const ExtendedMetadataItem&) = default;
};

/// MariaDB's extended metadata of a column, a borrowed range of items: what a decoder found on the
/// wire, or items to be sent.
///
///   | per item | kind 1, text string<lenenc> |
///
/// Source: https://mariadb.com/kb/en/result-set-packets/#column-definition-packet
class ExtendedMetadata {
 public:
  static constexpr std::uint8_t type_name = 0;    ///< "point", "inet6", "uuid" …
  static constexpr std::uint8_t format_name = 1;  ///< "json"

  class Iterator {
   public:
    using value_type = ExtendedMetadataItem;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(const ExtendedMetadata& list) noexcept;
    const ExtendedMetadataItem& operator*() const noexcept { return item_; }
    const ExtendedMetadataItem* operator->() const noexcept { return &item_; }
    Iterator& operator++() noexcept {
      advance();
      return *this;
    }
    void operator++(int) noexcept { advance(); }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept {
      return it.at_end_;
    }

   private:
    void advance() noexcept;

    Reader reader_;
    std::span<const ExtendedMetadataItem> items_;
    ExtendedMetadataItem item_;
    bool at_end_ = false;
  };

  ExtendedMetadata() noexcept = default;
  /// The items to send; they must outlive this object.
  explicit ExtendedMetadata(std::span<const ExtendedMetadataItem> items) noexcept : items_(items) {}

  Iterator begin() const noexcept { return Iterator(*this); }
  static std::default_sentinel_t end() noexcept { return {}; }
  bool empty() const noexcept { return wire_.empty() && items_.empty(); }

  /// The text of the first item of that kind.
  std::optional<std::string_view> find(std::uint8_t kind) const noexcept;

  /// Reads the block with its length; every item is checked.
  static ExtendedMetadata read(Reader& reader) noexcept;
  /// Writes the block with its length.
  void write(Writer& writer) const;

 private:
  Bytes wire_;
  std::span<const ExtendedMetadataItem> items_;
};

/// Where a column definition stands: COM_FIELD_LIST adds a default value to each.
enum class DefinitionSource : std::uint8_t { result_set, field_list };

/// Describes one column of a result set, or one parameter of a statement.
///
///   | catalog       | string<lenenc>, always "def"                                        |
///   | schema        | string<lenenc>                                                      |
///   | table         | string<lenenc>, the alias                                           |
///   | org_table     | string<lenenc>                                                      |
///   | name          | string<lenenc>, the alias                                           |
///   | org_name      | string<lenenc>                                                      |
///   | extended      | string<lenenc>, may be empty, if MARIADB_CLIENT_EXTENDED_METADATA   |
///   | length        | int<lenenc>, always 0x0c: the size of the next six fields           |
///   | character_set | 2                                                                   |
///   | column_length | 4, largest text length in bytes                                     |
///   | type          | 1                                                                   |
///   | flags         | 2                                                                   |
///   | decimals      | 1, 0x1f (MariaDB also 0x27): not fixed                              |
///   | filler        | 2, zero                                                             |
///   | default_value | string<lenenc> or 0xFB, in answers to COM_FIELD_LIST                |
///
/// A filler that is not zero and a block longer than 0x0c (its end is skipped) are notes, a shorter
/// one is bad_value. Everything borrows from the payload.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_column_definition.html
struct ColumnDefinition41 {
  static constexpr std::string_view name = "ColumnDefinition41";

  std::string_view catalog = "def";
  std::string_view schema;
  std::string_view table;
  std::string_view org_table;
  std::string_view column_name;  ///< the protocol's `name`
  std::string_view org_name;
  ExtendedMetadata extended;
  std::uint16_t character_set = 0;
  std::uint32_t column_length = 0;
  FieldType type = FieldType::null;
  ColumnFlags flags;
  std::uint8_t decimals = 0;
  /// COM_FIELD_LIST only: the default, or nothing for NULL.
  std::optional<std::optional<std::string_view>> default_value;

  static Result<ColumnDefinition41> decode(
      Bytes payload, const Context& context,
      DefinitionSource source = DefinitionSource::result_set) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// The same before the 4.1 protocol (no CLIENT_PROTOCOL_41).
///
///   | table         | string<lenenc>                                             |
///   | name          | string<lenenc>                                             |
///   | column_length | 1 (0x03), then 3                                           |
///   | type          | 1 (0x01), then 1                                           |
///   | flags         | 1 (0x03), then flags 2 and decimals 1, if CLIENT_LONG_FLAG |
///   |               | 1 (0x02), then flags 1 and decimals 1, else                |
///   | default_value | string<lenenc> or 0xFB, in answers to COM_FIELD_LIST       |
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_column_definition.html
struct ColumnDefinition320 {
  static constexpr std::string_view name = "ColumnDefinition320";

  std::string_view table;
  std::string_view column_name;  ///< the protocol's `name`
  std::uint32_t column_length = 0;
  FieldType type = FieldType::null;
  ColumnFlags flags;
  std::uint8_t decimals = 0;
  std::optional<std::optional<std::string_view>> default_value;

  static Result<ColumnDefinition320> decode(
      Bytes payload, const Context& context,
      DefinitionSource source = DefinitionSource::result_set) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// What the binary form of the column's values depends on.
template <class Definition>
ValueType value_type(const Definition& column) noexcept {
  return {column.type, column.flags.has(ColumnFlag::unsigned_)};
}

/// What the text form of the column's values depends on.
TextFormat text_format(const ColumnDefinition41& column) noexcept;

}  // namespace mysqlwire
