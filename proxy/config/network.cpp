#include "proxy/config/network.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace mysqlproxy {
namespace {

constexpr std::array<std::uint8_t, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_v4(const Network& network) noexcept {
  return network.prefix >= 96 &&
         std::equal(v4_prefix.begin(), v4_prefix.end(), network.address.begin());
}

/// Whether the first `prefix` bits are the same.
bool same_bits(const std::array<std::uint8_t, 16>& a, const std::array<std::uint8_t, 16>& b,
               unsigned prefix) noexcept {
  const std::size_t whole = prefix / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin()))
    return false;
  const unsigned rest = prefix % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

}  // namespace

bool Network::contains(const std::array<std::uint8_t, 16>& other) const noexcept {
  return same_bits(address, other, prefix);
}

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  Network network;
  unsigned most = 128;
  std::array<std::uint8_t, 4> v4{};
  if (::inet_pton(AF_INET, host.c_str(), v4.data()) == 1) {
    std::ranges::copy(v4_prefix, network.address.begin());
    std::ranges::copy(v4, network.address.begin() + 12);
    most = 32;
  } else if (::inet_pton(AF_INET6, host.c_str(), network.address.data()) != 1) {
    return std::nullopt;
  }
  unsigned bits = most;
  if (slash != text.npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (code != std::errc() || end != digits.data() + digits.size() || bits > most)
      return std::nullopt;
  }
  network.prefix = 128 - most + bits;
  // What stands behind the prefix is a slip of the pen: 10.0.0.1/8.
  for (unsigned bit = network.prefix; bit < 128; ++bit) {
    if ((network.address[bit / 8] >> (7 - bit % 8) & 1) != 0) return std::nullopt;
  }
  return network;
}

std::string to_string(const Network& network) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = is_v4(network);
  ::inet_ntop(v4 ? AF_INET : AF_INET6, network.address.data() + (v4 ? 12 : 0), text.data(),
              text.size());
  const unsigned most = v4 ? 32 : 128;
  const unsigned bits = network.prefix - (128 - most);
  return bits == most ? std::string(text.data()) : fmt::format("{}/{}", text.data(), bits);
}

}  // namespace mysqlproxy
