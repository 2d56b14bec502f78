// The subcommands. Each fills in the report of one target; what goes wrong is thrown as ProbeError
// or told in the report.
#pragma once

#include "cli/mysqlprobe/login.hpp"
#include "cli/mysqlprobe/options.hpp"
#include "cli/mysqlprobe/report.hpp"

#include <vector>

namespace mysqlprobe {

Report greet(const Target& target, const Options& options);
Report log_in(const Target& target, const Options& options);
Report ping(const Target& target, const Options& options);
Report tls(const Target& target, const Options& options);
Report conform(const Target& target, const Options& options);
Report matrix(const Target& target, const Options& options);
Report storm(const Target& target, const Options& options);
/// Without a target.
Report verify(const Target& target, const Options& options);
Report hash(const Target& target, const Options& options);

/// Who tries to log in where nobody is meant to: seen in a server's log, and no account's name.
inline constexpr const char* nobody = "mysqlprobe-nobody";

/// The options of a login as `target` changes them (a URL has a user, a schema and more).
LoginSettings settings_for(const Target& target, const Options& options);
/// Runs a login; on failure the report has why, and the result is false.
bool run_login(Login& login, Report& report);

/// Least, mean, 95th percentile and most of some times.
struct Spread {
  double least = 0, mean = 0, median = 0, p95 = 0, p99 = 0, most = 0;
};
Spread spread(std::vector<double> times);

}  // namespace mysqlprobe
