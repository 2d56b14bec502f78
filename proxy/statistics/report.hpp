// Statistics as JSON.
#pragma once

#include "proxy/statistics/statistics.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>

namespace mysqlproxy {

/// {"type":"statistics","time":…,"since":…,"threads":2,"statements":[…],"other":…,"evicted":0} and
/// what `more` has. The lines are in the order of their total time.
std::string format_statistics(StatementReport report, std::int64_t now, std::int64_t since,
                              std::size_t threads, const nlohmann::ordered_json& more);

}  // namespace mysqlproxy
