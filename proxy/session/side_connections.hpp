// Connections of one session to other servers than its own, for single statements.
#pragma once

#include "proxy/io/task.hpp"
#include "proxy/session/server_connection.hpp"
#include "proxy/session/session_ties.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// Logged in as the session's own connection was, with its settings replayed and its schema. Each
/// is used for one statement at a time, outside of transactions, for statements that need nothing
/// of the session.
class SideConnections {
 public:
  /// A session that wants more stays where it is.
  static constexpr std::size_t most = 8;

  SideConnections() = default;
  ~SideConnections() { clear(); }
  SideConnections(const SideConnections&) = delete;
  SideConnections& operator=(const SideConnections&) = delete;

  /// What all connections are made from and with.
  struct Means {
    Loop& loop;
    Waker& waker;
    std::chrono::milliseconds timeout;
    OnBehalf behalf;
    Credentials& credentials;
    const SessionWishes& wishes;
    const SessionTies& ties;
    std::string_view schema;  ///< the current one
  };

  /// A connection to a server of `pool`, the same one as before where that is still good. Null when
  /// there is none to be had, which is remembered for a while. It may still be used when it was
  /// fetched before and nothing else was done meanwhile.
  Task<ServerConnection*> fetch(std::shared_ptr<Pool> pool, std::string target, Means means);

  /// Lets all of them go.
  void clear() noexcept;

 private:
  struct Side {
    std::string target;
    std::unique_ptr<ServerConnection> connection;  ///< null: it was not to be had
    std::string schema;
    std::size_t settings = 0;    ///< so many of the session's have been replayed
    std::uint64_t retry_at = 0;  ///< the loop's clock
  };

  Side* find(std::string_view target) noexcept;
  static Task<bool> prepare(Side& side, Means& means);
  static Task<bool> command(Side& side, Means& means, mysqlwire::Buffer payload);

  std::vector<std::unique_ptr<Side>> sides_;
};

}  // namespace mysqlproxy
