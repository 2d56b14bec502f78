// Events that carry statements, what statements depend on, and the ends of transactions.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace mysqlwire::binlog {

/// What a statement was run with, as far as its event says so.
struct StatusVariables {
  std::optional<std::uint32_t> flags2;
  std::optional<std::uint64_t> sql_mode;
  std::string_view catalog;
  std::optional<std::uint16_t> auto_increment_increment;
  std::optional<std::uint16_t> auto_increment_offset;
  std::optional<std::uint16_t> character_set_client;
  std::optional<std::uint16_t> collation_connection;
  std::optional<std::uint16_t> collation_server;
  std::string_view time_zone;
  std::optional<std::uint16_t> lc_time_names;
  std::optional<std::uint16_t> collation_database;
  std::string_view invoker_user;
  std::string_view invoker_host;
  std::optional<std::uint32_t> microseconds;  ///< of the time stamp
  std::optional<std::uint64_t> ddl_xid;
  std::optional<std::uint16_t> default_utf8mb4_collation;

  /// Goes over the variables up to one that is not known, whose length nobody can tell. False when
  /// one that is known is cut.
  bool read(Bytes variables, const Context& context) noexcept;
};

/// A statement: of DDL, of statement-based logging, or BEGIN and COMMIT.
///
/// | type        | field |
/// |-------------|-------|
/// | int<4>      | thread_id |
/// | int<4>      | execution_time, seconds |
/// | int<1>      | length of schema |
/// | int<2>      | error_code |
/// | int<2>      | length of status_variables |
/// | string<var> | status_variables |
/// | string<var> | schema |
/// | int<1>      | 0 |
/// | string<EOF> | query; in a QUERY_COMPRESSED_EVENT a CompressedBody |
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Query__event.html
struct Query {
  static constexpr std::string_view name = "QUERY_EVENT";

  std::uint32_t thread_id = 0;
  std::uint32_t execution_time = 0;
  std::uint16_t error_code = 0;
  Bytes status_variables;  ///< see StatusVariables
  std::string_view schema;
  std::string_view query;

  static Result<Query> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// MariaDB's compressed part of an event (log_bin_compress).
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0x80 + algorithm << 4 + bytes of the next field (1 to 4) |
/// | int<1…4>    | size when inflated, most significant byte first |
/// | string<EOF> | data; algorithm 0 is zlib |
///
/// Errors: bad_value for a first byte of another form.
///
/// Source: https://mariadb.com/kb/en/query_compressed_event/
struct CompressedBody {
  static constexpr std::string_view name = "CompressedBody";

  std::uint8_t algorithm = 0;
  std::uint32_t size = 0;
  Bytes data;

  static Result<CompressedBody> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// Ends a transaction.
///
/// | type   | field |
/// |--------|-------|
/// | int<8> | xid, of the storage engines' two-phase commit |
///
/// Source: https://mariadb.com/kb/en/xid_event/
struct Xid {
  static constexpr std::string_view name = "XID_EVENT";

  std::uint64_t xid = 0;

  static Result<Xid> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const Xid&, const Xid&) = default;
};

/// Ends an XA transaction's first phase, or all of it.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | one_phase |
/// | int<4>      | format |
/// | int<4>      | length of the global part |
/// | int<4>      | length of the branch |
/// | string<var> | both |
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1XA__prepare__event.html
struct XaPrepare {
  static constexpr std::string_view name = "XA_PREPARE_LOG_EVENT";

  bool one_phase = false;
  std::uint32_t format = 0;
  Bytes global;
  Bytes branch;

  static Result<XaPrepare> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// The value of LAST_INSERT_ID() or of an AUTO_INCREMENT column in the statement behind it.
///
/// | type   | field |
/// |--------|-------|
/// | int<1> | kind: 1 LAST_INSERT_ID(), 2 AUTO_INCREMENT |
/// | int<8> | value |
///
/// Source: https://mariadb.com/kb/en/intvar_event/
struct Intvar {
  static constexpr std::string_view name = "INTVAR_EVENT";

  std::uint8_t kind = 0;
  std::uint64_t value = 0;

  static Result<Intvar> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const Intvar&, const Intvar&) = default;
};

/// The seeds of RAND() in the statement behind it.
///
/// | type   | field |
/// |--------|-------|
/// | int<8> | seed1 |
/// | int<8> | seed2 |
///
/// Source: https://mariadb.com/kb/en/rand_event/
struct Rand {
  static constexpr std::string_view name = "RAND_EVENT";

  std::uint64_t seed1 = 0;
  std::uint64_t seed2 = 0;

  static Result<Rand> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const Rand&, const Rand&) = default;
};

/// A user variable that the statement behind it uses. The last four fields are absent when it is
/// NULL.
///
/// | type        | field |
/// |-------------|-------|
/// | int<4>      | length of variable |
/// | string<var> | variable, without its @ |
/// | int<1>      | is_null |
/// | int<1>      | kind: 0 string, 1 double, 2 integer of 8 bytes, 4 decimal |
/// | int<4>      | collation |
/// | int<4>      | length of value |
/// | string<var> | value |
/// | string<EOF> | flags; bit 0 of the first byte: the integer is unsigned |
///
/// Source: https://mariadb.com/kb/en/user_var_event/
struct UserVar {
  static constexpr std::string_view name = "USER_VAR_EVENT";

  std::string_view variable;
  bool is_null = false;
  std::uint8_t kind = 0;
  std::uint32_t collation = 0;
  Bytes value;
  Bytes flags;

  static Result<UserVar> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// MySQL: the statement whose changes the row events behind it are.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | ignored: the length, where it fits |
/// | string<EOF> | query |
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Rows__query__event.html
struct RowsQuery {
  static constexpr std::string_view name = "ROWS_QUERY_LOG_EVENT";

  std::string_view query;

  static Result<RowsQuery> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const RowsQuery&, const RowsQuery&) = default;
};

/// MariaDB: the same.
///
/// | type        | field |
/// |-------------|-------|
/// | string<EOF> | query |
///
/// Source: https://mariadb.com/kb/en/annotate_rows_event/
struct AnnotateRows {
  static constexpr std::string_view name = "ANNOTATE_ROWS_EVENT";

  std::string_view query;

  static Result<AnnotateRows> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const AnnotateRows&, const AnnotateRows&) = default;
};

/// MySQL 8.0.20 and newer: the events of a transaction in one, compressed. Those inside have no
/// checksum.
///
/// | type           | field |
/// |----------------|-------|
/// | int<lenenc>    | type: 1 payload's size, 2 compression, 3 size when inflated, 0 the end |
/// | string<lenenc> | value, an int<lenenc>; none behind the end |
/// | string<var>    | payload, behind the end |
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Transaction__payload__event.html
struct TransactionPayload {
  static constexpr std::string_view name = "TRANSACTION_PAYLOAD_EVENT";
  static constexpr std::uint64_t zstd = 0;
  static constexpr std::uint64_t none = 255;

  std::uint64_t compression = none;
  std::uint64_t size = 0;  ///< when inflated
  Bytes payload;

  static Result<TransactionPayload> decode(Bytes body, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire::binlog
