// Latencies counted in buckets, of bounded size and error.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace cli {

/// Counts whole numbers from 0 on, such as nanoseconds, `Steps` buckets (a power of two) to each
/// power of two: a quantile is at most 1/Steps too large, and never larger than the largest value.
/// What is beyond the last of `Octaves` powers of two counts in the last bucket. Two histograms can
/// be added up; that is as good as one that has seen all values.
template <std::size_t Steps, std::size_t Octaves>
class LogLinearHistogram {
  static_assert(std::has_single_bit(Steps));

 public:
  static constexpr std::size_t buckets = (Octaves + 1) * Steps;

  void add(std::int64_t number) noexcept {
    const auto value = static_cast<std::uint64_t>(number < 0 ? 0 : number);
    ++buckets_[std::min(index(value), buckets - 1)];
    ++count_;
    total_ += number;
    if (number > max_) max_ = number;
  }

  LogLinearHistogram& operator+=(const LogLinearHistogram& other) noexcept {
    for (std::size_t i = 0; i < buckets; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    total_ += other.total_;
    max_ = std::max(max_, other.max_);
    return *this;
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
    for (std::size_t i = 0; i + 1 < buckets; ++i) {
      seen += buckets_[i];
      if (seen < wanted) continue;
      return std::min(upper(i), max_);
    }
    return max_;
  }

  /// How many of a bucket's values there were, and the largest that it counts.
  std::uint32_t in_bucket(std::size_t i) const noexcept { return buckets_[i]; }
  static std::int64_t upper(std::size_t i) noexcept {
    if (i < Steps) return static_cast<std::int64_t>(i);
    const std::size_t shift = i / Steps - 1;
    return static_cast<std::int64_t>(((Steps + i % Steps + 1) << shift) - 1);
  }

  /// Of nanoseconds: how many were below 10 us, 100 us, 1 ms … 10 s, and above that.
  std::array<std::uint64_t, 8> decades() const noexcept {
    std::array<std::uint64_t, 8> result{};
    for (std::size_t i = 0; i < buckets; ++i) {
      std::size_t decade = 0;
      for (std::int64_t limit = 10'000; decade < 7 && upper(i) >= limit; limit *= 10) ++decade;
      result[decade] += buckets_[i];
    }
    return result;
  }

 private:
  static std::size_t index(std::uint64_t value) noexcept {
    if (value < Steps) return static_cast<std::size_t>(value);
    // Leaves Steps to 2 * Steps - 1.
    const auto shift =
        static_cast<unsigned>(std::bit_width(value)) - static_cast<unsigned>(std::bit_width(Steps));
    return static_cast<std::size_t>(shift + 1) * Steps + (value >> shift) % Steps;
  }

  std::uint64_t count_ = 0;
  std::int64_t total_ = 0;
  std::int64_t max_ = 0;
  std::array<std::uint32_t, buckets> buckets_{};
};

/// Of nanoseconds.
using Histogram = LogLinearHistogram<16, 60>;

}  // namespace cli
