// Entries of MySQL's slow query log, in the form that pt-query-digest reads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cli {

/// One statement, or one command without a text. Borrows for the duration of the call.
struct SlowLogEntry {
  std::int64_t time = 0;  ///< when it ended, in nanoseconds since 1970
  std::int64_t duration = 0;
  std::string_view user;
  std::string_view host;  ///< an address without its port
  std::uint64_t connection_id = 0;
  std::string_view schema;  ///< empty: none
  std::uint64_t rows_sent = 0;
  std::uint64_t rows_affected = 0;
  std::uint64_t bytes_sent = 0;
  std::uint16_t error = 0;     ///< 0: none
  std::string_view digest;     ///< 16 hex digits; empty: left out
  std::string_view statement;  ///< empty: `command` is shown
  std::string_view command;    ///< "Ping"
};

void append_slow_log(std::string& out, const SlowLogEntry& entry);

}  // namespace cli
