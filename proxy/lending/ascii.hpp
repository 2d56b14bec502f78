// Whether a text is the same in every character set.
#pragma once

#include <algorithm>
#include <string_view>

namespace mysqlproxy::lending {

/// Letters, digits, signs and blanks that one byte stands for.
inline bool is_printable_ascii(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace mysqlproxy::lending
