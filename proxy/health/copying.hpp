// What is done to the replication of a pool's servers while the primary is moved.
#pragma once

#include "proxy/health/members.hpp"
#include "proxy/health/move_notes.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mysqlproxy {

/// The steps of a move that have to do with copying. Those that return a text say what went wrong;
/// empty: nothing did. A time is one of the loop's clock.
class Copying {
 public:
  Copying(Loop& loop, Waker& waker, Members& members, MoveNotes& notes)
      : loop_(loop), waker_(waker), members_(members), notes_(notes) {}
  Copying(const Copying&) = delete;
  Copying& operator=(const Copying&) = delete;

  /// Has all replicas of a lost primary that can be asked receive nothing more, so that what they
  /// have is what it will be: a primary that revives now finds nobody to acknowledge a write with
  /// semi-synchronous replication. Then looks at them again. One that is lost over this counts as
  /// one that can't be asked.
  Task<std::string> hold_receivers();
  /// The opposite, where nothing came of it.
  Task<void> release_receivers();
  /// Waits until `place` has everything of `position`.
  Task<std::string> catch_up(std::size_t place, std::string position, std::uint64_t until);
  /// The same without a primary: everything that is there is to be applied.
  Task<std::string> apply_all(std::size_t place, std::uint64_t until);
  Task<std::string> stop(std::size_t place);
  /// As it did before stop().
  Task<std::string> start_again(std::size_t place);
  /// Has `place` copy from `source`, which is called `name`. `own_progress`: what it has written
  /// itself when it was a primary.
  Task<bool> follow(std::size_t place, ReplicationSource source, std::string own_progress,
                    std::string name);

 private:
  Task<void> hold_receiver(std::size_t place, std::string& refusal);
  Task<void> release_receiver(std::size_t place);
  Task<void> shorten_farewell(Member& member);
  Task<void> restore_farewell(Member& member);
  Task<std::string> wait_for_source(std::size_t place);
  bool late(std::uint64_t until) const noexcept { return loop_.now() >= until; }

  Loop& loop_;
  Waker& waker_;
  Members& members_;
  MoveNotes& notes_;
};

}  // namespace mysqlproxy
