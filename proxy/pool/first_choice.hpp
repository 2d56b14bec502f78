// Which server of a list is used while one is enough.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace mysqlproxy {

/// The first that is up; without failback the one that was chosen stays until it fails, or until
/// somebody says so. Pure.
class FirstChoice {
 public:
  /// `up`: those of the pool, always as many and in the same order. Nothing while none is up; then
  /// the last one is not forgotten, so that it is taken again when it comes back first.
  std::optional<std::size_t> choose(std::span<const bool> up, bool failback) noexcept {
    if (!failback && current_ && *current_ < up.size() && up[*current_]) return current_;
    for (std::size_t i = 0; i < up.size(); ++i) {
      if (!up[i]) continue;
      current_ = i;
      return current_;
    }
    return std::nullopt;
  }

  /// From here on, as if it had just been chosen.
  void use(std::size_t server) noexcept { current_ = server; }
  std::optional<std::size_t> current() const noexcept { return current_; }

  /// The same for a pool whose servers are now in other places: `places[i]` is where the one that
  /// is now the i-th was; nothing for a new one.
  FirstChoice moved(std::span<const std::optional<std::size_t>> places) const noexcept {
    FirstChoice choice;
    for (std::size_t i = 0; i < places.size(); ++i)
      if (current_ && places[i] == current_) choice.current_ = i;
    return choice;
  }

 private:
  std::optional<std::size_t> current_;
};

}  // namespace mysqlproxy
