// Looks after the servers: is each there, and what can it do?
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/io/loop.hpp"
#include "proxy/io/task.hpp"
#include "proxy/log/log.hpp"
#include "proxy/pool/server.hpp"
#include "proxy/session/server_connection.hpp"

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

/// Checks every server in turn on a thread of its own: connect, log in, COM_PING, COM_QUIT. Without
/// an account it logs in all the same and takes the refusal for a sign of life: a server that is
/// only connected to and left counts that against this host, up to blocking it (error 1129).
class Monitor {
 public:
  explicit Monitor(Log& log) : log_(log) {}
  ~Monitor() { stop(); }

  void start();
  void stop();
  /// Checks these servers from now on, in the place of the former ones.
  void watch(const std::vector<std::shared_ptr<Server>>& servers, const HealthConfig& config);
  /// Waits until each of the servers has been checked once, or for `at_most`.
  void wait_for_first_round(std::chrono::milliseconds at_most);

 private:
  /// The checks of one server.
  struct Watch {
    Watch(Loop& loop, std::shared_ptr<Server> watched)
        : waker(loop), deadline(loop, waker), server(std::move(watched)) {}
    Waker waker;
    Deadline deadline;
    std::shared_ptr<Server> server;
    std::string refusal;  ///< of the last check's login, so that it is logged once
    std::optional<Task<void>> task;
  };

  /// How to check, and as whom.
  struct Plan {
    std::chrono::milliseconds interval{0};
    std::chrono::milliseconds timeout{0};
    Credentials account;
    bool account_given = false;
  };

  void replace(std::vector<std::shared_ptr<Server>> servers, Plan plan);
  Task<void> look_after(Watch& watch);
  Task<void> check(Watch& watch);
  Task<bool> ping(Watch& watch, ServerConnection& connection);
  void checked_once();

  Log& log_;
  Loop loop_;
  std::thread thread_;
  Plan plan_;
  std::vector<std::unique_ptr<Watch>> watches_;

  std::mutex mutex_;
  std::condition_variable first_round_;
  std::size_t not_checked_ = 0;
};

}  // namespace mysqlproxy
