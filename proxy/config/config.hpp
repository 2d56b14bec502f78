// What mysqlproxy is told to do. Plain values: nothing here opens, resolves or checks anything.
#pragma once

#include "proxy/config/compression.hpp"
#include "proxy/config/endpoint.hpp"
#include "proxy/config/guard.hpp"
#include "proxy/config/host_pattern.hpp"
#include "proxy/config/lending.hpp"
#include "proxy/config/network.hpp"
#include "proxy/config/rule.hpp"
#include "proxy/config/statistics.hpp"
#include "proxy/config/tls.hpp"
#include "proxy/pool/steady.hpp"

#include <mysqlwire/crypto/password.hpp>
#include <mysqlwire/crypto/secret.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
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
  milliseconds server_timeout{0};          ///< no byte of an answer that is due; 0: for ever
  milliseconds drain_timeout{30'000};      ///< how long SIGTERM waits for clients; 0: not at all
  std::uint64_t max_allowed_packet = 64ULL << 20;  ///< bytes of one logical packet, to 1 GiB
  std::string users_file;  ///< more [user.NAME] tables, which are in Config::users; empty: none
  std::string data_dir;    ///< for what is made at the first start; empty: made at each start
  std::string tls_keylog;  ///< file for the secrets of TLS sessions; empty: none
  std::string control;     ///< unix socket for commands of operators; empty: none

  friend bool operator==(const ProxySettings&, const ProxySettings&) = default;
};

