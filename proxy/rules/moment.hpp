// When a rule is asked: the time, and a throw of the dice, as arguments.
#pragma once

#include <chrono>
#include <cstdint>

namespace mysqlproxy::rules {

struct Moment {
  std::chrono::system_clock::time_point wall{};
  std::uint64_t dice = 0;  ///< any 64 random bits

  /// Now, with dice of this thread's own.
  static Moment now();
};

/// A minute of the week: 0 is Monday 00:00.
struct WeekMinute {
  unsigned day = 0;     ///< 0 to 6, from Monday
  unsigned minute = 0;  ///< of the day
};

/// In the process's zone (TZ). Looks it up once a minute and thread.
WeekMinute local_minute(std::chrono::system_clock::time_point wall);
/// So many minutes east of UTC.
WeekMinute minute_at(std::chrono::system_clock::time_point wall, int utc_offset) noexcept;

}  // namespace mysqlproxy::rules
