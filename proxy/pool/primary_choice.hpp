// Which server takes the writes of a pool.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace mysqlproxy {

/// Follows the one server that can be written to, and never two at once: a primary that was left is
/// fenced, since it lacks what the new one was told meanwhile. It may be the primary again once it
/// has been seen read-only, which says that somebody has taken care of it; or once it is in step
/// with a cluster, whose members lack nothing.
///
/// Pure: a value that is asked with what is known just now. No clock, no thread.
class PrimaryChoice {
 public:
  /// What is known of one server.
  struct Seen {
    bool up = false;
    std::optional<bool> writable;  ///< nothing: not found out yet
    bool in_step = false;          ///< with a cluster that it belongs to
    bool second_choice = false;    ///< for when there is no other
  };

  /// `servers` are those of the pool, always as many and in the same order. Returns the primary's
  /// place; nothing while there is none.
  std::optional<std::size_t> choose(std::span<const Seen> servers);

  /// The one chosen last that has not been left for another.
  std::optional<std::size_t> current() const noexcept { return current_; }
  /// It is writable, and not to be written to.
  bool fenced(std::size_t server) const noexcept {
    return server < fenced_.size() && fenced_[server];
  }

  /// The same for a pool whose servers are now in other places: `places[i]` is where the one that
  /// is now the i-th was; nothing for a new one.
  PrimaryChoice moved(std::span<const std::optional<std::size_t>> places) const;

 private:
  std::optional<std::size_t> current_;
  std::vector<bool> fenced_;
};

}  // namespace mysqlproxy
