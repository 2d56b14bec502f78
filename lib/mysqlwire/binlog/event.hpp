// The header that every event of a binary log starts with.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mysqlwire::binlog {

/// The type byte of an event. Those from 160 up are MariaDB's.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/classbinary__log_1_1Log__event__type.html and
/// https://mariadb.com/kb/en/2-binlog-event-header/
enum class EventType : std::uint8_t {
  unknown_event = 0,
  start_event_v3 = 1,
  query_event = 2,
  stop_event = 3,
  rotate_event = 4,
  intvar_event = 5,
  load_event = 6,
  create_file_event = 8,
  append_block_event = 9,
  delete_file_event = 11,
  rand_event = 13,
  user_var_event = 14,
  format_description_event = 15,
  xid_event = 16,
  begin_load_query_event = 17,
  execute_load_query_event = 18,
  table_map_event = 19,
  write_rows_event_v1 = 23,
  update_rows_event_v1 = 24,
  delete_rows_event_v1 = 25,
  incident_event = 26,
  heartbeat_log_event = 27,
  ignorable_log_event = 28,
  rows_query_log_event = 29,
  write_rows_event = 30,
  update_rows_event = 31,
  delete_rows_event = 32,
  gtid_log_event = 33,
  anonymous_gtid_log_event = 34,
  previous_gtids_log_event = 35,
  transaction_context_event = 36,
  view_change_event = 37,
  xa_prepare_log_event = 38,
  partial_update_rows_event = 39,
  transaction_payload_event = 40,
  heartbeat_log_event_v2 = 41,
  gtid_tagged_log_event = 42,
  annotate_rows_event = 160,
  binlog_checkpoint_event = 161,
  gtid_event = 162,
  gtid_list_event = 163,
  start_encryption_event = 164,
  query_compressed_event = 165,
  write_rows_compressed_event_v1 = 166,
  update_rows_compressed_event_v1 = 167,
  delete_rows_compressed_event_v1 = 168,
};

/// The header's name, such as "TABLE_MAP_EVENT"; empty for an unknown type.
std::string_view to_string(EventType type) noexcept;

/// What an event starts with.
///
/// | type   | field |
/// |--------|-------|
/// | int<4> | timestamp, seconds since the epoch |
/// | int<1> | type |
/// | int<4> | server_id |
/// | int<4> | event_size, of the whole event, header and checksum included |
/// | int<4> | log_pos, position behind the event in its file; 0 for made-up ones |
/// | int<2> | flags |
///
/// Errors: those of the reader; bad_value for an event_size below the header's. What follows the
/// header is left alone.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_replication_binlog_event.html
struct EventHeader {
  static constexpr std::string_view name = "BinlogEventHeader";
  static constexpr std::size_t size = 19;

  std::uint32_t timestamp = 0;
  EventType type = EventType::unknown_event;
  std::uint32_t server_id = 0;
  std::uint32_t event_size = 0;
  std::uint32_t log_pos = 0;
  std::uint16_t flags = 0;

  static Result<EventHeader> decode(Bytes event, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const EventHeader&, const EventHeader&) = default;
};

}  // namespace mysqlwire::binlog
