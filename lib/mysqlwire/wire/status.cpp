#include <mysqlwire/wire/status.hpp>

#include <array>

namespace mysqlwire {

std::string_view to_string(ServerStatus flag) noexcept {
  switch (flag) {
    case ServerStatus::in_trans: return "SERVER_STATUS_IN_TRANS";
    case ServerStatus::autocommit: return "SERVER_STATUS_AUTOCOMMIT";
    case ServerStatus::more_results_exists: return "SERVER_MORE_RESULTS_EXISTS";
    case ServerStatus::query_no_good_index_used: return "SERVER_QUERY_NO_GOOD_INDEX_USED";
    case ServerStatus::query_no_index_used: return "SERVER_QUERY_NO_INDEX_USED";
    case ServerStatus::cursor_exists: return "SERVER_STATUS_CURSOR_EXISTS";
    case ServerStatus::last_row_sent: return "SERVER_STATUS_LAST_ROW_SENT";
    case ServerStatus::db_dropped: return "SERVER_STATUS_DB_DROPPED";
    case ServerStatus::no_backslash_escapes: return "SERVER_STATUS_NO_BACKSLASH_ESCAPES";
    case ServerStatus::metadata_changed: return "SERVER_STATUS_METADATA_CHANGED";
    case ServerStatus::query_was_slow: return "SERVER_QUERY_WAS_SLOW";
    case ServerStatus::ps_out_params: return "SERVER_PS_OUT_PARAMS";
    case ServerStatus::in_trans_readonly: return "SERVER_STATUS_IN_TRANS_READONLY";
    case ServerStatus::session_state_changed: return "SERVER_SESSION_STATE_CHANGED";
    case ServerStatus::ansi_quotes: return "SERVER_STATUS_ANSI_QUOTES";
  }
  return {};
}

std::span<const ServerStatus> all_status_flags() noexcept {
  static constexpr std::array flags{
      ServerStatus::in_trans,
      ServerStatus::autocommit,
      ServerStatus::more_results_exists,
      ServerStatus::query_no_good_index_used,
      ServerStatus::query_no_index_used,
      ServerStatus::cursor_exists,
      ServerStatus::last_row_sent,
      ServerStatus::db_dropped,
      ServerStatus::no_backslash_escapes,
      ServerStatus::metadata_changed,
      ServerStatus::query_was_slow,
      ServerStatus::ps_out_params,
      ServerStatus::in_trans_readonly,
      ServerStatus::session_state_changed,
      ServerStatus::ansi_quotes,
  };
  return flags;
}

}  // namespace mysqlwire
