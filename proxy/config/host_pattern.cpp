#include "proxy/config/host_pattern.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace mysqlproxy {
namespace {

constexpr std::size_t longest_host = 255;  // MySQL 8's HOSTNAME_LENGTH
constexpr std::string_view localhost = "localhost";

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// LIKE: % any run, _ any one, a backslash takes the next as it is. Case does not count. Goes back
/// to the last % only, so its time is the product of the lengths at worst.
bool is_like(std::string_view text, std::string_view pattern) noexcept {
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t retry_at = 0;
  std::size_t retry_in = pattern.npos;
  while (at < text.size()) {
    if (in < pattern.size() && pattern[in] == '%') {
      retry_in = ++in;
      retry_at = at;
      continue;
    }
    const bool escaped = in + 1 < pattern.size() && pattern[in] == '\\';
    const std::size_t literal = escaped ? in + 1 : in;
    const bool any = !escaped && in < pattern.size() && pattern[in] == '_';
    if (any || (literal < pattern.size() && lower(pattern[literal]) == lower(text[at]))) {
      in = literal + 1;
      ++at;
      continue;
    }
    if (retry_in == pattern.npos) return false;
    in = retry_in;
    at = ++retry_at;
  }
  while (in < pattern.size() && pattern[in] == '%') ++in;
  return in == pattern.size();
}

/// The number of leading ones, where no one follows a zero.
std::optional<unsigned> bits_of(std::uint32_t mask) noexcept {
  unsigned bits = 0;
  while (bits < 32 && (mask >> (31 - bits) & 1) != 0) ++bits;
  const bool clean = bits == 32 || (mask << bits) == 0;
  return clean ? std::optional(bits) : std::nullopt;
}

/// "10.0.0.0/255.0.0.0" as "10.0.0.0/8"; any other text as it is, and nothing for a mask that is
/// none.
std::optional<std::string> with_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos || text.find('.', slash) == text.npos) return std::string(text);
  in_addr mask{};
  if (::inet_pton(AF_INET, std::string(text.substr(slash + 1)).c_str(), &mask) != 1)
    return std::nullopt;
  const auto bits = bits_of(ntohl(mask.s_addr));
  if (!bits) return std::nullopt;
  return std::string(text.substr(0, slash + 1)) + std::to_string(*bits);
}

std::size_t first_wildcard(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' || text[at] == '_') return at;
    if (text[at] == '\\') ++at;
  }
  return text.npos;
}

constexpr std::array<std::uint8_t, 12> v4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_v4(const std::array<std::uint8_t, 16>& ip) noexcept {
  return std::equal(v4_mapped.begin(), v4_mapped.end(), ip.begin());
}

std::string ip_text(const std::array<std::uint8_t, 16>& ip) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = is_v4(ip);
  ::inet_ntop(v4 ? AF_INET : AF_INET6, ip.data() + (v4 ? 12 : 0), text.data(), text.size());
  return text.data();
}

}  // namespace

bool ClientHost::local() const noexcept {
  if (unix_socket || (is_v4(ip) && ip[12] == 127)) return true;
  return std::all_of(ip.begin(), ip.end() - 1, [](std::uint8_t byte) { return byte == 0; }) &&
         ip[15] == 1;
}

std::optional<HostPattern> HostPattern::parse(std::string_view text) {
  if (text.size() > longest_host || text.find('\0') != text.npos) return std::nullopt;
  HostPattern pattern;
  if (text.empty()) return pattern;
  pattern.text_ = text;
  const auto written = with_prefix(text);
  if (!written) return std::nullopt;
  pattern.network_ = parse_network(*written);
  // A slash is for networks alone.
  if (!pattern.network_ && text.find('/') != text.npos) return std::nullopt;
  return pattern;
}

bool HostPattern::matches(const ClientHost& client) const {
  if (client.local() && is_like(localhost, text_)) return true;
  if (client.unix_socket) return false;
  return network_ ? network_->contains(client.ip) : is_like(ip_text(client.ip), text_);
}

bool HostPattern::wants_name() const noexcept {
  if (network_ || is_like(localhost, text_)) return false;
  // What is left of an address with wildcards are digits, dots and colons, and letters to f.
  return !std::ranges::all_of(text_, [](char c) {
    const char small = lower(c);
    return (small >= '0' && small <= '9') || (small >= 'a' && small <= 'f') || c == '.' ||
           c == ':' || c == '%' || c == '_' || c == '\\';
  });
}

std::weak_ordering operator<=>(const HostPattern& a, const HostPattern& b) {
  // The greater comes first.
  const auto rank = [](const HostPattern& one) {
    if (one.network_) return std::pair(2, std::size_t{one.network_->prefix});
    const std::size_t wildcard = first_wildcard(one.text_);
    return wildcard == one.text_.npos ? std::pair(1, std::size_t{0}) : std::pair(0, wildcard);
  };
  const auto order = rank(b) <=> rank(a);
  return order != 0 ? std::weak_ordering(order) : std::weak_ordering(a.text_ <=> b.text_);
}

}  // namespace mysqlproxy
