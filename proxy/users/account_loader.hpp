// Reads accounts from servers.
#pragma once

#include "proxy/io/loop.hpp"
#include "proxy/io/task.hpp"
#include "proxy/log/log.hpp"
#include "proxy/pool/topology.hpp"
#include "proxy/session/credentials.hpp"
#include "proxy/session/server_connection.hpp"
#include "proxy/users/account_query.hpp"
#include "proxy/users/directory.hpp"
#include "proxy/users/refresh_schedule.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace mysqlproxy {

/// Keeps Directory's accounts of each pool that is configured so as one of its servers has them, on
/// a thread of its own: from time to time, and when a login fails. What was read last stays in
/// force where nothing can be read.
class AccountLoader {
 public:
  AccountLoader(Log& log, Directory& directory) : log_(log), directory_(directory) {}
  ~AccountLoader() { stop(); }
  AccountLoader(const AccountLoader&) = delete;
  AccountLoader& operator=(const AccountLoader&) = delete;

  void start();
  /// Before the loops of those who wait in refresh() go.
  void stop();
  /// Reads for this topology's pools from now on, in the place of former ones.
  void watch(const Topology& topology);
  /// Waits until each of the pools has been tried once, or for as long as that may take.
  void wait_for_first_round();

  /// Accounts are read anywhere.
  bool active() const noexcept { return active_.load(std::memory_order_relaxed); }
  /// Returns when everything has been read anew, which begins after this call and not more often
  /// than is configured; or after the time-out that is configured. From the thread of `loop`.
  Task<void> refresh(Loop& loop, Waker& waker);

 private:
  /// Somebody who waits. But for `left` it is only touched on the thread of `loop`.
  struct Ticket {
    Loop& loop;
    Waker* waker;  ///< null: gone
    bool done = false;
    std::size_t left = 0;  ///< pools that are still to be read; touched on our thread only
  };
  /// One pool.
  struct Reader {
    Reader(Loop& loop, const PoolConfig& config, std::shared_ptr<Pool> read)
        : waker(loop),
          deadline(loop, waker),
          load(*config.load_users),
          pool(std::move(read)),
          schedule(load.interval, load.pause) {}
    Waker waker;
    Deadline deadline;
    LoadUsers load;
    std::shared_ptr<Pool> pool;
    Credentials account;
    RefreshSchedule schedule;
    std::vector<std::shared_ptr<Ticket>> tickets;  ///< for the next read
    std::vector<std::shared_ptr<Ticket>> serving;  ///< for the one under way
    std::string trouble;                           ///< of the last read, so that it is logged once
    std::optional<std::size_t> count;              ///< of accounts, at the last one
    std::optional<Task<void>> task;
  };

  void replace(std::vector<std::unique_ptr<Reader>> readers);
  void ask(const std::shared_ptr<Ticket>& ticket);
  static void serve(std::vector<std::shared_ptr<Ticket>>& tickets);
  Task<void> look_after(Reader& reader);
  Task<void> read(Reader& reader);
  Task<std::string> read_from(Reader& reader, std::shared_ptr<Server> server);
  void take(Reader& reader, const Server& server, ServerAccounts found);
  void tried_once();

  Log& log_;
  Directory& directory_;
  Loop loop_;
  std::thread thread_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::atomic<bool> active_ = false;
  std::atomic<std::chrono::milliseconds::rep> patience_ = 0;  ///< of refresh()

  std::mutex mutex_;
  std::condition_variable first_round_;
  std::size_t not_tried_ = 0;
};

}  // namespace mysqlproxy
