// Whether an account may be used at all, once its password is proved.
#pragma once

#include "proxy/config/config.hpp"

#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// The client and its connection, as far as accounts have conditions.
struct Claimant {
  std::string_view user;
  std::string_view host;  ///< as error messages name it
  bool tls = false;
  std::string_view cipher{};
  bool certified = false;  ///< with a certificate that was verified
  std::string subject{};
  std::string issuer{};
  mysqlwire::Capabilities capabilities{};
  mysqlwire::Flavor flavor = mysqlwire::Flavor::mysql;  ///< of the servers in front
  bool using_password = true;
};

struct Denial {
  mysqlwire::Buffer payload;  ///< of the ERR, as the server would have it
  std::string reason;         ///< for the log
};

/// In the order of the servers: what REQUIRE says, then a lock, then an expired password.
std::optional<Denial> denial_of(const UserConfig& account, const Claimant& claimant);

}  // namespace mysqlproxy