/// [login_limits]: what failed logins lead to, by client host.
struct LoginLimits {
  std::uint32_t max_failures = 100;  ///< in a row, then the host is blocked; 0: never
  std::uint32_t free_failures = 5;   ///< that are answered at once
  milliseconds first_delay{100};     ///< of the answer to the next one; doubled each time
  milliseconds longest_delay{2'000};
  milliseconds block_time{300'000};  ///< from the last failure on; then all is forgotten
  std::vector<Network> exempt = standard_exempt();  ///< unix sockets are in any case

  /// This machine, as servers have it.
  static std::vector<Network> standard_exempt();

  friend bool operator==(const LoginLimits&, const LoginLimits&) = default;
};

/// [listen.NAME]
struct ListenerConfig {
  std::string name;
  std::vector<Endpoint> bind;                 ///< at least one; no two listeners share one
  std::optional<std::string> server_version;  ///< shown in place of the pool's common version
  ListenerTls tls;
  CompressionConfig compression = listener_compression();
  std::uint32_t max_handshakes = 1'000;  ///< clients at once that have not logged in yet
  bool mysql_clear_password = false;     ///< clients may log in by it, through TLS or a unix socket
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
  /// Accounts there may ask for it; it is answered through TLS or a unix socket only.
  bool mysql_clear_password = false;
  /// Where other servers reach it, to copy from it; nothing: at `address`.
  std::optional<Endpoint> replication_address;

  friend bool operator==(const ServerConfig&, const ServerConfig&) = default;
};

/// How a pool picks a server for a new connection.
enum class Balance : std::uint8_t {
  least_connections,  ///< the fewest connections in proportion to its weight
  round_robin,        ///< each in turn, in proportion to its weight
  first_available,    ///< the first of the list that is up
};

/// Which of its servers a pool uses.
enum class PoolRole : std::uint8_t {
  any,      ///< all of them alike
  primary,  ///< the one that can be written to
  replica,  ///< those that can't, and that are not too far behind
};

/// Whether a pool of replicas uses the primary as well.
enum class PrimaryReads : std::uint8_t {
  never,
  fallback,  ///< while there is no replica
  always,
};

/// [pool.NAME.load_users]: users read from the pool's servers.
struct LoadUsers {
  std::string user;           ///< the account to read with; empty: [health]'s
  std::string password_file;  ///< empty: `user` has no password
  /// The file's first line, read with the configuration; null: none.
  std::shared_ptr<const mysqlwire::crypto::SecretBytes> password;
  milliseconds interval{60'000};
  milliseconds pause{1'000};    ///< at least, between two reads because of failed logins
  milliseconds timeout{3'000};  ///< for one read from one server, and for a login to wait for it

  /// By what the file is called.
  friend bool operator==(const LoadUsers& a, const LoadUsers& b) {
    return a.user == b.user && a.password_file == b.password_file && a.interval == b.interval &&
           a.pause == b.pause && a.timeout == b.timeout;
  }
};

/// What is done when a pool's primary is lost.
enum class Failover : std::uint8_t {
  follow,   ///< somebody else makes another server the primary, and the pool follows it
  promote,  ///< the proxy does
};

/// What a pool of the role `primary` does when its primary is lost or has to move.
struct FailoverConfig {
  Failover mode = Failover::follow;
  bool dry_run = false;              ///< only say what would be done
  std::vector<std::string> command;  ///< run after it; its first part is the program; empty: none
  milliseconds command_timeout{10'000};
  std::string
      replication_user;  ///< by which an old primary copies from the new one; empty: it does not
  std::string replication_password_file;
  /// The file's first line, read with the configuration; null: none.
  std::shared_ptr<const mysqlwire::crypto::SecretBytes> replication_password;
  bool replication_tls = false;
  milliseconds most_lag{10'000};  ///< of a replica that becomes the primary by plan

  /// By what the file is called.
  friend bool operator==(const FailoverConfig& a, const FailoverConfig& b) {
    return a.mode == b.mode && a.dry_run == b.dry_run && a.command == b.command &&
           a.command_timeout == b.command_timeout && a.replication_user == b.replication_user &&
           a.replication_password_file == b.replication_password_file &&
           a.replication_tls == b.replication_tls && a.most_lag == b.most_lag;
  }
};

/// [pool.NAME]
struct PoolConfig {
  std::string name;
  std::vector<std::string> servers;  ///< names of Config::servers; at least one, none twice
  Balance balance = Balance::least_connections;
  bool failback = true;  ///< with first_available: back to one further up as soon as it is up again
  PoolRole role = PoolRole::any;
  milliseconds primary_wait{10'000};  ///< how long a login waits for a primary; 0: not at all
  milliseconds max_lag{0};            ///< of a replica that is used; 0: any
  PrimaryReads primary_reads = PrimaryReads::fallback;
  Pooling pooling = Pooling::session;  ///< of users that do not say
  LendingConfig lending;
  SplitConfig split;
  FailoverConfig failover;
  std::optional<LoadUsers> load_users;

  friend bool operator==(const PoolConfig&, const PoolConfig&) = default;
};

/// What is stored of a password: one form or several, for the same password.
using StoredHashes = mysqlwire::crypto::StoredPassword;

/// What the connection of an account's client has to be: REQUIRE of CREATE USER.
struct TransportRule {
  enum class Kind : std::uint8_t {
    none,
    ssl,   ///< TLS
    x509,  ///< and a certificate of the client's that was verified
  };
  Kind kind = Kind::none;
  // Where not empty these have to be so, in the form that servers have: "/C=SE/O=Shop/CN=app".
  std::string subject;
  std::string issuer;
  std::string cipher;

  friend bool operator==(const TransportRule&, const TransportRule&) = default;
};

/// The account that a user has on the servers, where it is another one.
struct ServerAccount {
  std::string user;         ///< empty: of the same name
  std::string secret_file;  ///< empty: with the same password
  /// What `secret_file` says, read with the configuration; null: none.
  std::shared_ptr<const mysqlwire::crypto::PasswordSecret> secret;

  /// By what the file is called: secrets are not compared.
  friend bool operator==(const ServerAccount& a, const ServerAccount& b) {
    return a.user == b.user && a.secret_file == b.secret_file;
  }
};

/// One account: [user.NAME], or one of several that such a table makes for one name. The table's
/// key is the MySQL user name, byte for byte.
struct UserConfig {
  std::string name;
  std::string pool;          ///< a name of Config::pools
  StoredHashes hashes;       ///< none: nobody can log in, unless the server decides
  bool passthrough = false;  ///< nothing is stored: what the server asks for goes to the client
  HostPattern host;          ///< from where
  TransportRule require;
  bool locked = false;
  bool expired = false;  ///< the password; for clients that can't deal with that
  ServerAccount server;
  std::optional<Pooling> pooling;           ///< nothing: the pool's
  std::optional<CausalReads> causal_reads;  ///< nothing: the pool's

  friend bool operator==(const UserConfig&, const UserConfig&) = default;
};

/// How one kind of check is made: [health.KIND], or what [health] says of all.
struct CheckConfig {
  milliseconds interval{2'000};
  milliseconds timeout{1'000};
  RiseFall needs;  ///< how many in a row count

  friend bool operator==(const CheckConfig&, const CheckConfig&) = default;
};

/// [health]
struct HealthConfig {
  CheckConfig all;          ///< what holds for each kind that says nothing else
  CheckConfig reachable;    ///< connect, log in, COM_PING; the time-out is for all of it
  CheckConfig read_only;    ///< yes: it can be written to
  CheckConfig replication;  ///< yes: it replicates, and is in step with its cluster
  CheckConfig threads{.interval = milliseconds(0)};  ///< yes: it has room; interval 0: not asked
  std::string user;                                  ///< empty: the check does not log in
  std::string password_file;                         ///< empty: `user` has no password
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
/// each, but for users: a name has an account for each host pattern.
struct Config {
  ProxySettings proxy;
  LoginLimits login_limits;
  std::vector<ListenerConfig> listeners;
  std::vector<ServerConfig> servers;
  std::vector<PoolConfig> pools;
  std::vector<UserConfig> users;
  std::vector<RuleConfig> rules;
  HealthConfig health;
  LogConfig log;
  GuardConfig guard;
  StatisticsConfig statistics;

  /// The element with that name, or null. The pointer is valid as long as this object is unchanged.
  const ServerConfig* find_server(std::string_view name) const noexcept;
  const PoolConfig* find_pool(std::string_view name) const noexcept;
  /// The first account of that name.
  const UserConfig* find_user(std::string_view name) const noexcept;
};

/// The words of the file: "least_connections", "warn", "json".
std::string_view to_string(Balance balance) noexcept;
std::string_view to_string(PoolRole role) noexcept;
std::string_view to_string(PrimaryReads reads) noexcept;
std::string_view to_string(Failover mode) noexcept;
std::string_view to_string(Compression compression) noexcept;
std::string_view to_string(ProxyProtocol version) noexcept;
std::string_view to_string(LogLevel level) noexcept;
std::string_view to_string(LogFormat format) noexcept;
std::string_view to_string(TransportRule::Kind kind) noexcept;

}  // namespace mysqlproxy
