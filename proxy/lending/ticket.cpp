// Sessions that wait for a connection.
#include "proxy/lending/loan_group.hpp"

#include <algorithm>
#include <utility>

namespace mysqlproxy::lending {

Lender::Ticket::Ticket(Lender& lender, LoanGroup& group, const std::shared_ptr<Pool>& pool,
                       Waker& waker, LastLoan& last)
    : lender_(lender), group_(group), pool_(pool), waker_(waker), last_(last) {}

/// A session that is destroyed while it waits lets go of what it may have been given.
Lender::Ticket::~Ticket() {
  unlink();
  if (group_.key.server->quota.leave(*this).place) group_.key.server->quota.release();
}

void Lender::Ticket::enter() {
  began_ = lender_.loop_.now();
  const auto outcome = group_.key.server->quota.enter(*this, *group_.desk,
                                                      pool_->config().lending.queue_limit, began_);
  if (outcome.place) turn_.place = ServerSlot::adopt(group_.key.server);
  turn_.refusal = outcome.refusal;
  done_ = outcome.place || outcome.refusal != Refusal::none;
  if (done_) return;
  previous = group_.last_waiting;
  (previous != nullptr ? previous->next : group_.first_waiting) = this;
  group_.last_waiting = this;
  linked_ = true;
  Figures::add(lender_.figures_.waiting);
  Figures::add(lender_.figures_.waited);
}

void Lender::Ticket::hand(std::unique_ptr<LentConnection> lent) {
  turn_.connection = std::move(lent);
  // Both at once are possible: a place that was granted and of which this thread has not heard yet.
  if (group_.key.server->quota.leave(*this).place) group_.key.server->quota.release();
  unlink();
  done_ = true;
  waker_.notify();
}

void Lender::Ticket::collect() { leave(Refusal::none); }

void Lender::Ticket::refuse(Refusal refusal) { leave(refusal); }

void Lender::Ticket::leave(Refusal refusal) {
  const auto outcome = group_.key.server->quota.leave(*this);
  if (outcome.place)
    turn_.place = ServerSlot::adopt(group_.key.server);
  else
    turn_.refusal = outcome.refusal != Refusal::none ? outcome.refusal : refusal;
  unlink();
  done_ = true;
  waker_.notify();
}

void Lender::Ticket::unlink() noexcept {
  if (!std::exchange(linked_, false)) return;
  (previous != nullptr ? previous->next : group_.first_waiting) = next;
  (next != nullptr ? next->previous : group_.last_waiting) = previous;
  Figures& figures = lender_.figures_;
  Figures::subtract(figures.waiting);
  const std::uint64_t waited = lender_.loop_.now() - began_;
  if (waited > figures.longest_wait_ms.load(std::memory_order_relaxed))
    figures.longest_wait_ms.store(waited, std::memory_order_relaxed);
}

Turn Lender::Ticket::take() noexcept { return std::move(turn_); }

Task<Turn> Lender::wait_turn(Waker& waker, const LoanKey& key, const std::shared_ptr<Pool>& pool,
                             LastLoan& last, const Patience& patience) {
  // One may have come back since the session has looked.
  if (auto lent = take(key, pool, last, nullptr)) {
    Turn found;
    found.connection = std::move(lent);
    co_return found;
  }
  LoanGroup& group = group_of(key, pool);
  Ticket ticket(*this, group, pool, waker, last);
  Deadline limit(loop_, waker);
  if (patience.limit.count() != 0) limit.set(patience.limit);
  ticket.enter();
  while (!ticket.done()) {
    if (group.desk->retired)
      ticket.refuse(Refusal::server_gone);
    else if (patience.client != nullptr && patience.client->peer_closed())
      ticket.refuse(Refusal::client_left);
    else if (patience.given_up != nullptr && *patience.given_up)
      ticket.refuse(Refusal::given_up);
    else if (limit.passed() || (patience.deadline != nullptr && patience.deadline->passed()))
      ticket.refuse(Refusal::timed_out);
    else
      co_await waker;
  }
  Turn turn = ticket.take();
  if (turn.refusal != Refusal::none)
    Figures::add(figures_.refused[static_cast<std::size_t>(turn.refusal)]);
  co_return turn;
}

}  // namespace mysqlproxy::lending
