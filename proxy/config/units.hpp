// Durations and sizes as they stand in the configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// "500ms", "2s", "1m", "8h", "1d": a whole number and its unit, nothing else. Nothing for any
/// other text and for more than 365 days.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;

/// The same form, in the largest unit that keeps the number whole.
std::string format_duration(std::chrono::milliseconds duration);

/// "512B", "64KiB", "64MiB", "1GiB", or as MySQL's option files write it "64K", "64M", "1G". A unit
/// of 1000 (kB, MB) is refused, since nobody can know which is meant. Nothing when it does not
/// fit 63 bits.
std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;

/// The same form, in the largest binary unit that keeps the number whole.
std::string format_size(std::uint64_t bytes);

}  // namespace mysqlproxy
