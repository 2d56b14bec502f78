// Runs an operator's program.
#pragma once

#include "proxy/io/loop.hpp"
#include "proxy/io/task.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace mysqlproxy {

/// Runs `command` (a program's path, then its arguments; no shell) with `variables` added to the
/// environment, standard input empty, and its output on our standard error. Waits for its end, for
/// `longest` at most; then it is killed with all that it has started in its process group. Returns
/// what went wrong; empty: it ended with 0.
Task<std::string> run_command(Loop& loop, Waker& waker, const std::vector<std::string>& command,
                              const std::vector<std::pair<std::string, std::string>>& variables,
                              std::chrono::milliseconds longest);

}  // namespace mysqlproxy
