// Events about the log itself and about the connection that carries it.
//
// Here and in the other files of this folder `body` is an event without its header and checksum, as
// Event::body has it. Views borrow from it.
#pragma once

#include <mysqlwire/binlog/checksum.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire::binlog {

/// The first event of each file: how to read those behind it.
///
/// | type        | field |
/// |-------------|-------|
/// | int<2>      | binlog_version, 4 |
/// | string<50>  | server_version, filled up with NULs |
/// | int<4>      | create_time, 0 when the server was not just started |
/// | int<1>      | header_length, 19 |
/// | string<var> | post_header_lengths: of event type 1, 2, … |
/// | int<1>      | checksum_algorithm |
/// | int<4>      | checksum, always there |
///
/// The last two are absent from servers before MySQL 5.6.1 and MariaDB 5.3: the version decides.
/// `body` has them both, unlike those of all other events. Encoding writes the checksum field as
/// zeros: append_event() fills it in.
///
/// Errors: bad_value for another binlog_version or header_length.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_replication_binlog_event.html
struct FormatDescription {
  static constexpr std::string_view name = "FORMAT_DESCRIPTION_EVENT";
  static constexpr std::size_t version_size = 50;

  std::uint16_t binlog_version = 4;
  std::string_view server_version;
  std::uint32_t create_time = 0;
  std::uint8_t header_length = 19;
  Bytes post_header_lengths;
  ChecksumAlgorithm checksum_algorithm = ChecksumAlgorithm::undefined;

  static Result<FormatDescription> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// The log goes on in another file. Servers also make one up at the start of a dump and after each
/// real one (LOG_EVENT_ARTIFICIAL_F, log_pos 0).
///
/// | type        | field |
/// |-------------|-------|
/// | int<8>      | position of the first event there |
/// | string<EOF> | filename |
///
/// Source: https://mariadb.com/kb/en/rotate_event/
struct Rotate {
  static constexpr std::string_view name = "ROTATE_EVENT";

  std::uint64_t position = 4;
  std::string_view filename;

  static Result<Rotate> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const Rotate&, const Rotate&) = default;
};

/// Says that the source is alive and where it is: filename here, position in the header's log_pos.
///
/// | type        | field |
/// |-------------|-------|
/// | string<EOF> | filename |
///
/// Source: https://mariadb.com/kb/en/heartbeat_log_event/
struct Heartbeat {
  static constexpr std::string_view name = "HEARTBEAT_LOG_EVENT";

  std::string_view filename;

  static Result<Heartbeat> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

/// The same for positions beyond 4 GiB: fields of type, length, value. Unknown types are skipped.
///
/// | type           | field |
/// |----------------|-------|
/// | int<lenenc>    | type: 1 filename, 2 position, 0 the end |
/// | string<lenenc> | value; the position as int<lenenc>; none behind the end |
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Heartbeat__event__v2.html
struct HeartbeatV2 {
  static constexpr std::string_view name = "HEARTBEAT_LOG_EVENT_V2";

  std::string_view filename;
  std::uint64_t position = 0;

  static Result<HeartbeatV2> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const HeartbeatV2&, const HeartbeatV2&) = default;
};

/// Something is missing in the log: a replica stops at it.
///
/// | type        | field |
/// |-------------|-------|
/// | int<2>      | incident: 1 lost events |
/// | int<1>      | length of message |
/// | string<var> | message |
///
/// Source: https://mariadb.com/kb/en/incident_event/
struct Incident {
  static constexpr std::string_view name = "INCIDENT_EVENT";

  std::uint16_t incident = 1;
  std::string_view message;

  static Result<Incident> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const Incident&, const Incident&) = default;
};

/// MariaDB: the oldest file that crash recovery needs.
///
/// | type        | field |
/// |-------------|-------|
/// | int<4>      | length of filename |
/// | string<var> | filename |
///
/// Source: https://mariadb.com/kb/en/binlog_checkpoint_event/
struct BinlogCheckpoint {
  static constexpr std::string_view name = "BINLOG_CHECKPOINT_EVENT";

  std::string_view filename;

  static Result<BinlogCheckpoint> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const BinlogCheckpoint&, const BinlogCheckpoint&) = default;
};

/// MariaDB: the events behind this one are encrypted in the file. They travel in clear.
///
/// | type       | field |
/// |------------|-------|
/// | int<1>     | scheme, 1 |
/// | int<4>     | key_version |
/// | string<12> | nonce |
///
/// Source: https://mariadb.com/kb/en/start_encryption_event/
struct StartEncryption {
  static constexpr std::string_view name = "START_ENCRYPTION_EVENT";
  static constexpr std::size_t nonce_size = 12;

  std::uint8_t scheme = 1;
  std::uint32_t key_version = 0;
  Bytes nonce;  ///< nonce_size bytes

  static Result<StartEncryption> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire::binlog
