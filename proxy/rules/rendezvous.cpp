#include "proxy/rules/rendezvous.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mysqlproxy::rules {
namespace {

/// FNV-1a, and then every bit of it into every other: names differ in their last byte only.
std::uint64_t hash(std::string_view text, std::uint64_t seed) noexcept {
  std::uint64_t h = 0xcbf29ce484222325U ^ seed;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdU;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53U;
  return h ^ h >> 33;
}

}  // namespace

std::vector<std::size_t> rendezvous(std::string_view value, std::span<const Member> members) {
  const std::uint64_t key = hash(value, 0);
  std::vector<double> scores;
  scores.reserve(members.size());
  for (const Member& member : members) {
    // Of 53 bits, above 0 and below 1; then a member of weight w has the share w.
    const double uniform = (static_cast<double>(hash(member.name, key) >> 11) + 0.5) * 0x1.0p-53;
    scores.push_back(member.weight / -std::log(uniform));
  }
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t i) { return scores[i]; });
  return order;
}

}  // namespace mysqlproxy::rules
