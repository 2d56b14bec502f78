#include "proxy/statistics/statistics.hpp"

#include "proxy/statistics/redacted.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace mysqlproxy {

void StatementFigures::operator+=(const StatementFigures& other) noexcept {
  count += other.count;
  errors += other.errors;
  refused += other.refused;
  rows += other.rows;
  bytes += other.bytes;
  if (other.first != 0) first = first == 0 ? other.first : std::min(first, other.first);
  last = std::max(last, other.last);
  latency += other.latency;
}

void StatementReport::merge(StatementReport other_report) {
  using Key = std::tuple<std::uint64_t, std::string_view, std::string_view, std::string_view,
                         std::string_view>;
  const auto key = [](const StatementRecord& one) {
    return Key(one.digest, one.digest_text, one.user, one.schema, one.server);
  };
  statements.reserve(statements.size() + other_report.statements.size());  // keys borrow
  std::map<Key, StatementRecord*> known;
  for (StatementRecord& one : statements) known.emplace(key(one), &one);
  for (StatementRecord& one : other_report.statements) {
    const auto found = known.find(key(one));
    if (found != known.end())
      found->second->figures += one.figures;
    else
      statements.push_back(std::move(one));
  }
  other += other_report.other;
  evicted += other_report.evicted;
}

std::shared_ptr<const StatementOrigin> StatementStatistics::origin(std::string_view user,
                                                                   std::string_view schema,
                                                                   std::string_view server) {
  const auto found = origins_.find(std::tuple(user, schema, server));
  if (found != origins_.end()) {
    if (auto known = found->second.lock()) return known;
    origins_.erase(found);
  }
  if (origins_.size() >= most_origins_) {
    std::erase_if(origins_, [](const auto& one) { return one.second.expired(); });
    most_origins_ = std::max<std::size_t>(64, origins_.size() * 2);
  }
  auto made = std::make_shared<const StatementOrigin>(
      StatementOrigin{std::string(user), std::string(schema), std::string(server)});
  origins_.emplace(Names(user, schema, server), made);
  return made;
}

std::uint64_t StatementStatistics::hash_of(const StatementKey& key) noexcept {
  const auto origin = reinterpret_cast<std::uintptr_t>(key.origin.get());
  const std::uint64_t hash = (key.digest ^ origin) * 0x9E3779B97F4A7C15;
  return hash ^ hash >> 32;
}

bool StatementStatistics::is(const Line& line, const StatementKey& key) noexcept {
  return line.digest == key.digest && line.origin == key.origin &&
         line.digest_text == key.digest_text.substr(0, longest_digest);
}

auto StatementStatistics::find(const StatementKey& key, std::string_view text,
                               const mysqlwire::sql::Dialect& dialect, const Shape* shape)
    -> Handle {
  if (shape == nullptr) return find_line(key, text, dialect);
  Shape::LineMemo& memo = shape->line;
  if (memo.statistics == this && memo.slot < lines_.size() && lines_[memo.slot].age == memo.age &&
      lines_[memo.slot].origin == key.origin) {
    lines_[memo.slot].again = true;
    return {memo.slot, memo.age};
  }
  const Handle found = find_line(key, text, dialect);
  memo = {this, found.slot, found.age};
  return found;
}

auto StatementStatistics::find_line(const StatementKey& key, std::string_view text,
                                    const mysqlwire::sql::Dialect& dialect) -> Handle {
  const std::uint64_t hash = hash_of(key);
  if (!buckets_.empty()) {
    for (std::uint32_t slot = bucket(hash); slot != none; slot = lines_[slot].next) {
      if (lines_[slot].hash != hash || !is(lines_[slot], key)) continue;
      lines_[slot].again = true;
      return {slot, lines_[slot].age};
    }
  }
  while (used_ >= most_) forget_oldest();
  grow();
  std::uint32_t slot = free_;
  if (slot != none) {
    free_ = lines_[slot].next;
  } else {
    slot = static_cast<std::uint32_t>(lines_.size());
    lines_.emplace_back();
  }
  Line& line = lines_[slot];
  line.digest_text = key.digest_text.substr(0, longest_digest);
  line.digest = key.digest;
  line.origin = key.origin;
  line.example = redacted(text, dialect, longest_example);
  line.hash = hash;
  line.next = std::exchange(bucket(hash), slot);
  link_newest(slot);
  ++used_;
  return {slot, line.age};
}

void StatementStatistics::add(Handle handle, const Outcome& outcome) noexcept {
  const bool known = handle.slot < lines_.size() && lines_[handle.slot].age == handle.age;
  StatementFigures& figures = known ? lines_[handle.slot].figures : other_;
  ++figures.count;
  figures.errors += outcome.error ? 1 : 0;
  figures.rows += outcome.rows;
  figures.bytes += outcome.bytes;
  if (figures.first == 0) figures.first = outcome.now;
  figures.last = std::max(figures.last, outcome.now);
  if (outcome.refused)
    ++figures.refused;
  else
    figures.latency.add(outcome.microseconds);
}

void StatementStatistics::limit(std::size_t most) {
  most_ = std::max<std::size_t>(1, most);
  while (used_ > most_) forget_oldest();
}

StatementReport StatementStatistics::report() const {
  StatementReport report;
  report.statements.reserve(used_);
  for (std::uint32_t slot = newest_; slot != none; slot = lines_[slot].older) {
    const Line& line = lines_[slot];
    report.statements.push_back({line.digest_text, line.digest, line.origin->user,
                                 line.origin->schema, line.origin->server, line.example,
                                 line.figures});
  }
  report.other = other_;
  report.evicted = evicted_;
  return report;
}

void StatementStatistics::unlink(std::uint32_t slot) noexcept {
  const Line& line = lines_[slot];
  (line.newer != none ? lines_[line.newer].older : newest_) = line.older;
  (line.older != none ? lines_[line.older].newer : oldest_) = line.newer;
}

void StatementStatistics::link_newest(std::uint32_t slot) noexcept {
  lines_[slot].newer = none;
  lines_[slot].older = newest_;
  (newest_ != none ? lines_[newest_].newer : oldest_) = slot;
  newest_ = slot;
}

/// What came again has a second chance. To keep all in the order of their last use would take the
/// memory of three lines for each statement, which is slow to get at.
void StatementStatistics::forget_oldest() {
  while (std::exchange(lines_[oldest_].again, false)) {
    const std::uint32_t spared = oldest_;
    unlink(spared);
    link_newest(spared);
  }
  const std::uint32_t slot = oldest_;
  unlink(slot);
  Line& line = lines_[slot];
  std::uint32_t* at = &bucket(line.hash);
  while (*at != slot) at = &lines_[*at].next;
  *at = line.next;
  other_ += line.figures;
  line.figures = {};
  line.digest_text.clear();
  line.example.clear();
  line.origin.reset();
  ++line.age;
  line.next = std::exchange(free_, slot);
  --used_;
  ++evicted_;
}

/// More buckets than lines.
void StatementStatistics::grow() {
  if (used_ < buckets_.size()) return;
  buckets_.assign(std::max<std::size_t>(64, buckets_.size() * 2), none);
  for (std::uint32_t slot = newest_; slot != none; slot = lines_[slot].older)
    lines_[slot].next = std::exchange(bucket(lines_[slot].hash), slot);
}

}  // namespace mysqlproxy
