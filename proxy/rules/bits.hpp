// A set of small numbers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mysqlproxy::rules {

using Bits = std::vector<std::uint64_t>;

inline void set_bit(Bits& bits, std::size_t i) noexcept {
  bits[i / 64] |= std::uint64_t{1} << i % 64;
}
inline void clear_bit(Bits& bits, std::size_t i) noexcept {
  bits[i / 64] &= ~(std::uint64_t{1} << i % 64);
}
inline bool has_bit(const Bits& bits, std::size_t i) noexcept {
  return (bits[i / 64] >> i % 64 & 1) != 0;
}
inline bool is_empty(const Bits& bits) noexcept {
  return std::ranges::all_of(bits, [](std::uint64_t word) { return word == 0; });
}

}  // namespace mysqlproxy::rules
