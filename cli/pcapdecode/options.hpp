// The command line of pcapdecode.
#pragma once

#include "cli/pcapdecode/format.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pcapdecode {

enum class ExitCode : int {
  decoded = 0,
  problems = 1,  ///< only with --strict
  usage = 2,
  unreadable = 3,
  no_mysql = 4,
};

/// What is shown of the capture.
struct Filter {
  std::set<std::uint64_t> streams;
  std::string client;
  std::string server;
  std::string user;
  std::string db;
  std::string command;
  std::string grep;
  std::optional<double> slower_than;  ///< seconds
  bool errors = false;
  std::optional<std::int64_t> from;  ///< nanoseconds since the epoch
  std::optional<std::int64_t> to;
  std::uint64_t first_frame = 0;
  std::uint64_t last_frame = ~std::uint64_t{0};

  /// Whether a message is shown depends on how its command turns out.
  bool is_by_exchange() const {
    return !user.empty() || !db.empty() || !command.empty() || !grep.empty() || slower_than ||
           errors;
  }
};

struct Options {
  std::vector<std::string> files;
  std::string interface;
  std::string capture_filter;
  std::vector<std::uint16_t> ports;
  bool any_port = false;
  std::vector<std::string> key_logs;
  FormatOptions format;
  bool format_given = false;
  std::string packets_to;  ///< a file for the packets of what is selected
  Filter filter;
  std::uint64_t max_records = 0;  ///< 0: no limit
  bool strict = false;
  bool diff = false;  ///< compare the two files
};

/// What a command line comes to: options, or text to print and a code to leave with.
struct CommandLine {
  Options options;
  std::optional<ExitCode> exit;
  std::string out;
  std::string err;
};

CommandLine parse_command_line(int argc, const char* const* argv);

/// Which of its inputs -w would overwrite; empty when it is none. "-" is standard input or output.
std::string overwritten_input(const Options& options);

}  // namespace pcapdecode
