// Latencies counted in buckets, of bounded size and error.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace pcapdecode {

/// Counts durations in nanoseconds, 16 buckets to each power of two: a quantile is at most 1/16 too
/// large, and never larger than the largest value.
class Histogram {
 public:
  void add(std::int64_t nanoseconds) noexcept {
    const auto value = static_cast<std::uint64_t>(nanoseconds < 0 ? 0 : nanoseconds);
    ++buckets_[index(value)];
    ++count_;
    total_ += nanoseconds;
    if (nanoseconds > max_) max_ = nanoseconds;
  }

  std::uint64_t count() const noexcept { return count_; }
  std::int64_t total() const noexcept { return total_; }
  std::int64_t max() const noexcept { return max_; }
  std::int64_t mean() const noexcept {
    return count_ == 0 ? 0 : total_ / static_cast<std::int64_t>(count_);
  }

  /// The value that the share `q` (0 to 1) of all values does not exceed; 0 without values.
  std::int64_t quantile(double q) const noexcept {
    if (count_ == 0) return 0;
    auto wanted = static_cast<std::uint64_t>(q * static_cast<double>(count_) + 0.9999999);
    if (wanted == 0) wanted = 1;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen < wanted) continue;
      const std::int64_t top = upper(i);
      return top < max_ ? top : max_;
    }
    return max_;
  }

  /// How many were below 10 us, 100 us, 1 ms … 10 s, and above that.
  std::array<std::uint64_t, 8> decades() const noexcept {
    std::array<std::uint64_t, 8> result{};
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      std::size_t decade = 0;
      for (std::int64_t limit = 10'000; decade < 7 && upper(i) >= limit; limit *= 10) ++decade;
      result[decade] += buckets_[i];
    }
    return result;
  }

 private:
  static constexpr std::size_t steps = 16;
  static constexpr std::size_t octaves = 60;

  static std::size_t index(std::uint64_t value) noexcept {
    if (value < steps) return static_cast<std::size_t>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 5;  // leaves 16 to 31
    return static_cast<std::size_t>(shift + 1) * steps + (value >> shift) % steps;
  }
  /// The largest value of a bucket.
  static std::int64_t upper(std::size_t i) noexcept {
    if (i < steps) return static_cast<std::int64_t>(i);
    const std::size_t shift = i / steps - 1;
    return static_cast<std::int64_t>(((steps + i % steps + 1) << shift) - 1);
  }

  std::array<std::uint32_t, (octaves + 1) * steps> buckets_{};
  std::uint64_t count_ = 0;
  std::int64_t total_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace pcapdecode
