#include "cli/mysqlprobe/report.hpp"

#include "cli/common/text.hpp"

#include <fmt/format.h>

namespace mysqlprobe {

namespace {

constexpr std::string_view bold = "\x1b[1m", red = "\x1b[31m", green = "\x1b[32m",
                           plain = "\x1b[0m";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool meets_version(const std::string& found, const std::string& wanted) {
  if (!found.starts_with(wanted)) return false;
  return found.size() == wanted.size() || found[wanted.size()] < '0' || found[wanted.size()] > '9';
}

std::string shown(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

bool same(const Json& found, const std::string& wanted) {
  if (found.is_array()) {
    for (const Json& each : found)
      if (same(each, wanted)) return true;
    return false;
  }
  if (found.is_boolean()) {
    const std::string text = lower(wanted);
    const bool yes = text == "true" || text == "yes" || text == "on" || text == "1";
    const bool no = text == "false" || text == "no" || text == "off" || text == "0";
    return found.get<bool>() ? yes : no;
  }
  if (found.is_null()) return lower(wanted) == "null" || wanted.empty();
  return lower(shown(found)) == lower(wanted);
}

// "tls.version" is a member of a member.
const Json* find(const Json& found, std::string_view path) {
  const Json* at = &found;
  while (at != nullptr) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    if (!at->is_object() || !at->contains(path.substr(0, dot))) return nullptr;
    at = &(*at)[std::string(path.substr(0, dot))];
    if (dot == path.size()) return at;
    path.remove_prefix(dot + 1);
  }
  return nullptr;
}

Json error_json(const Report& report) {
  const Failure& failure = *report.failure;
  Json error = Json::object();
  error["code"] = failure.code != 0 ? Json(failure.code) : Json(nullptr);
  error["sql_state"] = failure.sql_state.empty() ? Json(nullptr) : Json(failure.sql_state);
  error["message"] = failure.message;
  error["cause"] = report.causes.empty() ? Json(nullptr) : Json(report.causes[0].cause);
  error["advice"] = report.causes.empty() ? Json(nullptr) : Json(report.causes[0].advice);
  error["causes"] = Json::array();
  for (const Cause& each : report.causes)
    error["causes"].push_back({{"cause", each.cause}, {"advice", each.advice}});
  return error;
}

std::string render_json(const Report& report) {
  Json out = Json::object();
  out["command"] = report.command;
  out["target"] = report.target.empty() ? Json(nullptr) : Json(report.target);
  out["ok"] = report.exit == ExitCode::good;
  out["exit_code"] = static_cast<int>(report.exit);
  out["step"] = report.step.empty() ? Json(nullptr) : Json(report.step);
  out["error"] = report.failure ? error_json(report) : Json(nullptr);
  out["steps"] = Json::array();
  for (const Step& step : report.steps)
    out["steps"].push_back({{"name", step.name}, {"ms", step.ms}, {"detail", step.detail}});
  if (!report.unmet.empty()) out["unmet"] = report.unmet;
  out["found"] = report.found;
  // ASCII only: no byte of a server's strings can act on a terminal.
  return out.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::string render_nagios(const Report& report) {
  static constexpr std::string_view names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
  std::string said = report.summary;
  if (report.failure)
    said = fmt::format("{}: {}", report.failure->step, report.failure->message);
  else if (!report.unmet.empty())
    said = report.unmet.front();
  std::string line = printable(fmt::format("MYSQLPROBE {} - {} {}: {}", names[nagios_code(report)],
                                           report.command, report.target, said));
  std::replace(line.begin(), line.end(), '|', '/');
  if (!report.performance.empty()) {
    line += " |";
    for (const std::string& each : report.performance) line += " " + each;
  }
  return line + "\n";
}

class Text {
 public:
  explicit Text(bool colour) : colour_(colour) {}

  void line(std::string_view text, std::string_view style = {}) {
    const bool styled = colour_ && !style.empty();
    if (styled) out_ += style;
    cli::append_printable(out_, text);
    if (styled) out_ += plain;
    out_ += '\n';
  }
  std::string& raw() { return out_; }

 private:
  std::string out_;
  bool colour_;
};

}  // namespace

void Report::fail(const Failure& why, const LoginFacts& facts) {
  Diagnosis diagnosis = diagnose(why, facts);
  failure = why;
  step = why.step;
  causes = std::move(diagnosis.causes);
  raise(diagnosis.exit);
}

void expect(Report& report, const std::vector<std::pair<std::string, std::string>>& expectations) {
  if (report.failure) return;
  for (const auto& [key, value] : expectations) {
    const Json* found = find(report.found, key);
    if (found == nullptr) {
      report.unmet.push_back(
          fmt::format("{}={} was expected, and nothing is known of {}", key, value, key));
    } else if (!same(*found, value) && !(key.ends_with("version") && found->is_string() &&
                                         meets_version(found->get<std::string>(), value))) {
      report.unmet.push_back(
          fmt::format("{}={} was expected, and it is {}", key, value, shown(*found)));
    }
  }
  if (!report.unmet.empty()) report.raise(ExitCode::refused);
}

int nagios_code(const Report& report) noexcept {
  if (report.exit == ExitCode::good) return 0;
  if (report.exit == ExitCode::usage) return 3;
  return !report.failure && report.exit == ExitCode::refused && !report.unmet.empty() ? 1 : 2;
}

std::string printable(std::string_view text) {
  std::string out;
  cli::append_printable(out, text);
  return out;
}

std::string milliseconds(double ms) { return fmt::format("{:.2f} ms", ms); }

std::string render(const Report& report, const ReportStyle& style) {
  if (style.json) return render_json(report);
  if (style.nagios) return render_nagios(report);
  if (style.quiet) return {};
  Text text(style.colour);
  std::string head = report.target;
  if (!report.summary.empty()) head += (head.empty() ? "" : "  ") + report.summary;
  if (!head.empty()) text.line(head, bold);
  text.raw() += report.trace;
  for (const Step& step : report.steps)
    text.line(fmt::format("  {:<12} {:>9.2f} ms  {}", step.name, step.ms, step.detail));
  for (const std::string& line : report.lines) text.line("  " + line);
  for (const std::string& line : report.unmet) text.line("  not as expected: " + line, red);
  if (report.failure) {
    const Failure& failure = *report.failure;
    std::string error = fmt::format("  {} failed: ", failure.step);
    if (failure.kind == FailureKind::err_packet)
      error += failure.sql_state.empty()
                   ? fmt::format("ERROR {}: ", failure.code)
                   : fmt::format("ERROR {} ({}): ", failure.code, failure.sql_state);
    text.line(error + failure.message, red);
    std::size_t number = 0;
    for (const Cause& each : report.causes) {
      text.line(fmt::format("  {}. {}", ++number, each.cause));
      if (!each.advice.empty()) text.line("     " + each.advice, green);
    }
  }
  return text.raw();
}

}  // namespace mysqlprobe
