// [guard] and [guard.NAME].
#pragma once

#include "proxy/config/guard.hpp"
#include "proxy/config/table_reader.hpp"

namespace mysqlproxy {

/// Reads the table `guard` of the file, if it is there.
void read_guard(TableReader& top, Report& report, GuardConfig& guard);

}  // namespace mysqlproxy
