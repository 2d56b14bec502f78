// Who is who: the connection ids that clients see, and the server connections behind them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mysqlproxy {

class Server;

/// Where a session's statements run.
struct ServerConnectionId {
  std::shared_ptr<Server> server;
  std::uint32_t thread_id = 0;  ///< the id in that server's own greeting
};

/// Gives out the ids of client connections and finds the server connections behind them, for KILL.
/// One for the process; outlives its tickets. Sessions that borrow their connections say for each
/// command where it runs: no lock is taken for that while it is where the last one ran.
///
/// Ids of clients start high: a server counts from 1, so the id that a client saw in our greeting
/// and the one that it got from CONNECTION_ID() can both be told apart and both be given to KILL.
class ConnectionIds {
 private:
  struct Client {
    /// Where statements run while it is attached; else where they ran last. Written by the client's
    /// own thread only, with its lock, so that it can look at it without.
    ServerConnectionId where;
    std::atomic<bool> attached = false;
    std::atomic<bool> killed = false;
    std::string user;
    std::function<void()> end;
  };

 public:
  /// The id of a client, which is free again when this goes.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept
        : ids_(std::exchange(other.ids_, nullptr)), client_(other.client_), id_(other.id_) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

    std::uint32_t id() const noexcept { return id_; }
    /// Statements of the client now run there.
    void attach(const std::shared_ptr<Server>& server, std::uint32_t thread_id) {
      if (client_->where.server != server || client_->where.thread_id != thread_id)
        move({server, thread_id});
      client_->killed.store(false, std::memory_order_relaxed);
      client_->attached.store(true, std::memory_order_release);
    }
    void detach() noexcept { client_->attached.store(false, std::memory_order_release); }
    /// A client has had the connection killed that this one has, or had last.
    bool killed() const noexcept { return client_->killed.load(std::memory_order_relaxed); }
    /// How KILL ends the client when it has no server connection just now: `end` is called, from
    /// any thread, with the ids locked.
    void set_end(std::string user, std::function<void()> end);

   private:
    friend class ConnectionIds;
    Ticket(ConnectionIds& ids, Client& client, std::uint32_t id) noexcept
        : ids_(&ids), client_(&client), id_(id) {}
    void move(ServerConnectionId where);

    ConnectionIds* ids_;
    Client* client_;
    std::uint32_t id_;
  };

  /// An id that no live client has.
  Ticket allocate();

  enum class Kill : std::uint8_t {
    elsewhere,  ///< there is no such client, or it has a server connection: that is to be killed
    denied,     ///< it is another user's
    done,
  };
  /// KILL, by a client that calls itself `user`, of one that may have no server connection.
  /// `connection`: not only of its query, of which it has none then.
  Kill kill_unattached(std::uint64_t id, std::string_view user, bool connection);

  /// A client has had this connection killed: the end of it is no accident.
  void note_kill(const ServerConnectionId& where);

  /// The server connection that KILL `id` means for a session on `own` (null: on none just now):
  /// first a client's id, then a thread id of `own`, then one that exactly one other server has.
  std::optional<ServerConnectionId> find(std::uint64_t id, const Server* own) const;

 private:
  static constexpr std::uint32_t first = 0x40000000;
  static constexpr std::uint32_t last = 0x7fffffff;
  static constexpr std::size_t locks = 64;

  /// Guards what is known of a client; taken behind mutex_, if both are.
  std::mutex& lock_of(std::uint32_t id) const noexcept { return client_mutexes_[id % locks]; }

  mutable std::mutex mutex_;  ///< guards next_, and which clients there are
  mutable std::array<std::mutex, locks> client_mutexes_;
  std::uint32_t next_ = first;
  std::unordered_map<std::uint32_t, Client> clients_;
};

}  // namespace mysqlproxy
