// What a greeting gives away: product, salt, proxies.
#pragma once

#include <mysqlwire/session/server_greeting.hpp>
#include <mysqlwire/wire/bytes.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlprobe {

struct Product {
  std::string name;     ///< "MariaDB", "MySQL", "Percona Server", "ProxySQL" …
  std::string version;  ///< "10.11.6"
  bool is_proxy = false;
};

/// By the version that is announced, which anybody can set.
Product detect_product(std::string_view announced, mysqlwire::Flavor flavor);

/// What is to be said of the plugin data of one greeting.
struct SaltShape {
  unsigned announced = 0;       ///< auth_plugin_data_len; 0 where there is none
  unsigned size = 0;            ///< bytes that came, a closing NUL not counted
  bool closing_nul = false;     ///< the byte behind them is NUL, as clients expect
  bool printable = false;       ///< 0x20 to 0x7e only
  bool seven_bit = false;       ///< 0x01 to 0x7f only
  bool holds_nul = false;       ///< which ends it early for some clients
  unsigned distinct_bytes = 0;  ///< of those that came
};

SaltShape look_at_salt(mysqlwire::Bytes greeting_payload, const mysqlwire::Salt& salt);

/// One greeting of several.
struct Seen {
  mysqlwire::ServerGreeting greeting;
};

/// What several greetings of one address say together.
struct Crowd {
  unsigned servers = 1;  ///< how many seem to stand there, at least
  bool constant_salt = false;
  bool weak_salt = false;
  std::vector<std::string> proxy_hints;  ///< why it looks like a proxy
  std::vector<std::string> salt_hints;
};

Crowd judge(const std::vector<Seen>& seen, const std::vector<SaltShape>& shapes);

}  // namespace mysqlprobe
