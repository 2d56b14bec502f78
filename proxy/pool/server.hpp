// One database server as all threads see it: where it is, whether it can be reached, what it can
// do.
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/lending/quota.hpp"
#include "proxy/log/log.hpp"
#include "proxy/pool/standing.hpp"
#include "proxy/tls/context.hpp"

#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/status.hpp>

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace mysqlproxy {

/// What a server says of itself in its greeting, as far as clients are told of it.
struct ServerFacts {
  std::string version;  ///< as on the wire, MariaDB's "5.5.5-" included
  mysqlwire::Flavor flavor = mysqlwire::Flavor::mysql;
  mysqlwire::Capabilities capabilities;
  std::uint8_t collation = 0;

  friend bool operator==(const ServerFacts&, const ServerFacts&) = default;
};

/// A socket address of either family, or a unix path.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

/// Whether a server can be used just now.
enum class Reachability : std::uint8_t { unknown, up, down };

/// Shared by all threads; lives as long as a session or the configuration names it.
class Server {
 public:
  using Clock = std::chrono::steady_clock;

  Server(ServerConfig config, Log& log)
      : quota(config.max_connections), config_(std::move(config)), log_(log) {}

  const std::string& name() const noexcept { return config_.name; }
  const ServerConfig& config() const noexcept { return config_; }

  /// Resolved addresses; empty until the first look-up succeeded.
  std::vector<SocketAddress> addresses() const;
  void set_addresses(std::vector<SocketAddress> addresses);

  /// How to speak TLS to it; null: not at all. A reload brings a new one.
  std::shared_ptr<const TlsContext> tls() const;
  void set_tls(std::shared_ptr<const TlsContext> tls);

  /// What is known of the same server from before a reload that changed what is said of it.
  void take_over(const Server& old);

  /// How many observations in a row it takes to count as up, or as down.
  void set_needs(RiseFall needs);

  /// The server can be reached: it has answered a login, be it with no. Logged when that makes it
  /// count as up.
  void reached();
  /// It answered with a greeting; nothing is known of it before the first one.
  void set_facts(ServerFacts facts);
  std::shared_ptr<const ServerFacts> facts() const;
  /// What it is among the others; nothing before a check has found out. Logged when that is news.
  /// True when it is. `read_only` and `replication`: how often in a row it takes to be seen;
  /// nothing for what was not looked at. `asked`: when.
  bool set_standing(const Standing& seen, std::optional<RiseFall> read_only = RiseFall(),
                    std::optional<RiseFall> replication = RiseFall(),
                    Clock::time_point asked = Clock::time_point::max());
  /// Whoever has changed it says what it is now. Checks that asked before that do not count.
  void fix_standing(const Standing& standing);
  std::optional<Standing> standing() const;
  /// It has refused a statement as it would not if it still were what it was: it is read-only, or
  /// takes no statement at all. The next check that asks from now on may say otherwise.
  void has_refused(bool read_only);
  /// Belongs to a cluster, as far as it is known.
  bool clustered() const noexcept { return clustered_.load(std::memory_order_relaxed); }
  /// How busy it is; nothing where nobody asks.
  void set_threads(const Threads& threads, RiseFall needs);
  std::optional<Threads> threads() const;
  /// It has no room for another connection.
  bool full() const;
  /// It can't be reached. When it counts as down by that it is left alone for a while, longer each
  /// time. Logged when that is news. `by_check`: the health check says so, and not a session.
  void unreachable(std::string reason, bool by_check = false);
  /// It counts as down, and enough health checks in a row have failed, whatever sessions have met.
  bool down_by_checks() const;

  Reachability reachability() const;
  /// Up, or not tried yet, or down for so long that another try is due.
  bool worth_a_try(Clock::time_point now) const;
  /// "db3 down since 12:01:07, connection refused", "db1 up".
  std::string describe() const;

  /// Its connections that are sessions' or lent to them, all pools and threads together.
  std::uint32_t connections() const noexcept { return quota.taken(); }

  lending::Quota quota;

 private:
  bool set_standing_locked(const Standing& seen, std::optional<RiseFall> read_only,
                           std::optional<RiseFall> replication);
  std::string describe_locked() const;
  Reachability reachability_locked() const;

  const ServerConfig config_;
  Log& log_;
  mutable std::mutex mutex_;
  std::vector<SocketAddress> addresses_;
  std::shared_ptr<const TlsContext> tls_;
  std::shared_ptr<const ServerFacts> facts_;
  std::optional<Standing> standing_;
  SteadyStanding steady_standing_;
  Clock::time_point standing_fixed_{};
  std::atomic<bool> clustered_ = false;
  std::optional<Threads> threads_;
  Steady room_;
  RiseFall needs_;
  Steady up_;
  std::uint32_t failed_checks_ = 0;  ///< in a row
  std::string reason_;
  std::chrono::system_clock::time_point since_{};
  Clock::time_point retry_at_{};
  unsigned failures_ = 0;
};

/// One place among a server's connections, held as long as it lives. A check's does not count and
/// only names the server.
class ServerSlot {
 public:
  ServerSlot() noexcept = default;
  /// One that counts; without a server when it has no room.
  static ServerSlot take(std::shared_ptr<Server> server) {
    return server->quota.try_take() ? ServerSlot(std::move(server), true) : ServerSlot();
  }
  /// For a place that the caller has of the server's quota.
  static ServerSlot adopt(std::shared_ptr<Server> server) noexcept {
    return {std::move(server), true};
  }
  static ServerSlot uncounted(std::shared_ptr<Server> server) noexcept {
    return {std::move(server), false};
  }
  ServerSlot(ServerSlot&& other) noexcept
      : server_(std::move(other.server_)), counted_(other.counted_) {}
  ServerSlot& operator=(ServerSlot&& other) noexcept {
    if (this != &other) {
      release();
      server_ = std::move(other.server_);
      counted_ = other.counted_;
    }
    return *this;
  }
  ~ServerSlot() { release(); }

  const std::shared_ptr<Server>& server() const noexcept { return server_; }

 private:
  ServerSlot(std::shared_ptr<Server> server, bool counted) noexcept
      : server_(std::move(server)), counted_(counted) {}
  void release() noexcept {
    if (server_ && counted_) server_->quota.release();
    server_.reset();
  }

  std::shared_ptr<Server> server_;
  bool counted_ = true;
};

}  // namespace mysqlproxy
