// How much may happen: by time, and at once. Shared by all threads.
#pragma once

#include "proxy/config/rule.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy::rules {

/// So many in a second, with so many at once on top; those that come too early wait for their turn
/// or are refused. No thread, no clock of its own: whoever asks says what time it is, in
/// nanoseconds of a clock that never goes back.
class RateLimit {
 public:
  explicit RateLimit(const RuleRate& rate) : rate_(rate) {}

  /// How long to wait; nothing: it is refused. `key` is whose limit it is ("" for all).
  std::optional<std::chrono::nanoseconds> take(std::string_view key, std::chrono::nanoseconds now);

 private:
  std::optional<std::chrono::nanoseconds> take(std::int64_t& due, std::int64_t now) const noexcept;
  void forget_idle(std::int64_t now);

  const RuleRate rate_;
  /// When the next one is due, if they came evenly: of the rule, and by key.
  std::atomic<std::int64_t> due_ = 0;
  std::mutex mutex_;
  std::map<std::string, std::int64_t, std::less<>> due_by_key_;
};

/// So many at the same time; others wait in the order in which they came.
class ConcurrencyLimit {
 public:
  /// One that wants in.
  struct Ticket {
    explicit Ticket(std::string whose, std::function<void()> call)
        : key(std::move(whose)), wake(std::move(call)) {}
    const std::string key;
    const std::function<void()> wake;
    std::atomic<bool> in = false;
  };

  explicit ConcurrencyLimit(const RuleConcurrency& limit) : limit_(limit) {}

  /// `wake` is called, from whatever thread, when the ticket that had to wait is in. It has to be
  /// given back in any case.
  std::shared_ptr<Ticket> enter(std::string_view key, std::function<void()> wake);
  /// Leaves, or gives up waiting.
  void leave(const std::shared_ptr<Ticket>& ticket);

  std::uint32_t running() const;

 private:
  struct Line {
    std::uint32_t running = 0;
    std::deque<std::shared_ptr<Ticket>> waiting;
  };

  const RuleConcurrency limit_;
  mutable std::mutex mutex_;
  std::map<std::string, Line, std::less<>> lines_;
};

/// Its place within a ConcurrencyLimit, for as long as it lives.
class Permit {
 public:
  Permit() noexcept = default;
  Permit(std::shared_ptr<ConcurrencyLimit> limit, std::shared_ptr<ConcurrencyLimit::Ticket> ticket)
      : limit_(std::move(limit)), ticket_(std::move(ticket)) {}
  Permit(Permit&& other) noexcept = default;
  Permit& operator=(Permit&& other) noexcept {
    if (this != &other) {
      release();
      limit_ = std::move(other.limit_);
      ticket_ = std::move(other.ticket_);
    }
    return *this;
  }
  ~Permit() { release(); }

  /// False while it waits.
  bool granted() const noexcept { return !ticket_ || ticket_->in.load(std::memory_order_acquire); }

 private:
  void release() noexcept {
    if (ticket_) limit_->leave(ticket_);
    ticket_.reset();
  }

  std::shared_ptr<ConcurrencyLimit> limit_;
  std::shared_ptr<ConcurrencyLimit::Ticket> ticket_;
};

}  // namespace mysqlproxy::rules
