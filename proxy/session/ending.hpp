// How a session ended.
#pragma once

#include "proxy/log/log.hpp"

#include <string>

namespace mysqlproxy {

struct Ending {
  EndedBy side = EndedBy::proxy;
  std::string
      reason;  ///< "quit", "access denied", "server closed the connection" …; empty: not over
};

}  // namespace mysqlproxy
