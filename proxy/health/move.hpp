// One move of a pool's primary, from the first look at the servers to the last.
#pragma once

#include "proxy/health/copying.hpp"
#include "proxy/health/members.hpp"
#include "proxy/health/move_notes.hpp"
#include "proxy/health/move_plan.hpp"
#include "proxy/io/loop.hpp"
#include "proxy/io/task.hpp"
#include "proxy/log/log.hpp"
#include "proxy/pool/topology.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

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

/// Moves the primary by the account and the connections of the health check. Writes are held back
/// from the moment that the old primary is left until the new one can be written to. What fails
/// before that is undone as far as it can be, and said.
class Move {
 public:
  using Teller = MoveTeller;
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
  Task<void> run();
  Task<bool> switch_over();
  Task<bool> fail_over();
  Task<bool> take_back();

  // The steps. Those that return a text say what went wrong; empty: nothing did.
  std::optional<std::size_t> find_places(MoveWishes& wishes);
  Task<void> hold_writes(bool wait_for_sessions);
  Task<void> tell_sessions();
  Task<std::string> leave_primary();
  Task<std::string> settle(std::optional<std::size_t> from, MoveWishes wishes, bool by_checks);
  Task<bool> promote();
  Task<void> let_writes_go_on();
  Task<void> roll_back();
  Task<void> make_writable_again(std::size_t place);
  Task<bool> finish();
  Task<void> run_hook();

  bool accept(const MovePlan& plan);
  ReplicationSource source_at(std::size_t place, bool with_account);
  std::chrono::milliseconds left() const;

  Loop& loop_;
  Waker waker_;
  std::shared_ptr<Waker*> self_;  ///< for other threads; null when this is gone
  std::shared_ptr<const Topology> topology_;
  std::shared_ptr<Pool> pool_;
  MoveRequest request_;
  Reconsider reconsider_;
  MoveNotes notes_;
  Members members_;
  Copying copying_;
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
