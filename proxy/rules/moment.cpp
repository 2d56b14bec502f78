#include "proxy/rules/moment.hpp"

#include <ctime>
#include <random>

namespace mysqlproxy::rules {
namespace {

constexpr std::int64_t minutes_a_day = 24 * 60;
constexpr std::int64_t minutes_a_week = 7 * minutes_a_day;
/// 1970 began on a Thursday.
constexpr std::int64_t epoch_in_week = 3 * minutes_a_day;

std::int64_t minutes_since_epoch(std::chrono::system_clock::time_point wall) noexcept {
  return std::chrono::floor<std::chrono::minutes>(wall.time_since_epoch()).count();
}

}  // namespace

Moment Moment::now() {
  thread_local std::uint64_t state = std::random_device{}() | std::uint64_t{1} << 63;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return {std::chrono::system_clock::now(), state};
}

WeekMinute minute_at(std::chrono::system_clock::time_point wall, int utc_offset) noexcept {
  const std::int64_t minutes = minutes_since_epoch(wall) + epoch_in_week + utc_offset;
  const std::int64_t in_week = (minutes % minutes_a_week + minutes_a_week) % minutes_a_week;
  return {static_cast<unsigned>(in_week / minutes_a_day),
          static_cast<unsigned>(in_week % minutes_a_day)};
}

WeekMinute local_minute(std::chrono::system_clock::time_point wall) {
  thread_local std::int64_t looked_up = -1;
  thread_local WeekMinute found;
  const std::int64_t minutes = minutes_since_epoch(wall);
  if (minutes == looked_up) return found;
  const std::time_t seconds = std::chrono::system_clock::to_time_t(wall);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  found.day = static_cast<unsigned>(parts.tm_wday + 6) % 7;
  found.minute = static_cast<unsigned>(parts.tm_hour * 60 + parts.tm_min);
  looked_up = minutes;
  return found;
}

}  // namespace mysqlproxy::rules
