// mysqlproxy's command line and exit codes.
#pragma once

#include "proxy/config/load.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mysqlproxy {

/// What the process ends with.
enum class ExitCode : int {
  good = 0,
  failure = 1,        ///< at run time
  usage = 2,          ///< command line or configuration
  cannot_bind = 3,    ///< an address to listen on is taken or not ours
  drain_timeout = 4,  ///< stopped on request, but clients were cut off
};

/// A command line without contradictions.
struct CommandLine {
  std::string config_file;  ///< empty: `setup` counts
  SimpleSetup setup;
  bool check_config = false;
  std::string run_as;  ///< a user to become once the addresses are bound; empty: stay
  std::optional<LogLevel> log_level;  ///< these two win over the file, at a reload too
  std::optional<LogFormat> log_format;
};

/// Either options to go on with, or what to print and how to end (--help, --version, errors).
struct CommandLineResult {
  std::optional<CommandLine> options;
  ExitCode exit = ExitCode::good;
  std::string out;  ///< for standard output, with its newline
  std::string err;  ///< for standard error, with its newline
};

/// Never prints and never exits. `arguments` is argv without argv[0].
CommandLineResult parse_command_line(const std::vector<std::string>& arguments);

/// The configuration that the command line asks for: file or flags, then the overrides. Call it
/// again for SIGHUP.
LoadResult load(const CommandLine& options);

/// --check-config: the effective configuration on `out`, or the errors on `err` (exit code usage);
/// warnings always on `err`.
CommandLineResult check_config(const CommandLine& options);

}  // namespace mysqlproxy
