// What was found at one target, for people, for programs and for monitoring.
#pragma once

#include "cli/mysqlprobe/diagnosis.hpp"
#include "cli/mysqlprobe/failure.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mysqlprobe {

using Json = nlohmann::ordered_json;

/// One step that was done, and how long it took.
struct Step {
  std::string name;
  double ms = 0;
  std::string detail;
};

/// Strings may hold anything that a server sent: rendering makes them harmless.
struct Report {
  std::string command;
  std::string target;
  ExitCode exit = ExitCode::good;
  std::string step;  ///< the step that failed, or the last one
  std::vector<Step> steps;
  std::optional<Failure> failure;
  std::vector<Cause> causes;
  Json found = Json::object();     ///< what the subcommand found; also what --expect looks at
  std::vector<std::string> lines;  ///< the same for people
  std::vector<std::string> unmet;  ///< expectations
  /// "name=value[unit]" of --nagios.
  std::vector<std::string> performance;
  std::string trace;    ///< the packets, as text that is safe already
  std::string summary;  ///< one line

  void raise(ExitCode code) { exit = std::max(exit, code); }
  /// Takes over why it failed.
  void fail(const Failure& why, const LoginFacts& facts);
};

struct ReportStyle {
  bool json = false;
  bool nagios = false;
  bool quiet = false;
  bool colour = false;
};

/// Compares what was found with `KEY=VALUE`s: by text, ignoring case; a `version` also by its first
/// numbers (8.0 is met by 8.0.36); a list by holding the value. What is not met goes to
/// report.unmet, and the exit code becomes 1 at least.
void expect(Report& report, const std::vector<std::pair<std::string, std::string>>& expectations);

/// The report as it is printed.
std::string render(const Report& report, const ReportStyle& style);

/// The plugin's exit code for Nagios: 0 OK, 1 warning, 2 critical, 3 unknown.
int nagios_code(const Report& report) noexcept;

/// Text for a terminal: control characters of any kind are shown and not sent.
std::string printable(std::string_view text);
/// "0.42 ms"
std::string milliseconds(double ms);

}  // namespace mysqlprobe
