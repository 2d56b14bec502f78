// Moves primaries: when an operator asks for it, and when one is lost.
#pragma once

#include "proxy/health/move.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mysqlproxy {

/// On a thread of its own, so that a server that does not answer holds up nobody else.
class Mover {
 public:
  Mover(Log& log, Move::Reconsider reconsider) : log_(log), reconsider_(std::move(reconsider)) {}
  ~Mover() { stop(); }

  // From any thread.
  void start();
  /// Ends what is under way where it is.
  void stop();
  /// The pools from now on. What is under way goes on with those that it began with.
  void watch(std::shared_ptr<const Topology> topology);
  /// Something is known of a server that was not: a primary may be lost, or back.
  void look();
  /// `teller` is called from the mover's thread, last with a note that says `over`.
  void move(MoveRequest request, Move::Teller teller);

 private:
  struct Running {
    std::unique_ptr<Move> move;
    Move::Teller teller;
  };
  /// What has been done about one pool, or one server of a pool, that needs it.
  struct Attempts {
    std::uint64_t next_at = 0;  ///< not before, by the loop's clock
    unsigned failed = 0;
    std::string said;    ///< so that it is logged once
    bool shown = false;  ///< a dry run has shown the plan
  };

  Task<void> look_after();
  bool has_something_to_look_after() const;
  void reap();
  void look_at(Pool& pool, const std::shared_ptr<Pool>& shared);
  void take_back(const std::shared_ptr<Pool>& pool);
  bool begin(MoveRequest request, Move::Teller teller);
  bool busy(const std::string& pool) const;
  void retry_later(Attempts& attempts);

  Log& log_;
  const Move::Reconsider reconsider_;
  Loop loop_{std::chrono::milliseconds(10)};  ///< writes wait for what is done there
  Waker waker_{loop_};
  std::thread thread_;
  std::shared_ptr<const Topology> topology_;
  std::vector<Running> running_;
  std::map<std::string, Attempts> lost_;                          ///< by pool
  std::map<std::pair<std::string, std::string>, Attempts> back_;  ///< by pool and server
  bool asked_to_look_ = false;
  std::optional<Task<void>> task_;
};

}  // namespace mysqlproxy
