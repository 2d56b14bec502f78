// Giving up the rights of root.
#pragma once

#include <string>

namespace mysqlproxy {

/// Makes the whole process, threads that run already too, one of the user `name`: user, group and
/// supplementary groups, and no way back. Nothing to do when it is one already. Returns what went
/// wrong, after which the process must not go on, or an empty text.
std::string run_as(const std::string& name);

}  // namespace mysqlproxy
