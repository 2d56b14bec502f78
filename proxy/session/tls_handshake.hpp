// Starting TLS on a connection.
#pragma once

#include "proxy/io/task.hpp"
#include "proxy/session/channel.hpp"

#include <memory>
#include <string>

namespace mysqlproxy {

/// Shakes hands over `channel`, and has it secured then. Returns why it failed, or an empty text.
/// `watched` as in receive_packet().
Task<std::string> start_tls(Waker& waker, Channel& channel, std::unique_ptr<TlsStream> tls,
                            const Deadline& deadline, const Socket* watched);

}  // namespace mysqlproxy
