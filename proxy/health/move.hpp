// One move of a pool's primary, from the first look at the servers to the last.
#pragma once

#include "proxy/health/move_plan.hpp"
#include "proxy/health/replication_sql.hpp"
#include "proxy/io/loop.hpp"
#include "proxy/io/task.hpp"
#include "proxy/log/log.hpp"
#include "proxy/pool/topology.hpp"
#include "proxy/session/server_connection.hpp"
#include "proxy/session/text_result.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

struct MoveRequest {
  enum class Kind : std::uint8_t {
    switchover,  ///< planned: the primary is there
    promote,     ///< an operator says that the primary is lost
    failover,    ///< the checks say so
    demote,      ///< `to`, a primary of old, is back
  };
  Kind kind = Kind::switchover;
  std::string pool;
  std::string to;  ///< empty: whoever suits best
  bool dry_run = false;
  std::chrono::milliseconds timeout{30'000};  ///< how long writes may be held back

  std::string_view name() const noexcept;
};

/// What becomes of it, as it happens.
struct MoveNote {
  std::string text;
  bool over = false;  ///< the last one
  bool good = false;  ///< of that: it was done
};

/// Moves the primary by the account and the connections of the health check. Writes are held back
/// from the moment that the old primary is left until the new one can be written to. What fails
/// before that is undone as far as it can be, and said.
class Move {
 public:
  /// Called from the loop's thread.
  using Teller = std::function<void(const MoveNote&)>;
  /// Has all sessions look whether their server is the right one, and then calls `done` from any
  /// thread.
  using Reconsider = std::function<void(std::function<void()> done)>;

  Move(Loop& loop, Log& log, std::shared_ptr<const Topology> topology, std::shared_ptr<Pool> pool,
       MoveRequest request, Teller teller, Reconsider reconsider);
  ~Move();
  Move(const Move&) = delete;
  Move& operator=(const Move&) = delete;

  /// Once.
  void start();
  bool over() const noexcept { return over_; }
  const Pool& pool() const noexcept { return *pool_; }
  const MoveRequest& request() const noexcept { return request_; }
  bool good() const noexcept { return good_; }

 private:
  /// What is known of one server beside what the plan is made of.
  struct Member {
    std::shared_ptr<Server> server;
    std::unique_ptr<ServerConnection> connection;
    std::uint32_t abandoned =
        0;  ///< the id of one that may be at a statement still; 0: there is none
    ReplicationSql sql{""};
    std::string position;        ///< what it has, in its own words
    std::string received;        ///< what it has received of its source
    std::string trouble;         ///< why it does not receive
    std::string usual_farewell;  ///< what was set to another value for a moment; empty: nothing
    bool applied_all = false;    ///< it says that nothing of that is waiting
  };

  Task<void> run();
  Task<bool> switch_over();
  Task<bool> fail_over();
  Task<bool> take_back();

  // The steps. Those that return a text say what went wrong; empty: nothing did.
  Task<void> gather();
  Task<void> look_at(std::size_t place);
  Task<void> look_at_source(std::size_t place);
  Task<std::string> lock(std::vector<std::size_t> places);
  Task<void> hold_writes(bool wait_for_sessions);
  Task<void> tell_sessions();
  Task<std::string> leave_primary();
  Task<std::string> catch_up(const std::string& position);
  Task<std::string> apply_all();
  Task<std::string> stop_copying(Member& member);
  Task<void> restore_farewell(Member& member);
  Task<bool> promote();
  Task<void> let_writes_go_on();
  Task<void> roll_back();
  Task<bool> follow(std::size_t place, const ReplicationSource& source, bool was_primary);
  Task<bool> finish();
  Task<void> run_hook();

  bool accept(const MovePlan& plan);
  ReplicationSource source_at(std::size_t place, bool with_account) const;
  std::vector<std::size_t> asked() const;
  Task<TextResult> ask(Member& member, std::string_view sql, std::chrono::milliseconds longest);
  Task<std::string> tell(Member& member, std::vector<std::string> statements,
                         std::chrono::milliseconds longest);
  Task<std::string> tell_one(Member& member, std::string statement,
                             std::chrono::milliseconds longest);
  Task<std::string> reconnect(Member& member);
  std::chrono::milliseconds left() const;
  void note(std::string text);
  void warn(std::string text);
  bool fail(std::string text);

  Loop& loop_;
  Log& log_;
  Waker waker_;
  std::shared_ptr<Waker*> self_;  ///< for other threads; null when this is gone
  std::shared_ptr<const Topology> topology_;
  std::shared_ptr<Pool> pool_;
  MoveRequest request_;
  Teller teller_;
  Reconsider reconsider_;
  Credentials account_;
  std::vector<Member> members_;
  std::vector<Candidate> candidates_;
  MovePlan plan_;
  std::uint64_t until_ = 0;  ///< by the loop's clock
  bool holding_ = false;
  bool old_is_read_only_ = false;  ///< because we made it so
  bool stopped_copying_ = false;
  bool whole_ = true;  ///< nothing had to be left out
  bool over_ = false;
  bool good_ = false;
  Task<void> task_;
};

}  // namespace mysqlproxy
