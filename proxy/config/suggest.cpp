#include "proxy/config/suggest.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mysqlproxy {
namespace {

/// Longer words are nobody's slip, and the work grows with the square.
constexpr std::size_t longest = 64;

/// How many characters two words share at least for one to be taken for the other's beginning.
constexpr std::size_t shortest_beginning = 4;

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '-' ? '_' : c;
  });
  return result;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the usual table, for prefixes of `a` that end at i-2, i-1 and i.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, above);
    std::swap(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > longest) return {};
  const std::string wanted = lower(word);
  const std::string* best = nullptr;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > longest) continue;
    const std::string known = lower(candidate);
    // "warning" for "warn", "max_conn" for "max_connections": nearer than its distance says.
    const bool begins = std::min(wanted.size(), known.size()) >= shortest_beginning &&
                        (wanted.starts_with(known) || known.starts_with(wanted));
    const std::size_t distance = begins ? 1 : edit_distance(wanted, known);
    if (distance < least && distance < candidate.size()) {
      least = distance;
      best = &candidate;
    }
  }
  return best == nullptr ? std::string() : fmt::format("; did you mean {:?}?", *best);
}

}  // namespace mysqlproxy
