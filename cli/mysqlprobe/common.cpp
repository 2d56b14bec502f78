#include "cli/mysqlprobe/commands.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mysqlprobe {

LoginSettings settings_for(const Target& target, const Options& options) {
  LoginSettings settings = options.login;
  settings.password = target.password ? target.password.get() : options.password.get();
  if (target.user && !options.has_user) settings.plan.user = *target.user;
  if (target.database && settings.plan.database.empty()) settings.plan.database = *target.database;
  if (target.tls) settings.connection.tls.mode = *target.tls;
  return settings;
}

bool run_login(Login& login, Report& report) {
  try {
    login.run();
  } catch (const ProbeError& error) {
    report.steps = login.steps();
    report.fail(error.failure, login.facts());
    return false;
  }
  report.steps = login.steps();
  report.step = "ok";
  return true;
}

Spread spread(std::vector<double> times) {
  Spread out;
  if (times.empty()) return out;
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    const auto index =
        static_cast<std::size_t>(std::ceil(part * static_cast<double>(times.size())));
    return times[std::min(times.size() - 1, index == 0 ? 0 : index - 1)];
  };
  out.least = times.front();
  out.mean = std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size());
  out.median = at(0.5);
  out.p95 = at(0.95);
  out.p99 = at(0.99);
  out.most = times.back();
  return out;
}

}  // namespace mysqlprobe
