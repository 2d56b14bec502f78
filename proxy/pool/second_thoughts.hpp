// Statements that a server has refused, before it did anything, because another one is to have
// them.
#pragma once

#include <cstdint>
#include <string_view>

namespace mysqlproxy {

/// Error 1047 (ER_UNKNOWN_COM_ERROR) as a member of a Galera cluster says it that takes no
/// statement just now: "WSREP has not yet prepared node for application use".
constexpr bool refused_by_cluster(std::uint16_t code, std::string_view message) noexcept {
  return code == 1047 && message.find("WSREP") != message.npos;
}

/// Error 1290 (ER_OPTION_PREVENTS_STATEMENT) because of --read-only or --super-read-only, and not
/// of one of the other options that it is about; or 1836 (ER_READ_ONLY_MODE).
constexpr bool refused_as_read_only(std::uint16_t code, std::string_view message) noexcept {
  if (code == 1836) return true;
  return code == 1290 &&
         (message.find("read-only") != message.npos || message.find("read_only") != message.npos);
}

}  // namespace mysqlproxy
