// What clients are shown: no more than every server of theirs, and this proxy, can do.
#pragma once

#include "proxy/pool/server.hpp"

#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/context.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace mysqlproxy {

/// Capabilities that this proxy carries through rightly; anything else is never offered. An allow
/// list: a flag that tomorrow's server brings is off until somebody has made it work here.
mysqlwire::Capabilities implemented_capabilities() noexcept;

/// The greeting of a listener, but for what is fresh for each client.
struct CommonGround {
  std::string version;
  mysqlwire::Flavor flavor = mysqlwire::Flavor::mysql;
  mysqlwire::Capabilities capabilities;
  std::uint8_t collation = 0;

  friend bool operator==(const CommonGround&, const CommonGround&) = default;
};

/// The common ground of the servers whose facts are known; where none is, what any server of the
/// last decade can do. `version_override` replaces the version text when it is not empty.
CommonGround common_ground(std::span<const std::shared_ptr<const ServerFacts>> facts,
                           std::string_view version_override);

}  // namespace mysqlproxy
