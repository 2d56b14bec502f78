#include "proxy/config/load_statistics.hpp"

#include "proxy/config/files.hpp"

namespace mysqlproxy {

using namespace std::chrono_literals;

void read_statistics(TableReader& top, Report& report, StatisticsConfig& statistics) {
  const toml::node* node = top.take("statistics");
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) return top.expected("statistics", *node, "a table [statistics]");
  TableReader reader(*table, "statistics", report);
  statistics.enabled = true;
  reader.read("enabled", statistics.enabled);
  reader.read("max_statements", statistics.max_statements, 1, 100'000);
  if (const auto file = reader.text("file", "a path"); file && !file->text.empty())
    statistics.file = beside(report.file(), file->text);
  if (const auto file = reader.text("slow_log", "\"-\", \"\" or a file's name"))
    statistics.slow_log =
        file->text.empty() || file->text == "-" ? file->text : beside(report.file(), file->text);
  reader.read("slow_time", statistics.slow_time, 0ms);
  reader.read("slow_sample", statistics.slow_sample, 1, 1'000'000);
  reader.read("slow_values", statistics.slow_values);
  if (statistics.slow_log.empty())
    for (const char* key : {"slow_time", "slow_sample", "slow_values"})
      if (table->contains(key))
        report.warn(table->get(key)->source(),
                    std::string("statistics.") + key + " is of no use without slow_log");
  reader.reject_unknown();
}

}  // namespace mysqlproxy
