// The idle connections of one key.
#pragma once

#include "proxy/lending/session_image.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace mysqlproxy::lending {

/// What is looked at to choose one is side by side, so that a look at all of them costs a few cache
/// lines. Nothing is allocated once the list has been that long. `Owned` points to something with
/// an `idle_place`, where its place is kept.
template <class Owned>
class IdleList {
 public:
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  std::size_t size() const noexcept { return entries_.size(); }
  bool empty() const noexcept { return entries_.empty(); }
  Owned& at(std::size_t place) noexcept { return entries_[place].owned; }

  /// `image` may be null, and is not looked into. A session that had it `may_return` for it.
  void add(Owned owned, const SessionImage* image, bool may_return) {
    owned->idle_place = entries_.size();
    entries_.push_back({image, ++stamp_, std::move(owned), may_return});
  }
  /// The session that had it is gone, or has another one.
  void nobody_returns_for(std::size_t place) noexcept { entries_[place].may_return = false; }

  /// Of those with `image` one that no session returns for, else one that was added lately; without
  /// any, the one that was added first. `none` when there is none.
  ///
  /// Sessions that take turns, a few more of them than connections, would by the order in which
  /// they gave theirs back each take the one that the next is about to want, and none find its own.
  std::size_t choose(const SessionImage* image) const noexcept {
    if (image == nullptr) return oldest();
    std::size_t alike = none;
    for (std::size_t i = entries_.size(); i-- > 0;) {
      if (entries_[i].image != image) continue;
      if (!entries_[i].may_return) return i;
      if (alike == none) alike = i;
    }
    return alike != none ? alike : oldest();
  }
  /// The one that was added first; `none` when there is none.
  std::size_t oldest() const noexcept {
    std::size_t first = none;
    for (std::size_t i = 0; i < entries_.size(); ++i)
      if (first == none || entries_[i].stamp < entries_[first].stamp) first = i;
    return first;
  }

  /// The place of the last one changes.
  Owned remove(std::size_t place) noexcept {
    Owned owned = std::move(entries_[place].owned);
    if (place + 1 != entries_.size()) {
      entries_[place] = std::move(entries_.back());
      entries_[place].owned->idle_place = place;
    }
    entries_.pop_back();
    return owned;
  }

 private:
  struct Entry {
    const SessionImage* image;
    std::uint64_t stamp;
    Owned owned;
    bool may_return;
  };

  std::vector<Entry> entries_;
  std::uint64_t stamp_ = 0;
};

}  // namespace mysqlproxy::lending
