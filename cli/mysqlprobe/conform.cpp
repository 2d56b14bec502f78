// conform: the rules of the protocol against a server or a proxy.
#include "cli/mysqlprobe/conform.hpp"

#include "cli/mysqlprobe/commands.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mysqlprobe {

namespace {

Outcome run_check(const Check& check, Bench& bench) {
  try {
    return check.run(bench);
  } catch (const Outcome& outcome) {
    return outcome;
  } catch (const ProbeError& error) {
    if (error.failure.kind == FailureKind::interrupted) throw;
    return fail(fmt::format("{}{}{}", error.failure.step, error.failure.step.empty() ? "" : ": ",
                            error.failure.message));
  }
}

bool is_wanted(const Check& check, const Options& options) {
  return options.checks.empty() ||
         std::any_of(options.checks.begin(), options.checks.end(),
                     [&](const std::string& prefix) { return check.name.starts_with(prefix); });
}

struct Tally {
  std::size_t passed = 0, failed = 0, deviating = 0, skipped = 0;

  void add(Outcome::Kind kind) {
    switch (kind) {
      case Outcome::Kind::pass: ++passed; break;
      case Outcome::Kind::fail: ++failed; break;
      case Outcome::Kind::deviation: ++deviating; break;
      case Outcome::Kind::skipped: ++skipped; break;
    }
  }
};

Json to_json(const Check& check, const Outcome& outcome) {
  return {{"name", check.name},
          {"outcome", std::string(to_string(outcome.kind))},
          {"seen", outcome.seen},
          {"packet", outcome.packet.empty() ? Json(nullptr) : Json(outcome.packet)}};
}

// A login first: without one nothing else can be said.
bool look(const Target& target, const LoginSettings& settings, Bench& bench, Report& report) {
  Login login(target, settings);
  if (!run_login(login, report)) return false;
  bench.learn(login.machine());
  report.summary = login.facts().version;
  login.connection().quit();
  report.steps.clear();
  return true;
}

void list(Report& report, const Options& options) {
  report.found["checks"] = Json::array();
  for (const Check& check : all_checks()) {
    if (!is_wanted(check, options)) continue;
    report.lines.push_back(fmt::format("{:<32}{}", check.name, check.about));
    report.found["checks"].push_back({{"name", check.name}, {"about", check.about}});
  }
  report.summary = fmt::format("{} checks", report.lines.size());
}

void tell(Report& report, const Check& check, const Outcome& outcome) {
  report.lines.push_back(
      fmt::format("{:<10}{:<32}{}", to_string(outcome.kind), check.name, outcome.seen));
  if (!outcome.packet.empty())
    report.lines.push_back(fmt::format("{:<10}{:<32}packet {}", "", "", outcome.packet));
}

void run_all(Report& report, const Options& options, Bench& bench) {
  Tally tally;
  report.found["checks"] = Json::array();
  for (const Check& check : all_checks()) {
    if (!is_wanted(check, options) || interrupted()) continue;
    const Outcome outcome = run_check(check, bench);
    tally.add(outcome.kind);
    report.found["checks"].push_back(to_json(check, outcome));
    tell(report, check, outcome);
  }
  report.found["passed"] = tally.passed;
  report.found["failed"] = tally.failed;
  report.found["deviations"] = tally.deviating;
  report.found["skipped"] = tally.skipped;
  report.summary += fmt::format(": {} passed, {} failed, {} deviations, {} skipped", tally.passed,
                                tally.failed, tally.deviating, tally.skipped);
  if (tally.failed != 0 || tally.passed == 0) report.raise(ExitCode::refused);
}

void compare(Report& report, const Options& options, Bench& bench, Bench& other) {
  report.found["against"] = other.target().text;
  report.found["differences"] = Json::array();
  std::size_t same = 0, compared = 0;
  for (const Check& check : all_checks()) {
    if (!is_wanted(check, options) || interrupted()) continue;
    const Outcome a = run_check(check, bench);
    const Outcome b = run_check(check, other);
    ++compared;
    if (a.kind == b.kind && a.seen == b.seen) {
      ++same;
      continue;
    }
    report.found["differences"].push_back(
        {{"name", check.name}, {"target", to_json(check, a)}, {"against", to_json(check, b)}});
    report.lines.push_back(check.name);
    report.lines.push_back(
        fmt::format("  {:<24}{:<10}{}", bench.target().text, to_string(a.kind), a.seen));
    report.lines.push_back(
        fmt::format("  {:<24}{:<10}{}", other.target().text, to_string(b.kind), b.seen));
  }
  report.found["compared"] = compared;
  report.found["same"] = same;
  report.summary =
      fmt::format("{} of {} checks go as with {}", same, compared, other.target().text);
  if (same != compared) report.raise(ExitCode::refused);
}

}  // namespace

std::vector<Check> all_checks() {
  std::vector<Check> checks;
  add_greeting_checks(checks);
  add_login_checks(checks);
  add_command_checks(checks);
  add_result_checks(checks);
  add_size_checks(checks);
  add_statement_checks(checks);
  add_type_checks(checks);
  add_compression_checks(checks);
  return checks;
}

Report conform(const Target& target, const Options& options) {
  Report report;
  if (options.list_checks) {
    list(report, options);
    return report;
  }
  LoginSettings settings = settings_for(target, options);
  settings.connection.recorder = nullptr;
  Bench bench(target, settings);
  if (!look(target, settings, bench, report)) return report;
  report.step = "conform";
  if (!options.against) {
    run_all(report, options, bench);
    return report;
  }
  LoginSettings other_settings = settings_for(*options.against, options);
  Bench other(*options.against, other_settings);
  if (!look(*options.against, other_settings, other, report)) return report;
  compare(report, options, bench, other);
  return report;
}

}  // namespace mysqlprobe
