#include "proxy/statistics/report.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace mysqlproxy {
namespace {

using Json = nlohmann::ordered_json;

Json timestamp(std::int64_t milliseconds) {
  if (milliseconds == 0) return nullptr;
  const std::chrono::system_clock::time_point time{std::chrono::milliseconds(milliseconds)};
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)), milliseconds % 1000);
}

Json latency_json(const LatencyHistogram& latency) {
  Json buckets = Json::array();
  for (std::size_t i = 0; i < LatencyHistogram::buckets; ++i)
    if (latency.in_bucket(i) != 0)
      buckets.push_back({LatencyHistogram::upper(i), latency.in_bucket(i)});
  return {{"total_us", latency.total()},      {"mean_us", latency.mean()},
          {"p50_us", latency.quantile(0.5)},  {"p95_us", latency.quantile(0.95)},
          {"p99_us", latency.quantile(0.99)}, {"max_us", latency.max()},
          {"buckets_us", std::move(buckets)}};
}

void add_figures(Json& line, const StatementFigures& figures) {
  line["count"] = figures.count;
  line["errors"] = figures.errors;
  line["refused"] = figures.refused;
  line["rows"] = figures.rows;
  line["bytes"] = figures.bytes;
  line["first"] = timestamp(figures.first);
  line["last"] = timestamp(figures.last);
  line["latency"] = latency_json(figures.latency);
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

std::string format_statistics(StatementReport report, std::int64_t now, std::int64_t since,
                              std::size_t threads, const nlohmann::ordered_json& more) {
  std::ranges::sort(report.statements, [](const auto& a, const auto& b) {
    const auto left = a.figures.latency.total();
    const auto right = b.figures.latency.total();
    return left != right ? left > right : a.digest_text < b.digest_text;
  });
  Json statements = Json::array();
  for (const StatementRecord& record : report.statements) {
    Json line = {{"digest", fmt::format("{:016x}", record.digest)},
                 {"digest_text", record.digest_text},
                 {"user", text_or_null(record.user)},
                 {"schema", text_or_null(record.schema)},
                 {"server", text_or_null(record.server)}};
    add_figures(line, record.figures);
    line["example"] = text_or_null(record.example);
    statements.push_back(std::move(line));
  }
  Json other = Json::object();
  add_figures(other, report.other);
  Json root = {{"type", "statistics"},
               {"time", timestamp(now)},
               {"since", timestamp(since)},
               {"threads", threads},
               {"statements", std::move(statements)},
               {"evicted", report.evicted},
               {"other", std::move(other)}};
  for (const auto& [key, value] : more.items()) root[key] = value;
  return root.dump(1, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace mysqlproxy
