// What following a session depends on of its server.
#pragma once

#include <mysqlwire/wire/context.hpp>

#include <cstdint>

namespace mysqlproxy::lending {

struct ServerTraits {
  mysqlwire::Flavor flavor = mysqlwire::Flavor::mysql;
  /// As sql::Dialect has it: 80015, 101119.
  std::uint32_t version = 80015;
  /// Its connections have CLIENT_SESSION_TRACK and were told tracking_statement().
  bool tracks = false;

  friend bool operator==(const ServerTraits&, const ServerTraits&) = default;
};

}  // namespace mysqlproxy::lending
