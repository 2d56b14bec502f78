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

  /// `image` may be null, and is not looked into.
  void add(Owned owned, const SessionImage* image) {
    owned->idle_place = entries_.size();
    entries_.push_back({image, ++stamp_, std::move(owned)});
  }

  /// One that was added lately of those with `image`; else the one that was added first. `none`
  /// when there is none.
  ///
  /// Who takes what was used last leaves the others to the sessions that had them, keeps few of
  /// them busy, and those warm: with the first one of those with `image`, sessions that take turns,
  /// and are a few more than there are connections, would each take the one that the next is about
  /// to want.
  std::size_t choose(const SessionImage* image) const noexcept {
    if (image == nullptr) return oldest();
    for (std::size_t i = entries_.size(); i-- > 0;)
      if (entries_[i].image == image) return i;
    return oldest();
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
  };

  std::vector<Entry> entries_;
  std::uint64_t stamp_ = 0;
};

}  // namespace mysqlproxy::lending
