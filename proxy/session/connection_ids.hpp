// Who is who: the connection ids that clients see, and the server connections behind them.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
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

  /// Statements of client `id` now run there.
  void attach(std::uint32_t id, ServerConnectionId where);
  void detach(std::uint32_t id);

  /// A client has had this connection killed: the end of it is no accident.
  void note_kill(const ServerConnectionId& where);
  bool killed(std::uint32_t id) const;

  /// The server connection that KILL `id` means for a session on `own`: first a client's id, then
  /// a thread id of `own`, then one that exactly one other server has.
  std::optional<ServerConnectionId> find(std::uint64_t id, const Server& own) const;

 private:
  static constexpr std::uint32_t first = 0x40000000;
  static constexpr std::uint32_t last = 0x7fffffff;

  struct Client {
    ServerConnectionId where;
    bool killed = false;
  };

  mutable std::mutex mutex_;
  std::uint32_t next_ = first;
  std::unordered_map<std::uint32_t, Client> clients_;
};

}  // namespace mysqlproxy
