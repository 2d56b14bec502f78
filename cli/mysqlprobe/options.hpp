// The command line of mysqlprobe.
#pragma once

#include "cli/mysqlprobe/failure.hpp"
#include "cli/mysqlprobe/login.hpp"
#include "cli/mysqlprobe/recorder.hpp"
#include "cli/mysqlprobe/report.hpp"
#include "cli/mysqlprobe/target.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mysqlprobe {

/// What verify and hash are given.
struct VerifyOptions {
  std::string plugin;
  std::string hash;      ///< a stored form
  std::string salt;      ///< hex
  std::string response;  ///< hex
  std::string capture;   ///< a file with logins
  std::uint32_t rounds = 5000;
};

struct Options {
  std::string command;
  std::vector<Target> targets;
  LoginSettings login;
  std::shared_ptr<mysqlwire::crypto::SecretBytes> password;
  bool asks_password = false;  ///< -p: to be asked for on the terminal
  bool has_password = false;
  bool has_user = false;
  RecorderOptions recorder;
  std::string write;  ///< a pcapng
  ReportStyle style;
  bool colour_auto = true;
  std::vector<std::pair<std::string, std::string>> expectations;
  unsigned parallel = 8;

  std::uint64_t count = 0;  ///< 0: the subcommand's own
  std::chrono::milliseconds interval{1000};
  bool by_login = false;  ///< ping --login
  bool grants = false;
  unsigned warn_days = 14;  ///< of a certificate
  VerifyOptions verify;
  // storm
  unsigned connections = 0;
  double rate = 0;  ///< logins a second, 0: as fast as it goes
  std::chrono::milliseconds duration{0};
  // conform
  std::optional<Target> against;
  std::vector<std::string> checks;
  bool list_checks = false;
};

/// What a command line comes to: options, or text to print and a code to leave with.
struct CommandLine {
  Options options;
  std::optional<ExitCode> exit;
  std::string out;
  std::string err;
};

/// Reads the command line and the option files. Passwords that stand in `argv` are overwritten.
CommandLine parse_command_line(int argc, char** argv);

/// "10ms", "1.5s", "2m"; bare numbers are seconds. Nothing for anything else.
std::optional<std::chrono::milliseconds> parse_duration(const std::string& text);

}  // namespace mysqlprobe
