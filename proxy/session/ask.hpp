// One query of the proxy's own.
#pragma once

#include "proxy/io/loop.hpp"
#include "proxy/io/task.hpp"
#include "proxy/session/server_connection.hpp"
#include "proxy/session/text_result.hpp"

#include <chrono>
#include <string_view>

namespace mysqlproxy {

/// Sends `statement` over a connection that has nothing under way and takes the answer, one result
/// set, or where `ok_too` says so an OK; what goes wrong is in its error().
Task<TextResult> ask(Loop& loop, Waker& waker, ServerConnection& connection,
                     std::string_view statement, std::chrono::milliseconds timeout,
                     bool ok_too = false);

/// How the proxy's own connections want to be.
SessionWishes own_wishes();

}  // namespace mysqlproxy
