// A typed set of flag bits.
#pragma once

#include <initializer_list>
#include <type_traits>

namespace mysqlwire {

/// A set of the enumerators of E, each of which is one bit. Unknown bits are kept: what a peer sent
/// can be looked at, masked and sent on unchanged.
template <class E>
class Flags {
 public:
  using Bits = std::underlying_type_t<E>;

  constexpr Flags() noexcept = default;
  constexpr Flags(E flag) noexcept
      : bits_(static_cast<Bits>(flag)) {}  // NOLINT: implicit by design
  constexpr Flags(std::initializer_list<E> flags) noexcept {
    for (const E flag : flags) bits_ = static_cast<Bits>(bits_ | static_cast<Bits>(flag));
  }
  constexpr explicit Flags(Bits bits) noexcept : bits_(bits) {}

  constexpr Bits bits() const noexcept { return bits_; }
  constexpr bool empty() const noexcept { return bits_ == 0; }
  /// True when every bit of `flags` is set.
  constexpr bool has(Flags flags) const noexcept { return (bits_ & flags.bits_) == flags.bits_; }
  constexpr void set(Flags flags) noexcept { bits_ = static_cast<Bits>(bits_ | flags.bits_); }
  constexpr void clear(Flags flags) noexcept {
    bits_ = static_cast<Bits>(bits_ & static_cast<Bits>(~flags.bits_));
  }
  constexpr void set(Flags flags, bool on) noexcept { on ? set(flags) : clear(flags); }

  friend constexpr Flags operator|(Flags a, Flags b) noexcept {
    return Flags(static_cast<Bits>(a.bits_ | b.bits_));
  }
  friend constexpr Flags operator&(Flags a, Flags b) noexcept {
    return Flags(static_cast<Bits>(a.bits_ & b.bits_));
  }
  friend constexpr bool operator==(Flags, Flags) noexcept = default;

 private:
  Bits bits_ = 0;
};

}  // namespace mysqlwire
