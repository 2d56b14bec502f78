// [statistics].
#pragma once

#include "proxy/config/statistics.hpp"
#include "proxy/config/table_reader.hpp"

namespace mysqlproxy {

/// Reads the table `statistics` of the file, if it is there.
void read_statistics(TableReader& top, Report& report, StatisticsConfig& statistics);

}  // namespace mysqlproxy
