#include "proxy/config/units.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <utility>

namespace mysqlproxy {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// From small to large; of several names for one factor the first is the one that is printed.
constexpr Unit durations[] = {
    {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit sizes[] = {
    {"B", 1},          {"KiB", 1ULL << 10}, {"K", 1ULL << 10}, {"MiB", 1ULL << 20},
    {"M", 1ULL << 20}, {"GiB", 1ULL << 30}, {"G", 1ULL << 30}};

template <std::size_t N>
std::optional<std::uint64_t> parse(std::string_view text, const Unit (&units)[N],
                                   std::uint64_t limit) noexcept {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, number);
  if (fault != std::errc{}) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > limit / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string format(std::uint64_t value, const Unit (&units)[N], const Unit& zero) {
  const Unit* best = &units[0];
  for (const Unit& unit : units) {
    if (unit.factor > best->factor && value % unit.factor == 0) best = &unit;
  }
  if (value == 0) best = &zero;
  return fmt::format("{}{}", value / best->factor, best->name);
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
  const auto value = parse(text, durations, 365 * 86'400'000ULL);
  if (!value) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
}

std::string format_duration(std::chrono::milliseconds duration) {
  return format(static_cast<std::uint64_t>(duration.count()), durations, durations[1]);
}

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
  return parse(text, sizes, std::numeric_limits<std::int64_t>::max());
}

std::string format_size(std::uint64_t bytes) { return format(bytes, sizes, sizes[0]); }

}  // namespace mysqlproxy
