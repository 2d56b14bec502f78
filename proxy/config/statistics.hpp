// What is counted of statements, and which are written down.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mysqlproxy {

/// [statistics]
struct StatisticsConfig {
  bool enabled = false;  ///< true by default where the table is there
  /// Statements of one shape, user, schema and server that each data thread remembers; the least
  /// used give way.
  std::uint32_t max_statements = 2'000;
  std::string file;      ///< gets the figures at SIGUSR1, as JSON; empty: none
  std::string slow_log;  ///< a file to append to; empty: none
  std::chrono::milliseconds slow_time{1'000};  ///< a statement that takes longer is slow
  std::uint32_t slow_sample = 1;               ///< every so many of them is written
  bool slow_values = false;                    ///< with the values of literals

  friend bool operator==(const StatisticsConfig&, const StatisticsConfig&) = default;
};

}  // namespace mysqlproxy
