// Events that say which transaction comes, and which were there before: of MySQL and of MariaDB.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlwire::binlog {

/// A UUID in 16 bytes as "3e11fa47-71ca-11e1-9e33-c80aa9429562". Other sizes give no text.
void append_uuid(std::string& out, Bytes uuid);

/// MySQL: the transaction behind it has this id; an ANONYMOUS_GTID_LOG_EVENT has the same layout
/// and no id.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | flags: 1 may have changes that can't be rolled back |
/// | string<16>  | source_uuid, zeros when anonymous |
/// | int<8>      | transaction_number, 0 when anonymous |
/// | int<1>      | 2: logical time stamps follow |
/// | int<8>      | last_committed |
/// | int<8>      | sequence_number |
/// | int<7>      | immediate_commit: microseconds since the epoch; its bit 55: the next follows |
/// | int<7>      | original_commit, where it differs |
/// | int<lenenc> | transaction_length, in bytes of log |
/// | int<4>      | immediate_server_version, such as 80015; its bit 31: the next follows |
/// | int<4>      | original_server_version, where it differs |
/// | int<8>      | commit_group_ticket, from 8.0.30 on |
///
/// From the logical time stamps on everything may be absent: 5.6 ends in front of them, 5.7 behind
/// them, 8.0 in front of the ticket.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Gtid__event.html
struct GtidLog {
  static constexpr std::string_view name = "GTID_LOG_EVENT";
  static constexpr std::uint8_t logical_timestamps = 2;

  struct Logical {
    std::uint64_t last_committed = 0;
    std::uint64_t sequence_number = 0;

    friend bool operator==(const Logical&, const Logical&) = default;
  };

  std::uint8_t flags = 0;
  Bytes source_uuid;
  std::uint64_t transaction_number = 0;
  std::optional<Logical> logical;
  std::optional<std::uint64_t> immediate_commit;
  std::optional<std::uint64_t> original_commit;
  std::optional<std::uint64_t> transaction_length;
  std::optional<std::uint32_t> immediate_server_version;
  std::optional<std::uint32_t> original_server_version;
  std::optional<std::uint64_t> commit_group_ticket;

  static Result<GtidLog> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// MySQL: the transactions of all files in front of this one; also how COM_BINLOG_DUMP_GTID says
/// what a replica has.
///
/// | type       | field |
/// |------------|-------|
/// | int<8>     | number of sources; for each: |
/// | string<16> | uuid |
/// | int<8>     | number of intervals; for each: |
/// | int<8>     | first transaction |
/// | int<8>     | last transaction + 1 |
///
/// decode() goes over all of it once, so that walking over it can't fail. A set with tags (8.3 and
/// newer) has another first number: unsupported.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/classGtid__set.html
struct PreviousGtids {
  static constexpr std::string_view name = "PREVIOUS_GTIDS_LOG_EVENT";

  std::uint64_t sources = 0;
  Bytes set;  ///< what is behind that number

  /// "uuid:1-5:7,uuid:1" as SHOW MASTER STATUS prints it, but on one line.
  void append_text(std::string& out) const;

  static Result<PreviousGtids> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// One of MariaDB's ids, printed "domain-server-sequence".
struct MariadbGtid {
  std::uint32_t domain_id = 0;
  std::uint32_t server_id = 0;
  std::uint64_t sequence = 0;

  friend bool operator==(const MariadbGtid&, const MariadbGtid&) = default;
};

std::string to_string(const MariadbGtid& gtid);

/// MariaDB: the transaction behind it has this id; its server_id is that of the event's header.
///
/// | type        | field |
/// |-------------|-------|
/// | int<8>      | sequence |
/// | int<4>      | domain_id |
/// | int<1>      | flags |
/// | int<8>      | commit_id, with flag group_commit |
/// | int<4>      | xa_format, with one of the XA flags |
/// | int<1>      | length of the XA transaction's global part |
/// | int<1>      | length of its branch |
/// | string<var> | both |
/// | string<EOF> | more: by the server's version, or zeros up to 19 bytes |
///
/// Source: https://mariadb.com/kb/en/gtid_event/
struct MariadbGtidEvent {
  static constexpr std::string_view name = "GTID_EVENT";
  static constexpr std::uint8_t standalone = 0x01;  ///< one event follows, and no COMMIT
  static constexpr std::uint8_t group_commit = 0x02;
  static constexpr std::uint8_t prepared_xa = 0x40;
  static constexpr std::uint8_t completed_xa = 0x80;

  std::uint64_t sequence = 0;
  std::uint32_t domain_id = 0;
  std::uint8_t flags = 0;
  std::uint64_t commit_id = 0;  ///< with group_commit
  std::uint32_t xa_format = 0;
  Bytes xa_global;
  Bytes xa_branch;
  Bytes more;

  static Result<MariadbGtidEvent> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// MariaDB: the last transaction of each domain and server in front of this file.
///
/// | type   | field |
/// |--------|-------|
/// | int<4> | number of ids in the lower 28 bits, flags in the upper 4; for each: |
/// | int<4> | domain_id |
/// | int<4> | server_id |
/// | int<8> | sequence |
///
/// A made-up one in a dump tells where the wanted position was reached.
///
/// Source: https://mariadb.com/kb/en/gtid_list_event/
struct GtidList {
  static constexpr std::string_view name = "GTID_LIST_EVENT";
  static constexpr std::size_t entry_size = 16;

  std::uint8_t flags = 0;
  Bytes entries;  ///< a multiple of entry_size

  std::size_t size() const noexcept { return entries.size() / entry_size; }
  MariadbGtid operator[](std::size_t index) const noexcept;

  static Result<GtidList> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire::binlog
