// What a session holds that has a name, and lets go of by that name.
#pragma once

#include "proxy/lending/pins.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mysqlproxy::lending {

/// Temporary tables, locks, handlers, prepared statements, XA transactions: counted by name, so
/// that the last one that goes takes the pin with it. What has no certain name stays until all
/// goes.
class HeldThings {
 public:
  /// With more of them they are no longer told apart.
  static constexpr std::size_t most_names = 256;

  /// `name` empty: one whose name can't be told.
  void take(Pin pin, std::string_view name);
  /// Something that can be had but once: taking it again changes nothing.
  void take_once(Pin pin, std::string_view name);
  void release(Pin pin, std::string_view name);
  /// All of that kind, those without a name too.
  void release_all(Pin pin);
  void clear();

  bool has(Pin pin, std::string_view name) const;
  /// The kinds of which there is something.
  Pins pins() const;

 private:
  /// By kind and name. Most sessions hold nothing: an empty map costs them less than one for each.
  using Counts = std::map<std::pair<Pin, std::string>, std::size_t, std::less<>>;

  std::size_t count(Pin pin) const;

  std::unique_ptr<Counts> named_;  ///< null: nothing
  Pins nameless_;
};

}  // namespace mysqlproxy::lending
