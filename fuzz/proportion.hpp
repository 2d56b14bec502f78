// Memory and time in proportion to the input, whatever it says of lengths and counts.
//
// A target has a Proportion for as long as it runs. It counts what is allocated by hooks that the
// sanitizers have (libFuzzer's programs, and tests/run); without them only time is looked at. Time
// is the thread's own, so that a busy machine makes no finding.
#pragma once

#include "round_trip.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>

extern "C" {
__attribute__((weak)) int __sanitizer_install_malloc_and_free_hooks(
    void (*on_malloc)(const volatile void*, std::size_t), void (*on_free)(const volatile void*));
__attribute__((weak)) std::size_t __sanitizer_get_allocated_size(const volatile void* allocated);
}

namespace mysqlwire::fuzz {

/// What a target may use: so much, and so much more for each byte of its input. What the target
/// itself keeps for its comparisons is part of it.
struct Bounds {
  std::size_t bytes = std::size_t{1} << 20;  ///< at once
  std::size_t bytes_per_byte = 256;
  std::size_t allocated_times = 64;  ///< in all, as a multiple of what may be had at once
  double seconds = 1;
  double seconds_per_byte = 30e-6;  ///< with sanitizers, a debug build, and several readings
};

/// Counts what this thread allocates and frees.
class Allocations {
 public:
  static Allocations& instance() {
    static Allocations counted;
    return counted;
  }

  void begin() noexcept {
    now_ = most_ = all_ = 0;
    on_ = true;
  }
  void end() noexcept { on_ = false; }
  std::size_t most_at_once() const noexcept { return static_cast<std::size_t>(most_); }
  std::size_t in_all() const noexcept { return static_cast<std::size_t>(all_); }

 private:
  Allocations() {
    if (__sanitizer_install_malloc_and_free_hooks != nullptr &&
        __sanitizer_get_allocated_size != nullptr)
      (void)__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
  }

  static void on_malloc(const volatile void*, std::size_t size) noexcept {
    if (!on_) return;
    now_ += static_cast<std::int64_t>(size);
    all_ += static_cast<std::int64_t>(size);
    if (now_ > most_) most_ = now_;
  }

  static void on_free(const volatile void* allocated) noexcept {
    if (!on_ || allocated == nullptr) return;
    now_ -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(allocated));
  }

  static inline thread_local bool on_ = false;
  static inline thread_local std::int64_t now_ = 0;  // below 0 when what was there before goes
  static inline thread_local std::int64_t most_ = 0;
  static inline thread_local std::int64_t all_ = 0;
};

class Proportion {
 public:
  explicit Proportion(std::size_t input, const Bounds& bounds = {}) noexcept
      : input_(input), bounds_(bounds), begun_(seconds()) {
    Allocations::instance().begin();
  }
  Proportion(const Proportion&) = delete;
  Proportion& operator=(const Proportion&) = delete;

  ~Proportion() {
    Allocations& allocations = Allocations::instance();
    allocations.end();
    const std::size_t bytes = bounds_.bytes + input_ * bounds_.bytes_per_byte;
    const double most = bounds_.seconds + static_cast<double>(input_) * bounds_.seconds_per_byte;
    const double taken = seconds() - begun_;
    if (allocations.most_at_once() <= bytes &&
        allocations.in_all() <= bytes * bounds_.allocated_times && taken <= most)
      return;
    std::fprintf(
        stderr,
        "%zu bytes of input took %zu bytes at once (of %zu), %zu in all, %.3f s (of %.3f)\n",
        input_, allocations.most_at_once(), bytes, allocations.in_all(), taken, most);
    require(false);
  }

 private:
  static double seconds() noexcept {
    timespec now{};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
  }

  std::size_t input_;
  Bounds bounds_;
  double begun_;
};

}  // namespace mysqlwire::fuzz
