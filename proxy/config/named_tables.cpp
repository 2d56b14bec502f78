#include "proxy/config/named_tables.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mysqlproxy {

std::string_view noun(std::string_view kind) noexcept {
  return kind == "listen" ? "listener" : kind;
}

std::vector<Named> named_tables(TableReader& top, Report& report, std::string_view kind,
                                std::string_view without) {
  std::vector<Named> found;
  const toml::node* node = top.take(kind);
  if (node != nullptr && !node->is_table()) {
    top.expected(kind, *node, fmt::format("a table [{}.NAME]", kind));
    return found;
  }
  if (node == nullptr || node->as_table()->empty()) {
    if (without.empty()) return found;
    const toml::source_region at = node == nullptr ? toml::source_region{} : node->source();
    report.error(at, fmt::format("no [{}.NAME] table: {}", kind, without));
    return found;
  }
  for (const auto& [key, child] : *node->as_table()) {
    if (const toml::table* table = child.as_table()) {
      found.push_back({std::string(key.str()), key.source(), table});
    } else {
      // What stands in a user's place by mistake may be a hash or a password.
      const bool secret = kind == "user" && child.is_string();
      report.error(key.source(),
                   fmt::format("{}.{}: expected a table [{}.NAME], found {}; the keys of a {} "
                               "stand below a line [{}.NAME]",
                               kind, quote_key(key.str()), kind,
                               secret ? "a string" : describe(child), noun(kind), kind));
    }
  }
  // toml++ sorts them by name.
  std::ranges::sort(found, [](const Named& a, const Named& b) { return a.at.begin < b.at.begin; });
  return found;
}

}  // namespace mysqlproxy
