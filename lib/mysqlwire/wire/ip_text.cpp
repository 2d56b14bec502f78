#include <mysqlwire/wire/ip_text_detail.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

namespace mysqlwire::detail {
namespace {

constexpr std::size_t groups = 8;

/// The text up to `separator`, which is taken too; `more` says whether it was there.
std::string_view take(std::string_view& text, char separator, bool& more) noexcept {
  const std::size_t end = text.find(separator);
  more = end != std::string_view::npos;
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(more ? end + 1 : text.size());
  return part;
}

/// Groups of up to four hex digits with `:` between, the last two perhaps as an IPv4 address.
/// Returns how many, or -1.
int read_groups(std::string_view text, std::span<std::uint16_t, groups> out) noexcept {
  std::size_t count = 0;
  bool more = !text.empty();
  while (more) {
    const std::string_view part = take(text, ':', more);
    if (!more && part.find('.') != std::string_view::npos) {
      std::array<std::uint8_t, 4> ip{};
      if (count + 2 > groups || !read_ip4(part, ip)) return -1;
      out[count++] = static_cast<std::uint16_t>(ip[0] << 8 | ip[1]);
      out[count++] = static_cast<std::uint16_t>(ip[2] << 8 | ip[3]);
      break;
    }
    if (count == groups || part.empty() || part.size() > 4) return -1;
    const auto [end, code] =
        std::from_chars(part.data(), part.data() + part.size(), out[count++], 16);
    if (code != std::errc() || end != part.data() + part.size()) return -1;
  }
  return static_cast<int>(count);
}

void append_hex(std::string& text, std::uint16_t group) {
  std::array<char, 4> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), group, 16).ptr;
  text.append(digits.begin(), end);
}

}  // namespace

bool read_ip4(std::string_view text, std::span<std::uint8_t, 4> ip) noexcept {
  bool more = true;
  for (std::size_t i = 0; i < ip.size(); ++i) {
    if (!more) return false;
    const std::string_view part = take(text, '.', more);
    if (part.empty() || (part.size() > 1 && part.front() == '0')) return false;
    const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), ip[i]);
    if (code != std::errc() || end != part.data() + part.size()) return false;
  }
  return !more;
}

bool read_ip6(std::string_view text, std::span<std::uint8_t, 16> ip) noexcept {
  std::array<std::uint16_t, groups> all{};
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (read_groups(text, all) != static_cast<int>(groups)) return false;
  } else {
    std::array<std::uint16_t, groups> tail{};
    const std::string_view head = text.substr(0, gap);
    // An IPv4 address stands at the very end only.
    if (head.find('.') != std::string_view::npos) return false;
    const int before = read_groups(head, all);
    const int after = read_groups(text.substr(gap + 2), tail);
    if (before < 0 || after < 0 || before + after >= static_cast<int>(groups)) return false;
    std::fill(all.begin() + before, all.end(), std::uint16_t{0});
    std::copy_n(tail.begin(), after, all.end() - after);
  }
  for (std::size_t i = 0; i < groups; ++i) {
    ip[2 * i] = static_cast<std::uint8_t>(all[i] >> 8);
    ip[2 * i + 1] = static_cast<std::uint8_t>(all[i]);
  }
  return true;
}

std::string ip4_text(std::span<const std::uint8_t, 4> ip) {
  std::string text;
  for (std::size_t i = 0; i < ip.size(); ++i) {
    if (i != 0) text += '.';
    text += std::to_string(ip[i]);
  }
  return text;
}

std::string ip6_text(std::span<const std::uint8_t, 16> ip) {
  std::array<std::uint16_t, groups> all{};
  for (std::size_t i = 0; i < groups; ++i)
    all[i] = static_cast<std::uint16_t>(ip[2 * i] << 8 | ip[2 * i + 1]);
  constexpr std::array<std::uint16_t, 6> mapped{0, 0, 0, 0, 0, 0xffff};
  if (std::equal(mapped.begin(), mapped.end(), all.begin()))
    return "::ffff:" + ip4_text(ip.last<4>());

  // The longest run of zeros, the first of equals, if it is longer than one group.
  std::size_t run_at = groups;
  std::size_t run = 1;
  for (std::size_t i = 0; i < groups; ++i) {
    std::size_t end = i;
    while (end < groups && all[end] == 0) ++end;
    if (end - i > run) {
      run_at = i;
      run = end - i;
    }
  }
  std::string text;
  for (std::size_t i = 0; i < groups;) {
    if (i == run_at) {
      text += "::";
      i += run;
      continue;
    }
    if (i != 0 && !text.ends_with(':')) text += ':';
    append_hex(text, all[i]);
    ++i;
  }
  return text;
}

}  // namespace mysqlwire::detail
