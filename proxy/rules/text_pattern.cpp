#include "proxy/rules/text_pattern.hpp"

#include <cstddef>

namespace mysqlproxy::rules {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(char a, char b, bool ignore_case) noexcept {
  return a == b || (ignore_case && lower(a) == lower(b));
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text, bool ignore_case) noexcept {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = pattern.npos;  // the last one, and what it stands for up to now
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && same(pattern[p], text[t], ignore_case)) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool covers_pattern(std::string_view wide, std::string_view narrow, bool ignore_case) noexcept {
  // A `*` of the narrow one is a byte like others to the wide one's `*`, and no other byte's equal.
  if (narrow.find('*') == narrow.npos) return matches_pattern(wide, narrow, ignore_case);
  return wide == narrow || matches_pattern(wide, narrow, ignore_case);
}

}  // namespace mysqlproxy::rules
