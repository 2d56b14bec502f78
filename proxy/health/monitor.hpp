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
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace mysqlproxy {

/// Checks every server in turn on a thread of its own: connect, log in, COM_PING, what it is among
/// the others where a pool wants to know, how busy it is, COM_QUIT; each kind of check in its own
/// interval, but never without the first three. Without an account it logs in all the same and
/// takes the refusal for a sign of life: a server that is only connected to and left counts that
/// against this host, up to blocking it (error 1129).
class Monitor {
 public:
  /// `changed` is called, from the monitor's thread, when what is known of a server has changed in
  /// a way that can change which one is used.
  Monitor(Log& log, std::function<void()> changed) : log_(log), changed_(std::move(changed)) {}
  ~Monitor() { stop(); }

  void start();
  void stop();
  /// Checks these servers from now on, in the place of the former ones.
  /// `standings`: find out what each is among the others. Without it only whether members of a
  /// cluster are in step.
  void watch(const std::vector<std::shared_ptr<Server>>& servers, const HealthConfig& config,
             bool standings);
  /// Waits until each of the servers has been checked once, or for `at_most`.
  void wait_for_first_round(std::chrono::milliseconds at_most);

 private:
  /// When one kind of check is made.
  struct Turn {
    std::uint64_t due = 0;  ///< by the loop's clock
    bool now = false;       ///< this time
  };

  /// The checks of one server.
  struct Watch {
    Watch(Loop& loop, std::shared_ptr<Server> watched)
        : waker(loop), deadline(loop, waker), server(std::move(watched)) {}
    Waker waker;
    Deadline deadline;
    std::shared_ptr<Server> server;
    std::string refusal;  ///< of the last check's login, so that it is logged once
    std::string trouble;  ///< the same for the questions behind it
    bool was_down = false;
    std::optional<Standing> known;  ///< as it was when this check had begun
    Turn reachable;
    Turn read_only;
    Turn replication;
    Turn threads;
    Standing seen;  ///< as the last check of each kind had it
    std::optional<Task<void>> task;
  };

  /// How to check, and as whom.
  struct Plan {
    CheckConfig reachable;
    CheckConfig read_only;
    CheckConfig replication;
    CheckConfig threads;
    Credentials account;
    bool account_given = false;
    bool standings = false;
  };

  void replace(std::vector<std::shared_ptr<Server>> servers, Plan plan);
  Task<void> look_after(Watch& watch);
  std::uint64_t take_turns(Watch& watch) const;
  Task<void> check(Watch& watch);
  void judge(Watch& watch, const ConnectOutcome& outcome, bool alive);
  Task<bool> ping(Watch& watch, ServerConnection& connection);
  Task<void> find_standing(Watch& watch, ServerConnection& connection);
  Task<std::string> find_replication(Watch& watch, ServerConnection& connection);
  Task<void> count_threads(Watch& watch, ServerConnection& connection);
  void checked_once();

  Log& log_;
  const std::function<void()> changed_;
  Loop loop_{std::chrono::milliseconds(10)};  ///< writes may wait for a verdict
  std::thread thread_;
  Plan plan_;
  std::vector<std::unique_ptr<Watch>> watches_;

  std::mutex mutex_;
  std::condition_variable first_round_;
  std::size_t not_checked_ = 0;
};

}  // namespace mysqlproxy
