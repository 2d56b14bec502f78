// Error codes of servers and client libraries: constants, names, SQLSTATEs.
#pragma once

#include <mysqlwire/wire/context.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mysqlwire {

/// Every error code by the name that the headers of MySQL and MariaDB have for it, in lower case
/// (the headers' own spelling is a macro for whoever includes them too):
/// error_codes::er_access_denied_error == 1045.
///
/// ER_* and WARN_* come from a server, EE_* from its file layer, CR_* are made by client libraries
/// and are not expected on the wire. A name that stands for different codes on the two servers is
/// MySQL's; MariaDB's code then ends in _mariadb.
///
/// Source: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html and
/// https://mariadb.com/kb/en/mariadb-error-code-reference/
namespace error_codes {
#define MYSQLWIRE_ERROR(servers, code, constant, name, sql_state) \
  inline constexpr std::uint16_t constant = code;
#include <mysqlwire/wire/error_code.def>
#undef MYSQLWIRE_ERROR
}  // namespace error_codes

/// The code's name in the headers of that server, such as "ER_ACCESS_DENIED_ERROR". When only the
/// other server has the code, its name; empty when neither has. Static lifetime.
///
/// About 190 codes mean different things on the two (4000 to 4166 above all, where both number on:
/// 4031 is an idle time-out from MySQL, and a trigger that does not exist from MariaDB).
/// is_ambiguous() tells them.
std::string_view error_name(std::uint16_t code, Flavor flavor = Flavor::mysql) noexcept;

/// The SQLSTATE that this server sends with the code; "HY000" for codes that have no other, and for
/// unknown ones. Five characters, static lifetime. Statements (SIGNAL) can send any other.
std::string_view error_sql_state(std::uint16_t code, Flavor flavor = Flavor::mysql) noexcept;

/// True when both servers have the code, with different meanings or names.
bool is_ambiguous(std::uint16_t code) noexcept;

/// The code of a name as error_name() spells it, case ignored. A name that only the other server
/// has is found too.
std::optional<std::uint16_t> parse_error_name(std::string_view name,
                                              Flavor flavor = Flavor::mysql) noexcept;

/// One line of the table.
struct ErrorCodeInfo {
  std::uint16_t code = 0;
  bool in_mysql = false;
  bool in_mariadb = false;
  std::string_view name;
  std::string_view sql_state;  ///< MySQL's where both have the code; error_sql_state() knows both
};

/// The whole table, by code; an ambiguous code is there twice, MySQL's meaning first.
std::span<const ErrorCodeInfo> all_error_codes() noexcept;

}  // namespace mysqlwire
