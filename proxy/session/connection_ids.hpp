// Who is who: the connection ids that clients see, and the server connections behind them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mysqlproxy {

class Server;

/// Where a session's statements run.
struct ServerConnectionId {
  std::shared_ptr<Server> server;
  std::uint32_t thread_id = 0;  ///< the id in that server's own greeting
};

/// Gives out the ids of client connections and finds the server connections behind them. One for
/// the process; used at login, at the end of a session and by KILL only.
///
/// Ids of clients start high: a server counts from 1, so the id that a client saw in our greeting
/// and the one that it got from CONNECTION_ID() can both be told apart and both be given to KILL.
class ConnectionIds {
 public:
  /// An id that no live client has.
  std::uint32_t allocate();
  /// The id is free again.
  void release(std::uint32_t id);

  /// How KILL ends a client that has no server connection just now: `end` is called, from any
  /// thread, with the ids locked.
  void set_end(std::uint32_t id, std::string user, std::function<void()> end);
  enum class Kill : std::uint8_t {
    elsewhere,  ///< there is no such client, or it has a server connection: that is to be killed
    denied,     ///< it is another user's
    done,
  };
  /// KILL, by a client that calls itself `user`, of one that may have no server connection.
  /// `connection`: not only of its query, of which it has none then.
  Kill kill_unattached(std::uint64_t id, std::string_view user, bool connection);

  /// Statements of client `id` now run there.
  void attach(std::uint32_t id, ServerConnectionId where);
  void detach(std::uint32_t id);

  /// A client has had this connection killed: the end of it is no accident.
  void note_kill(const ServerConnectionId& where);
  bool killed(std::uint32_t id) const;

  /// The server connection that KILL `id` means for a session on `own` (null: on none just now):
  /// first a client's id, then a thread id of `own`, then one that exactly one other server has.
  std::optional<ServerConnectionId> find(std::uint64_t id, const Server* own) const;

 private:
  static constexpr std::uint32_t first = 0x40000000;
  static constexpr std::uint32_t last = 0x7fffffff;

  struct Client {
    ServerConnectionId where;
    bool killed = false;
    std::string user;
    std::function<void()> end;
  };

  mutable std::mutex mutex_;
  std::uint32_t next_ = first;
  std::unordered_map<std::uint32_t, Client> clients_;
};

}  // namespace mysqlproxy
