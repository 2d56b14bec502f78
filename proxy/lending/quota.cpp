#include "proxy/lending/quota.hpp"

#include <algorithm>

namespace mysqlproxy::lending {

std::string_view to_string(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::none: return "none";
    case Refusal::queue_full: return "queue_full";
    case Refusal::timed_out: return "timed_out";
    case Refusal::server_down: return "server_down";
    case Refusal::server_gone: return "server_gone";
    case Refusal::client_left: return "client_left";
    case Refusal::given_up: return "given_up";
  }
  return {};
}

bool Quota::try_take() {
  const std::lock_guard lock(mutex_);
  const std::uint32_t taken = taken_.load(std::memory_order_relaxed);
  if (most_ != 0 && taken >= most_) return false;
  taken_.store(taken + 1, std::memory_order_relaxed);
  return true;
}

void Quota::release() noexcept {
  const std::lock_guard lock(mutex_);
  // All places are taken while somebody waits, so that this one is not counted anew.
  if (queue_.first != nullptr)
    serve(*queue_.first, {.place = true});
  else
    taken_.fetch_sub(1, std::memory_order_relaxed);
}

void Quota::join(Party& party) {
  const std::lock_guard lock(mutex_);
  parties_.push_back(&party);
}

void Quota::part(Party& party) noexcept {
  const std::lock_guard lock(mutex_);
  std::erase(parties_, &party);
}

Quota::Outcome Quota::enter(Waiter& waiter, Party& party, std::uint32_t queue_limit,
                            std::uint64_t now) {
  const std::lock_guard lock(mutex_);
  const std::uint32_t taken = taken_.load(std::memory_order_relaxed);
  if (most_ == 0 || taken < most_) {
    taken_.store(taken + 1, std::memory_order_relaxed);
    return {.place = true};
  }
  if (down()) return {.refusal = Refusal::server_down};
  if (queue_limit != 0 && waiting_.load(std::memory_order_relaxed) >= queue_limit)
    return {.refusal = Refusal::queue_full};
  waiter.party_ = &party;
  waiter.since_ = now;
  waiter.state_ = Waiter::State::queued;
  waiter.refusal_ = Refusal::none;
  append(queue_.first, queue_.last, waiter);
  waiting_.fetch_add(1);
  queue_changed();
  ask();
  return {};
}

Quota::Outcome Quota::leave(Waiter& waiter) noexcept {
  using State = Waiter::State;
  const std::lock_guard lock(mutex_);
  if (waiter.state_ == State::out) return {};
  const Outcome outcome{waiter.state_ == State::granted, waiter.refusal_};
  Party& party = *waiter.party_;
  if (waiter.state_ == State::queued) {
    remove(queue_.first, queue_.last, waiter);
    waiting_.fetch_sub(1);
    queue_changed();
  } else if (waiter.previous_ != nullptr || party.first_served_ == &waiter) {
    remove(party.first_served_, party.last_served_, waiter);
  }
  waiter.state_ = State::out;
  return outcome;
}

Quota::Waiter* Quota::collect(Party& party) noexcept {
  const std::lock_guard lock(mutex_);
  Waiter* const waiter = party.first_served_;
  if (waiter != nullptr) remove(party.first_served_, party.last_served_, *waiter);
  return waiter;
}

void Quota::ask_another() {
  const std::lock_guard lock(mutex_);
  if (queue_.first != nullptr) ask();
}

void Quota::set_down(bool down) noexcept {
  const std::lock_guard lock(mutex_);
  down_.store(down, std::memory_order_relaxed);
  while (down && queue_.first != nullptr) serve(*queue_.first, {.refusal = Refusal::server_down});
}

void Quota::append(Waiter*& first, Waiter*& last, Waiter& waiter) noexcept {
  waiter.next_ = nullptr;
  waiter.previous_ = last;
  (last != nullptr ? last->next_ : first) = &waiter;
  last = &waiter;
}

void Quota::remove(Waiter*& first, Waiter*& last, Waiter& waiter) noexcept {
  (waiter.previous_ != nullptr ? waiter.previous_->next_ : first) = waiter.next_;
  (waiter.next_ != nullptr ? waiter.next_->previous_ : last) = waiter.previous_;
  waiter.next_ = nullptr;
  waiter.previous_ = nullptr;
}

void Quota::queue_changed() noexcept {
  waiting_since_.store(queue_.first != nullptr ? queue_.first->since_ : nobody,
                       std::memory_order_relaxed);
}

/// Takes one out of the queue, with what has come of its wait, and tells its thread.
void Quota::serve(Waiter& waiter, Outcome outcome) noexcept {
  remove(queue_.first, queue_.last, waiter);
  waiting_.fetch_sub(1);
  queue_changed();
  waiter.state_ = outcome.place ? Waiter::State::granted : Waiter::State::refused;
  waiter.refusal_ = outcome.refusal;
  Party& party = *waiter.party_;
  const bool first = party.first_served_ == nullptr;
  append(party.first_served_, party.last_served_, waiter);
  // Told once, it looks for all of them.
  if (first) party.served();
}

/// Whoever has most idle connections can spare one most easily.
void Quota::ask() noexcept {
  const auto most =
      std::ranges::max_element(parties_, {}, [](const Party* party) { return party->idle.load(); });
  if (most != parties_.end() && (*most)->idle.load() != 0) (*most)->give_one_up();
}

}  // namespace mysqlproxy::lending
