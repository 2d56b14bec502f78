// What a replica and its source say to each other around the binary log; events themselves are
// opaque here.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/flags.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire {

/// Makes a replica known to its source (SHOW REPLICAS). A dump works without it. Reply: OK or ERR.
/// The views borrow from the payload. Real replicas leave host, user and password empty.
///
/// | type          | field |
/// |---------------|-------|
/// | int<1>        | 0x15 |
/// | int<4>        | server_id |
/// | int<1>        | length of host |
/// | string<var>   | host, as the replica reports it |
/// | int<1>        | length of user |
/// | string<var>   | user |
/// | int<1>        | length of password |
/// | string<var>   | password, in clear |
/// | int<2>        | port |
/// | int<4>        | replication_rank, 0 |
/// | int<4>        | source_id, 0: the server fills in its own |
///
/// Encoding a string of more than 255 bytes is too_long.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_register_replica.html and
/// https://mariadb.com/kb/en/com_register_slave/
struct ComRegisterSlave {
  static constexpr std::string_view name = "COM_REGISTER_SLAVE";

  std::uint32_t server_id = 0;
  std::string_view host;
  std::string_view user;
  std::string_view password;
  std::uint16_t port = 0;
  std::uint32_t replication_rank = 0;
  std::uint32_t source_id = 0;

  static Result<ComRegisterSlave> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const ComRegisterSlave&, const ComRegisterSlave&) = default;
};

/// The flags of a dump. One bit has two meanings, by the server's flavor and version.
enum class BinlogDumpFlag : std::uint16_t {
  non_block = 0x01,               ///< EOF at the end of the log instead of waiting for more
  send_annotate_rows = 0x02,      ///< MariaDB: ANNOTATE_ROWS events too
  use_heartbeat_event_v2 = 0x02,  ///< MySQL from 8.0.26 on
  skip_tagged_gtids = 0x04,       ///< MySQL from 8.3 on: the replica can't read tagged ones
};
using BinlogDumpFlags = Flags<BinlogDumpFlag>;

/// Asks for the events of a binary log from a position on. Reply: BinlogEventPacket without end;
/// with NON_BLOCK ended by a classic EOF, whatever CLIENT_DEPRECATE_EOF says; or ERR. The view
/// borrows from the payload.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0x12 |
/// | int<4>      | position; 4 is the first event of a file |
/// | int<2>      | flags |
/// | int<4>      | server_id of the replica |
/// | string<EOF> | filename; empty for the first file of the index |
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_binlog_dump.html
/// and https://mariadb.com/kb/en/com_binlog_dump/
struct ComBinlogDump {
  static constexpr std::string_view name = "COM_BINLOG_DUMP";

  std::uint32_t position = 4;
  BinlogDumpFlags flags;
  std::uint32_t server_id = 0;
  std::string_view filename;

  static Result<ComBinlogDump> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const ComBinlogDump&, const ComBinlogDump&) = default;
};

/// MySQL: asks for the transactions that the replica does not have yet. Reply as for
/// COM_BINLOG_DUMP. The views borrow from the payload. Real replicas send no filename and position
/// 4: the set alone says what is wanted.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0x1e |
/// | int<2>      | flags |
/// | int<4>      | server_id of the replica |
/// | int<4>      | length of filename |
/// | string<var> | filename |
/// | int<8>      | position |
/// | int<4>      | length of gtid_set |
/// | string<var> | gtid_set, the replica's, in the encoding of PREVIOUS_GTIDS events |
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_binlog_dump_gtid.html
struct ComBinlogDumpGtid {
  static constexpr std::string_view name = "COM_BINLOG_DUMP_GTID";

  BinlogDumpFlags flags;
  std::uint32_t server_id = 0;
  std::string_view filename;
  std::uint64_t position = 4;
  Bytes gtid_set;

  static Result<ComBinlogDumpGtid> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// One event of a dump. The view borrows from the payload.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0x00 |
/// | int<1>      | 0xef, if the replica has switched semi-sync on |
/// | int<1>      | flags, likewise: 1 when the event wants a SemiSyncAck |
/// | string<EOF> | event, header and checksum included |
///
/// Whether semi-sync is on can't be seen in the packet (0xef may be the first byte of the event's
/// time stamp): the caller knows from SET @rpl_semi_sync_slave = 1 (or _replica) before the dump.
/// An event longer than a frame goes on in the frames behind it, without these bytes.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_replication.html
/// and https://mariadb.com/kb/en/5-slave-registration/
struct BinlogEventPacket {
  static constexpr std::string_view name = "BinlogEventPacket";
  static constexpr std::uint8_t header = 0x00;
  static constexpr std::uint8_t semi_sync_header = 0xef;

  bool semi_sync = false;
  bool ack_wanted = false;  ///< only with semi_sync
  Bytes event;

  static Result<BinlogEventPacket> decode(Bytes payload, const Context& context,
                                          bool semi_sync = false) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// A replica says that it has stored everything up to a position. Sent inside a dump, with sequence
/// id 0 and no reply; not a command, though its first byte stands where a command's would. The view
/// borrows from the payload.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0xef |
/// | int<8>      | position: the next position of the event that wanted the ACK |
/// | string<EOF> | filename |
///
/// Source: https://mariadb.com/kb/en/5-slave-registration/
struct SemiSyncAck {
  static constexpr std::string_view name = "SemiSyncAck";
  static constexpr std::uint8_t header = 0xef;

  std::uint64_t position = 0;
  std::string_view filename;

  static Result<SemiSyncAck> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const SemiSyncAck&, const SemiSyncAck&) = default;
};

/// Asked for a table's definition and rows, in the replication of MySQL 3.23 and 4.0. Servers of
/// today answer ERR 1047. The views borrow from the payload.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0x13 |
/// | int<1>      | length of schema |
/// | string<var> | schema |
/// | int<1>      | length of table |
/// | string<var> | table |
///
/// Source: https://mariadb.com/kb/en/com_table_dump/
struct ComTableDump {
  static constexpr std::string_view name = "COM_TABLE_DUMP";

  std::string_view schema;
  std::string_view table;

  static Result<ComTableDump> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const ComTableDump&, const ComTableDump&) = default;
};

}  // namespace mysqlwire
