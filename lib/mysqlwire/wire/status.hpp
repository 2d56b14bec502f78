// Server status flags, as they stand in OK and EOF packets and in the greeting.
#pragma once

#include <mysqlwire/wire/flags.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace mysqlwire {

/// What the server says of the session and of the statement that it has just answered.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/mysql__com_8h.html (SERVER_STATUS_*)
enum class ServerStatus : std::uint16_t {
  in_trans = 0x0001,
  autocommit = 0x0002,
  more_results_exists = 0x0008,
  query_no_good_index_used = 0x0010,
  query_no_index_used = 0x0020,
  cursor_exists = 0x0040,
  last_row_sent = 0x0080,
  db_dropped = 0x0100,
  no_backslash_escapes = 0x0200,
  metadata_changed = 0x0400,
  query_was_slow = 0x0800,
  ps_out_params = 0x1000,
  in_trans_readonly = 0x2000,
  session_state_changed = 0x4000,
  ansi_quotes = 0x8000,  ///< MariaDB only
};

using StatusFlags = Flags<ServerStatus>;

/// The header's name of one flag, such as "SERVER_STATUS_IN_TRANS"; empty for an unknown bit.
std::string_view to_string(ServerStatus flag) noexcept;

/// Every known flag, lowest bit first.
std::span<const ServerStatus> all_status_flags() noexcept;

}  // namespace mysqlwire
