#include "proxy/rules/limits.hpp"

#include <algorithm>
#include <utility>

namespace mysqlproxy::rules {
namespace {

/// Keys that are kept track of; those that have been idle go first, then nobody has to.
constexpr std::size_t most_keys = 65'536;
constexpr std::int64_t second = 1'000'000'000;

}  // namespace

/// Each one pushes the time at which the next is due; a burst is how far that may lie ahead.
std::optional<std::chrono::nanoseconds> RateLimit::take(std::int64_t& due,
                                                        std::int64_t now) const noexcept {
  const std::int64_t step = second / rate_.per_second;
  const std::int64_t start = std::max(due, now);
  const std::int64_t ahead = start - now - step * (std::int64_t{rate_.burst} - 1);
  if (ahead > std::chrono::nanoseconds(rate_.wait).count()) return std::nullopt;
  due = start + step;
  return std::chrono::nanoseconds(std::max<std::int64_t>(ahead, 0));
}

std::optional<std::chrono::nanoseconds> RateLimit::take(std::string_view key,
                                                        std::chrono::nanoseconds now) {
  if (rate_.by == LimitBy::rule) {
    std::int64_t seen = due_.load(std::memory_order_relaxed);
    for (;;) {
      std::int64_t due = seen;
      const auto wait = take(due, now.count());
      if (!wait || due_.compare_exchange_weak(seen, due, std::memory_order_relaxed)) return wait;
    }
  }
  const std::lock_guard lock(mutex_);
  auto found = due_by_key_.find(key);
  if (found == due_by_key_.end()) {
    if (due_by_key_.size() >= most_keys) forget_idle(now.count());
    found = due_by_key_.emplace(std::string(key), 0).first;
  }
  return take(found->second, now.count());
}

/// One whose time has come is as good as new.
void RateLimit::forget_idle(std::int64_t now) {
  std::erase_if(due_by_key_, [&](const auto& entry) { return entry.second <= now; });
}

std::shared_ptr<ConcurrencyLimit::Ticket> ConcurrencyLimit::enter(std::string_view key,
                                                                  std::function<void()> wake) {
  auto ticket = std::make_shared<Ticket>(std::string(key), std::move(wake));
  const std::lock_guard lock(mutex_);
  Line& line = lines_[ticket->key];
  if (line.running < limit_.max) {
    ++line.running;
    ticket->in.store(true, std::memory_order_release);
  } else {
    line.waiting.push_back(ticket);
  }
  return ticket;
}

void ConcurrencyLimit::leave(const std::shared_ptr<Ticket>& ticket) {
  std::shared_ptr<Ticket> next;
  {
    const std::lock_guard lock(mutex_);
    const auto found = lines_.find(ticket->key);
    if (found == lines_.end()) return;
    Line& line = found->second;
    if (!ticket->in.load(std::memory_order_relaxed)) {
      std::erase(line.waiting, ticket);
    } else if (line.waiting.empty()) {
      if (--line.running == 0) lines_.erase(found);
    } else {
      next = std::move(line.waiting.front());
      line.waiting.pop_front();
      next->in.store(true, std::memory_order_release);
    }
  }
  if (next && next->wake) next->wake();
}

std::uint32_t ConcurrencyLimit::running() const {
  const std::lock_guard lock(mutex_);
  std::uint32_t all = 0;
  for (const auto& [key, line] : lines_) all += line.running;
  return all;
}

}  // namespace mysqlproxy::rules
