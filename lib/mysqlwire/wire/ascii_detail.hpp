// Comparing names without regard to case. Not installed.
#pragma once

#include <algorithm>
#include <string_view>

namespace mysqlwire::detail {

/// Of ASCII letters only: the functions of <cctype> ask the locale, and in some (Turkish) the upper
/// case of "i" is not "I".
constexpr char ascii_upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, ascii_upper, ascii_upper);
}

}  // namespace mysqlwire::detail
