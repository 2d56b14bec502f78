// Prepared statements: the commands and the answer to COM_STMT_PREPARE.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/flags.hpp>
#include <mysqlwire/wire/parameter.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire {

/// The statement id of any COM_STMT_* command but COM_STMT_PREPARE, which stands right behind the
/// command byte in all of them. It tells which StatementInfo the decoder needs.
Result<std::uint32_t> read_statement_id(Bytes payload, const Context& context) noexcept;

/// MariaDB: this statement id means the statement that was prepared last on the connection.
inline constexpr std::uint32_t last_prepared_statement = 0xffffffff;

/// Prepares one statement.
///
///   | command | 1, 0x16     |
///   | query   | string<EOF> |
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_prepare.html
struct ComStmtPrepare {
  static constexpr std::string_view name = "COM_STMT_PREPARE";

  std::string_view query;  ///< borrows from the payload

  static Result<ComStmtPrepare> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const ComStmtPrepare&, const ComStmtPrepare&) = default;
};

/// The first packet of a good answer to COM_STMT_PREPARE. The definitions of the parameters and
/// then of the columns follow, each list closed by an EOF without CLIENT_DEPRECATE_EOF.
///
///   | status           | 1, 0x00                                       |
///   | statement_id     | 4                                             |
///   | column_count     | 2                                             |
///   | parameter_count  | 2                                             |
///   | filler           | 1                                             |
///   | warning_count    | 2                                             |
///   | metadata_follows | 1, if CLIENT_OPTIONAL_RESULTSET_METADATA      |
///
/// A payload that ends before warning_count (servers before 5.0) or before metadata_follows is
/// noted; the fields keep their defaults then.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_prepare.html
struct StmtPrepareOk {
  static constexpr std::string_view name = "COM_STMT_PREPARE_OK";

  std::uint32_t statement_id = 0;
  std::uint16_t column_count = 0;
  std::uint16_t parameter_count = 0;
  std::uint16_t warning_count = 0;
  ResultsetMetadata metadata_follows = ResultsetMetadata::full;

  static Result<StmtPrepareOk> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const StmtPrepareOk&, const StmtPrepareOk&) = default;
};

/// The flags of COM_STMT_EXECUTE (CURSOR_TYPE_* and PARAMETER_COUNT_AVAILABLE).
enum class ExecuteFlag : std::uint8_t {
  cursor_type_read_only = 1,
  cursor_type_for_update = 2,  ///< no server has it
  cursor_type_scrollable = 4,  ///< no server has it
  parameter_count_available = 8,
};
using ExecuteFlags = Flags<ExecuteFlag>;

/// Executes a prepared statement.
///
///   | command         | 1, 0x17                                                         |
///   | statement_id    | 4                                                               |
///   | flags           | 1                                                               |
///   | iteration_count | 4, always 1                                                     |
///   the rest only if the statement has parameters, or, with CLIENT_QUERY_ATTRIBUTES, if
///   PARAMETER_COUNT_AVAILABLE is set:
///   | parameter_count | int<lenenc>, if CLIENT_QUERY_ATTRIBUTES: the statement's parameters
///   |                 | and then query attributes                                       |
///   | parameters      | as ParameterList::read has them, with names if                  |
///   |                 | CLIENT_QUERY_ATTRIBUTES; nothing when there are none            |
///
/// The layout can't be known from the payload alone: decode needs the StatementInfo, and everything
/// in the result borrows from the payload and from what that refers to.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_execute.html
struct ComStmtExecute {
  static constexpr std::string_view name = "COM_STMT_EXECUTE";

  std::uint32_t statement_id = 0;
  ExecuteFlags flags;
  std::uint32_t iteration_count = 1;
  /// Whether types are sent. Set it to send the remembered ones to another server connection.
  bool new_params_bind_flag = true;
  /// The statement's own parameters; what `parameters` has behind them are query attributes.
  std::uint64_t parameter_count = 0;
  ParameterList parameters;

  /// Fewer parameters than the statement has are bad_value, more than Limits::max_parameters
  /// limit_exceeded.
  static Result<ComStmtExecute> decode(Bytes payload, const Context& context,
                                       const StatementInfo& statement = {}) noexcept;
  /// Without CLIENT_QUERY_ATTRIBUTES the query attributes are left out; the flag
  /// PARAMETER_COUNT_AVAILABLE, which means nothing then, is written as it is.
  void encode(Writer& writer, const Context& context) const;
};

/// Appends data to one parameter of a statement. There is no answer.
///
///   | command      | 1, 0x18     |
///   | statement_id | 4           |
///   | parameter    | 2           |
///   | data         | string<EOF> |
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_send_long_data.html
struct ComStmtSendLongData {
  static constexpr std::string_view name = "COM_STMT_SEND_LONG_DATA";

  std::uint32_t statement_id = 0;
  std::uint16_t parameter = 0;
  std::string_view data;  ///< borrows from the payload

  static Result<ComStmtSendLongData> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const ComStmtSendLongData&, const ComStmtSendLongData&) = default;
};

/// Forgets a statement. There is no answer.
///
///   | command      | 1, 0x19 |
///   | statement_id | 4       |
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_close.html
struct ComStmtClose {
  static constexpr std::string_view name = "COM_STMT_CLOSE";

  std::uint32_t statement_id = 0;

  static Result<ComStmtClose> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const ComStmtClose&, const ComStmtClose&) = default;
};

/// Drops a statement's long data and closes its cursor.
///
///   | command      | 1, 0x1a |
///   | statement_id | 4       |
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_reset.html
struct ComStmtReset {
  static constexpr std::string_view name = "COM_STMT_RESET";

  std::uint32_t statement_id = 0;

  static Result<ComStmtReset> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const ComStmtReset&, const ComStmtReset&) = default;
};

/// Asks for the next rows of a statement's open cursor.
///
///   | command      | 1, 0x1c |
///   | statement_id | 4       |
///   | row_count    | 4       |
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_fetch.html
struct ComStmtFetch {
  static constexpr std::string_view name = "COM_STMT_FETCH";

  std::uint32_t statement_id = 0;
  std::uint32_t row_count = 0;

  static Result<ComStmtFetch> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;

  friend bool operator==(const ComStmtFetch&, const ComStmtFetch&) = default;
};

}  // namespace mysqlwire
