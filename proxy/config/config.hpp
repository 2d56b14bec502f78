// What mysqlproxy is told to do. Plain values: nothing here opens, resolves or checks anything.
#pragma once

#include "proxy/config/compression.hpp"
#include "proxy/config/endpoint.hpp"
#include "proxy/config/network.hpp"
#include "proxy/config/tls.hpp"

#include <mysqlwire/crypto/password.hpp>
#include <mysqlwire/crypto/secret.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

using std::chrono::milliseconds;

/// [proxy]
struct ProxySettings {
  std::uint32_t threads = 0;               ///< data threads; 0: one per core
  std::uint32_t max_connections = 10'000;  ///< clients at once, at least 1
  milliseconds connect_timeout{2'000};     ///< to reach one server: resolve, connect, greeting
  milliseconds handshake_timeout{10'000};  ///< a client's whole login, from accept to OK
  milliseconds idle_timeout{28'800'000};   ///< no command running and no byte; 0: never
  milliseconds drain_timeout{30'000};      ///< how long SIGTERM waits for clients; 0: not at all
  std::uint64_t max_allowed_packet = 64ULL << 20;  ///< bytes of one logical packet, to 1 GiB
  std::string data_dir;    ///< for what is made at the first start; empty: made at each start
  std::string tls_keylog;  ///< file for the secrets of TLS sessions; empty: none

  friend bool operator==(const ProxySettings&, const ProxySettings&) = default;
};

/// [listen.NAME]
struct ListenerConfig {
  std::string name;
  std::vector<Endpoint> bind;                 ///< at least one; no two listeners share one
  std::optional<std::string> server_version;  ///< shown in place of the pool's common version
  ListenerTls tls;
  CompressionConfig compression = listener_compression();
  /// Connections from here begin with a header of the PROXY protocol.
  std::vector<Network> proxy_protocol_from;

  friend bool operator==(const ListenerConfig&, const ListenerConfig&) = default;
};

/// Whether a server is told whose connection it is, and in which version of the PROXY protocol.
enum class ProxyProtocol : std::uint8_t { disabled, v1, v2 };

/// [server.NAME]
struct ServerConfig {
  std::string name;
  Endpoint address;                   ///< its port is never 0
  std::uint32_t weight = 1;           ///< 1 to 1000; its share within a pool
  std::uint32_t max_connections = 0;  ///< this proxy's connections to it; 0: no limit
  ServerTls tls;
  CompressionConfig compression = server_compression();
  ProxyProtocol proxy_protocol = ProxyProtocol::disabled;
  std::string client_address_attribute;  ///< of the connection; empty: none is sent
  /// Without TLS: take the RSA key for a password from the server, unseen.
  bool get_server_public_key = false;

  friend bool operator==(const ServerConfig&, const ServerConfig&) = default;
};

/// How a pool picks a server for a new connection.
enum class Balance : std::uint8_t {
  least_connections,  ///< the fewest connections in proportion to its weight
  round_robin,        ///< each in turn, in proportion to its weight
  first_available,    ///< the first of the list that is up
};

/// [pool.NAME]
struct PoolConfig {
  std::string name;
  std::vector<std::string> servers;  ///< names of Config::servers; at least one, none twice
  Balance balance = Balance::least_connections;

  friend bool operator==(const PoolConfig&, const PoolConfig&) = default;
};

/// What is stored of a password: one form or several, for the same password.
using StoredHashes = mysqlwire::crypto::StoredPassword;

/// [user.NAME]; the table's key is the MySQL user name, byte for byte.
struct UserConfig {
  std::string name;
  std::string pool;          ///< a name of Config::pools
  StoredHashes hashes;       ///< at least one, unless the server decides
  bool passthrough = false;  ///< nothing is stored: what the server asks for goes to the client

  friend bool operator==(const UserConfig&, const UserConfig&) = default;
};

/// [health]
struct HealthConfig {
  milliseconds interval{2'000};
  milliseconds timeout{1'000};              ///< for one whole check
  std::string user;                         ///< empty: the check does not log in
  std::string password_file;                ///< empty: `user` has no password
  mysqlwire::crypto::SecretBytes password;  ///< the file's first line, read with the configuration
};

enum class LogLevel : std::uint8_t { error, warn, info, debug };
enum class LogFormat : std::uint8_t { text, json };

/// [log]
struct LogConfig {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::string access = "-";  ///< "-": standard output; empty: off; else a file to append to

  friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

/// A configuration whose names all resolve. Move-only, since it may hold a password: share it as
/// std::shared_ptr<const Config>. The vectors are in the file's order, names are unique within
/// each.
struct Config {
  ProxySettings proxy;
  std::vector<ListenerConfig> listeners;
  std::vector<ServerConfig> servers;
  std::vector<PoolConfig> pools;
  std::vector<UserConfig> users;
  HealthConfig health;
  LogConfig log;

  /// The element with that name, or null. The pointer is valid as long as this object is unchanged.
  const ServerConfig* find_server(std::string_view name) const noexcept;
  const PoolConfig* find_pool(std::string_view name) const noexcept;
  const UserConfig* find_user(std::string_view name) const noexcept;
};

/// The words of the file: "least_connections", "warn", "json".
std::string_view to_string(Balance balance) noexcept;
std::string_view to_string(Compression compression) noexcept;
std::string_view to_string(ProxyProtocol version) noexcept;
std::string_view to_string(LogLevel level) noexcept;
std::string_view to_string(LogFormat format) noexcept;

}  // namespace mysqlproxy
