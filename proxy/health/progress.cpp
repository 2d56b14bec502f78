#include "proxy/health/progress.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace mysqlproxy {

namespace {

/// What is in front of `separator`, which is taken too.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return part;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

template <class Number>
bool read(std::string_view text, Number& out) {
  const auto end = text.data() + text.size();
  const auto got = std::from_chars(text.data(), end, out);
  return !text.empty() && got.ec == std::errc() && got.ptr == end;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return result;
}

}  // namespace

std::optional<Progress> Progress::mysql(std::string_view set) {
  constexpr std::size_t uuid_size = 36;
  Progress progress;
  while (!trimmed(set).empty()) {
    std::string_view member = take_until(set, ',');
    const std::string uuid = lower(trimmed(take_until(member, ':')));
    if (uuid.size() != uuid_size || member.empty()) return std::nullopt;
    std::string source = uuid;
    while (!member.empty()) {
      const std::string_view text = trimmed(take_until(member, ':'));
      // Since MySQL 8.3 a tag may stand in front of the numbers that it is for.
      if (!text.empty() && (text[0] < '0' || text[0] > '9')) {
        source = uuid + ":" + lower(text);
        continue;
      }
      std::string_view numbers = text;
      Range range;
      if (text.ends_with('-')) return std::nullopt;
      if (!read(trimmed(take_until(numbers, '-')), range.first)) return std::nullopt;
      range.last = range.first;
      if (!numbers.empty() && !read(trimmed(numbers), range.last)) return std::nullopt;
      if (range.first == 0 || range.last < range.first) return std::nullopt;
      add(progress.parts_[source], range);
    }
  }
  return progress;
}

std::optional<Progress> Progress::mariadb(std::string_view position) {
  Progress progress;
  while (!trimmed(position).empty()) {
    std::string_view gtid = trimmed(take_until(position, ','));
    const std::string_view domain = take_until(gtid, '-');
    const std::string_view server = take_until(gtid, '-');
    std::uint32_t number = 0;
    Part part;
    Range range{.first = 1};
    if (!read(domain, number) || !read(server, part.last_writer) || !read(gtid, range.last))
      return std::nullopt;
    if (range.last == 0) continue;
    part.ranges.push_back(range);
    progress.parts_[std::string(domain)] = std::move(part);
  }
  return progress;
}

void Progress::add(Part& part, Range range) {
  auto& ranges = part.ranges;
  // The first that ends where this one begins, or later: it may be one with it.
  auto at = std::ranges::lower_bound(ranges, range.first, {}, [](const Range& one) {
    return one.last == UINT64_MAX ? one.last : one.last + 1;
  });
  while (at != ranges.end() &&
         at->first <= (range.last == UINT64_MAX ? range.last : range.last + 1)) {
    range.first = std::min(range.first, at->first);
    range.last = std::max(range.last, at->last);
    at = ranges.erase(at);
  }
  ranges.insert(at, range);
}

void Progress::add(const Progress& other) {
  for (const auto& [source, theirs] : other.parts_) {
    Part& ours = parts_[source];
    const std::uint64_t before = ours.ranges.empty() ? 0 : ours.ranges.back().last;
    for (const Range& range : theirs.ranges) add(ours, range);
    if (theirs.ranges.back().last > before) ours.last_writer = theirs.last_writer;
  }
}

bool Progress::has(const Progress& other) const {
  return std::ranges::all_of(other.parts_, [this](const auto& item) {
    const auto ours = parts_.find(item.first);
    if (ours == parts_.end()) return false;
    const Part& theirs = item.second;
    const auto& ranges = ours->second.ranges;
    const bool same_end = ranges.back().last == theirs.ranges.back().last;
    if (same_end && ours->second.last_writer != theirs.last_writer) return false;
    return std::ranges::all_of(theirs.ranges, [&](const Range& range) {
      const auto at = std::ranges::lower_bound(ranges, range.last, {}, &Range::last);
      return at != ranges.end() && at->first <= range.first;
    });
  });
}

std::partial_ordering operator<=>(const Progress& a, const Progress& b) {
  const bool more = a.has(b);
  const bool less = b.has(a);
  if (more && less) return std::partial_ordering::equivalent;
  if (more) return std::partial_ordering::greater;
  return less ? std::partial_ordering::less : std::partial_ordering::unordered;
}

}  // namespace mysqlproxy
