// Events with the rows of a table that were written, updated or deleted.
#pragma once

#include <mysqlwire/binlog/event.hpp>
#include <mysqlwire/binlog/row_value.hpp>
#include <mysqlwire/binlog/table_map.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/value.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mysqlwire::binlog {

/// What a row event did to its rows.
enum class RowsKind : std::uint8_t { none, write, update, delete_ };

/// none for every event that is no row event.
RowsKind rows_kind(EventType type) noexcept;

/// True for MariaDB's row events whose rows are a CompressedBody.
bool has_compressed_rows(EventType type) noexcept;

/// The rows of one table that one statement changed, or a part of them.
///
/// | type        | field |
/// |-------------|-------|
/// | int<6>      | table_id |
/// | int<2>      | flags |
/// | int<2>      | length of extra, these two bytes included; not in the _V1 events |
/// | string<var> | extra |
/// | int<lenenc> | column_count |
/// | string<var> | present: bits of the columns that the (first) images have |
/// | string<var> | present_after: of the second images; UPDATE only |
/// | string<EOF> | rows: images one after the other, in pairs for UPDATE; see RowImages |
///
/// A table_id of 0xffffff comes without rows: it ends a statement. In a PARTIAL_UPDATE_ROWS_EVENT
/// the second images have diffs of JSON documents, which RowImages does not read.
///
/// Errors: limit_exceeded for more columns than Limits::max_columns; bad_value for a type that is
/// no row event.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Rows__event.html
/// and https://mariadb.com/kb/en/rows_event_v1v2-rows_compressed_event_v1/
struct RowsEvent {
  static constexpr std::string_view name = "ROWS_EVENT";
  static constexpr std::uint16_t statement_end = 0x0001;

  EventType type = EventType::write_rows_event;
  std::uint64_t table_id = 0;
  std::uint16_t flags = 0;
  Bytes extra;
  std::uint64_t column_count = 0;
  Bytes present;
  Bytes present_after;
  Bytes rows;

  static Result<RowsEvent> decode(Bytes body, const Context& context, EventType type) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// Walks over the images of rows and their values.
///
///     RowImages images(event, event.rows, table, context);
///     while (images.next_image())
///       for (RowImages::Item item; images.next(item);) use(images.is_after(), item);
///     if (!images.ok()) report(images.error());
///
/// `rows` are those of the event, or what a CompressedBody in their place inflates to; they and the
/// table must outlive the walk. A DECIMAL's text holds until the next value is asked for.
class RowImages {
 public:
  struct Item {
    std::size_t column = 0;  ///< index in Table::columns
    Value value;
  };

  /// Not ok() from the start when the table has not as many columns as the event.
  RowImages(const RowsEvent& event, Bytes rows, const Table& table,
            const Context& context) noexcept;

  /// Goes to the next image, over what is left of this one; false when there is none.
  bool next_image() noexcept;
  /// Whether the image is what the row is now, as opposed to what it was.
  bool is_after() const noexcept { return after_; }
  /// The next value of the image; false at its end.
  bool next(Item& item) noexcept;
  bool ok() const noexcept { return reader_.ok(); }
  Error error() const noexcept { return reader_.error(); }

 private:
  Bytes present() const noexcept { return after_ && is_update_ ? present_after_ : present_; }

  Reader reader_;
  const Table& table_;
  Bytes present_;
  Bytes present_after_;
  Bytes nulls_;
  std::size_t column_ = 0;  // next one to look at
  std::size_t null_bit_ = 0;
  bool is_update_;
  bool after_;
  bool started_ = false;
  DecimalText scratch_{};
};

}  // namespace mysqlwire::binlog
