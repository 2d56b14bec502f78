// A yes or no that changes when it has been seen often enough.
#pragma once

#include <cstdint>
#include <optional>

namespace mysqlproxy {

/// How many observations in a row it takes.
struct RiseFall {
  std::uint32_t rise = 1;  ///< for a yes
  std::uint32_t fall = 1;  ///< for a no

  friend bool operator==(const RiseFall&, const RiseFall&) = default;
};

/// Pure: a value, without a clock. The first observation counts at once, since nothing speaks
/// against it.
class Steady {
 public:
  /// True when the value is another one than before.
  bool take(bool seen, RiseFall needs) noexcept {
    if (value_ == seen) {
      against_ = 0;
      return false;
    }
    if (value_ && ++against_ < (seen ? needs.rise : needs.fall)) return false;
    value_ = seen;
    against_ = 0;
    return true;
  }

  /// Nothing before the first observation.
  std::optional<bool> value() const noexcept { return value_; }
  /// How many of the last ones, in a row, have said otherwise.
  std::uint32_t against() const noexcept { return against_; }

 private:
  std::optional<bool> value_;
  std::uint32_t against_ = 0;
};

}  // namespace mysqlproxy
