// The servers of a pool as whoever moves its primary sees and tells them.
#pragma once

#include "proxy/health/move_plan.hpp"
#include "proxy/health/replication_sql.hpp"
#include "proxy/io/loop.hpp"
#include "proxy/io/task.hpp"
#include "proxy/pool/topology.hpp"
#include "proxy/session/server_connection.hpp"
#include "proxy/session/text_result.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// For a statement that changes no more than a few variables.
inline constexpr std::chrono::milliseconds soon{5'000};
/// Between two looks at something that others have to do.
inline constexpr std::chrono::milliseconds pause_time{100};

/// What is known of one server beside what a plan is made of.
struct Member {
  std::shared_ptr<Server> server;
  std::unique_ptr<Waker> waker;  ///< of whoever waits for it: several may be asked at once
  std::unique_ptr<ServerConnection> connection;
  std::uint32_t abandoned =
      0;  ///< the id of one that may be at a statement still; 0: there is none
  ReplicationSql sql{""};
  std::string position;        ///< what it has, in its own words
  std::string received;        ///< what it has received of its source
  std::string trouble;         ///< why it does not receive
  std::string usual_farewell;  ///< what was set to another value for a moment; empty: nothing
  bool applied_all = false;    ///< it says that nothing of that is waiting
  bool held = false;           ///< its receiver ran, and was told to stop

  const std::string& name() const noexcept { return server->name(); }
};

/// Asks them by the account of the health check, each over a connection that is kept. Those that
/// return a text say what went wrong; empty: nothing did.
class Members {
 public:
  /// `waker` is where the only coroutine that uses it sleeps.
  Members(Loop& loop, Waker& waker, const Topology& topology, const Pool& pool);
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;

  std::size_t size() const noexcept { return members_.size(); }
  Member& operator[](std::size_t place) { return members_[place]; }
  Candidate& candidate(std::size_t place) { return candidates_[place]; }
  const std::vector<Candidate>& candidates() const noexcept { return candidates_; }
  /// The places of those that could be asked.
  std::vector<std::size_t> asked() const;

  /// Asks all of them anew, over the connection that is there or a new one; `spare_lost`: not those
  /// that checks have found dead.
  Task<void> gather(bool spare_lost);
  Task<void> look_at(std::size_t place);
  /// At what it copies alone.
  Task<void> look_at_source(std::size_t place);
  /// So that no other proxy does the same at the same time. Let go with the connections.
  Task<std::string> lock(std::vector<std::size_t> places);

  Task<TextResult> ask(Member& member, std::string_view sql, std::chrono::milliseconds longest);
  Task<std::string> tell(Member& member, std::vector<std::string> statements,
                         std::chrono::milliseconds longest);
  Task<std::string> tell_one(Member& member, std::string statement,
                             std::chrono::milliseconds longest);
  Task<std::string> reconnect(Member& member);
  /// Waits until all of them are done, which run at the same time.
  Task<void> all(std::vector<Task<void>> tasks);
  Task<void> pause();
  void say_farewell();

 private:
  Task<void> find(std::size_t place, bool spare_lost);

  Loop& loop_;
  Waker& waker_;
  const std::chrono::milliseconds patience_;  ///< for a connection
  Credentials account_;
  std::vector<Member> members_;
  std::vector<Candidate> candidates_;
};

/// The only cell of a result; empty where there is none.
std::string only_value(const TextResult& result);

}  // namespace mysqlproxy
