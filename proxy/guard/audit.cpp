#include "proxy/guard/audit.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <random>

namespace mysqlproxy {
namespace {

using Json = nlohmann::ordered_json;

std::string timestamp(std::chrono::system_clock::time_point time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::floor<std::chrono::milliseconds>(time - whole).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), rest);
}

Json names(GuardChecks checks) {
  Json list = Json::array();
  for (std::size_t i = 0; i < guard_checks; ++i)
    if (const auto check = static_cast<GuardCheck>(i); checks.has(check))
      list.push_back(to_string(check));
  return list;
}

Json text_or_null(std::string_view text) {
  return text.empty() ? Json(nullptr) : Json(std::string(text));
}

}  // namespace

std::string format_audit(const AuditRecord& record) {
  const ConnectionFacts& facts = record.facts;
  const bool refused = !record.refused.empty();
  Json line = {{"time", timestamp(record.time)},
               {"type", "guard"},
               {"request", record.request},
               {"action", refused ? "refused" : "observed"},
               {"checks", names(refused ? record.refused : record.observed)}};
  if (refused && !record.observed.empty()) line["observed"] = names(record.observed);
  line["user"] = text_or_null(facts.user);
  line["client"] = text_or_null(facts.address);
  line["listener"] = text_or_null(facts.listener);
  line["schema"] = text_or_null(facts.schema);
  line["pool"] = text_or_null(facts.pool);
  line["server"] = text_or_null(facts.server);
  line["connection_id"] = record.connection_id;
  line["command"] = std::string(mysqlwire::to_string(record.command));
  line["digest"] =
      record.digest_text.empty() ? Json(nullptr) : Json(fmt::format("{:016x}", record.digest));
  line["digest_text"] = text_or_null(record.digest_text);
  line["statement"] = text_or_null(record.statement);
  return line.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Audit::Audit(const std::string& target, Log& log)
    : log_(log),
      writer_(STDOUT_FILENO, target),
      run_(fmt::format("{:08x}", std::random_device()())) {}

std::string Audit::next_request() {
  return fmt::format("{}-{}", run_, requests_.fetch_add(1, std::memory_order_relaxed) + 1);
}

void Audit::write(const AuditRecord& record) {
  for (std::size_t i = 0; i < guard_checks; ++i) {
    const auto check = static_cast<GuardCheck>(i);
    if (record.observed.has(check)) counters_[i].observed.fetch_add(1, std::memory_order_relaxed);
    if (record.refused.has(check)) counters_[i].refused.fetch_add(1, std::memory_order_relaxed);
  }
  std::string line = format_audit(record);
  if (writer_.on())
    writer_.write(std::move(line));
  else
    log_.warn("the guard found something", {{"finding", line}});
}

Audit::Count Audit::count(GuardCheck check) const noexcept {
  const Counter& counter = counters_[static_cast<std::size_t>(check)];
  return {counter.observed.load(std::memory_order_relaxed),
          counter.refused.load(std::memory_order_relaxed)};
}

void Audit::reopen() { writer_.reopen(); }
void Audit::reconfigure(const std::string& target) { writer_.open(target); }

}  // namespace mysqlproxy
