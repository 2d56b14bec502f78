#include "proxy/lending/borrow.hpp"

#include "proxy/session/errors.hpp"

#include <mysqlwire/wire/err_packet.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace mysqlproxy::lending {

namespace {

/// How often it is looked for a primary that is awaited.
constexpr std::chrono::milliseconds primary_poll{100};
/// How often a server is asked again that has no room for another connection.
constexpr std::chrono::milliseconds crowded_poll{20};

/// ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS: not now, but maybe soon.
bool says_crowded(const mysqlwire::Buffer& reply) noexcept {
  const auto err = mysqlwire::ErrPacket::decode(reply, {});
  return err && (err->code == 1040 || err->code == 1203);
}

/// One request under way.
class Borrowing {
 public:
  Borrowing(Lender& lender, const BorrowRequest& request)
      : lender_(lender),
        request_(request),
        primary_limit_(lender.loop(), request.waker),
        began_(lender.loop().now()) {}

  Task<BorrowOutcome> run() {
    const auto wait = request_.pool->config().primary_wait;
    if (request_.pool->config().role == PoolRole::primary && wait.count() != 0)
      primary_limit_.set(wait);
    while (!settled_) {
      co_await try_all();
      if (settled_) break;
      if (full_)
        co_await wait_for_full();
      else if (crowded_)
        co_await wait_for_room();
      else
        co_await wait_for_primary();
    }
    co_return std::move(outcome_);
  }

 private:
  Task<void> try_all();
  Task<void> open(ServerSlot place);
  Task<void> wait_for_full();
  Task<void> wait_for_room();
  Task<void> wait_for_primary();
  Task<void> pause_for(std::chrono::milliseconds time);
  std::chrono::milliseconds queue_time() const noexcept;
  std::chrono::milliseconds queue_time_left() const noexcept;
  bool queued_too_long() const noexcept;
  std::chrono::milliseconds waited() const noexcept {
    return std::chrono::milliseconds(lender_.loop().now() - began_);
  }
  void settle(std::unique_ptr<LentConnection> lent);
  void settle(Refusal refusal, const Server& server);
  void give_up();
  bool client_left() const noexcept;
  bool told_to_stop() const noexcept;
  LoanKey key(std::shared_ptr<Server> server) const { return {std::move(server), request_.who}; }

  Lender& lender_;
  const BorrowRequest& request_;
  Deadline primary_limit_;
  std::uint64_t began_;
  BorrowOutcome outcome_;
  std::string reasons_;  ///< of the servers that were tried in this round
  std::vector<std::shared_ptr<Server>> candidates_;
  std::shared_ptr<Server> full_;     ///< the first of them that has no room
  std::shared_ptr<Server> useless_;  ///< nobody can wait for that one
  mysqlwire::Buffer only_reply_;
  bool crowded_ = false;  ///< one of them has as many connections as it takes, others' too
  bool settled_ = false;
};

bool Borrowing::client_left() const noexcept {
  return request_.patience.client != nullptr && request_.patience.client->peer_closed();
}

bool Borrowing::told_to_stop() const noexcept {
  const Patience& patience = request_.patience;
  return (patience.given_up != nullptr && *patience.given_up) ||
         (patience.deadline != nullptr && patience.deadline->passed());
}

/// Each of the servers that the pool would use now.
Task<void> Borrowing::try_all() {
  reasons_.clear();
  full_.reset();
  crowded_ = false;
  candidates_ = lender_.candidates(request_.pool, true);
  for (std::size_t i = 0; i < candidates_.size() && !settled_; ++i) {
    const LoanKey wanted = key(candidates_[i]);
    auto lent = lender_.take(wanted, request_.pool, request_.last, request_.wanted);
    if (lent) {
      settle(std::move(lent));
      break;
    }
    ServerSlot place = Lender::room(wanted);
    if (place.server())
      co_await open(std::move(place));
    else if (!full_)
      full_ = candidates_[i];
  }
}

/// Logs in. Where that fails because of the server the next one is tried.
Task<void> Borrowing::open(ServerSlot place) {
  const std::shared_ptr<Server> server = place.server();
  ConnectOutcome made =
      co_await request_.connector.connect(std::move(place), request_.credentials, request_.wishes);
  if (made.connection) {
    outcome_.fresh = true;
    outcome_.reply = std::move(made.reply);
    settle(lender_.lend_new(key(server), request_.pool, request_.last, std::move(made.connection),
                            request_.credentials, request_.wishes));
    co_return;
  }
  // A client whose own proof the server has seen can't be asked for another.
  const bool crowded = says_crowded(made.reply) && !made.spent;
  if ((made.refused && !crowded) || made.client_gone) {
    outcome_.refused = made.refused;
    outcome_.client_gone = made.client_gone;
    outcome_.reply = std::move(made.reply);
    outcome_.reason = std::move(made.reason);
    settled_ = true;
    co_return;
  }
  only_reply_ = std::move(made.reply);
  crowded_ = crowded_ || crowded;
  reasons_ += fmt::format("{}{}", reasons_.empty() ? "" : "; ", made.reason);
}

Task<void> Borrowing::wait_for_full() {
  const LoanKey wanted = key(full_);
  Patience patience = request_.patience;
  patience.limit = queue_time_left();
  Turn turn =
      co_await lender_.wait_turn(request_.waker, wanted, request_.pool, request_.last, patience);
  if (turn.connection) {
    settle(std::move(turn.connection));
  } else if (turn.place.server()) {
    co_await open(std::move(turn.place));
  } else if (turn.refusal != Refusal::server_down && turn.refusal != Refusal::server_gone) {
    settle(turn.refusal, *full_);
  } else if (std::exchange(useless_, full_) == full_) {
    // The pool would still use it, so that to ask the pool again at once leads nowhere.
    reasons_ += fmt::format("{}{}", reasons_.empty() ? "" : "; ",
                            turn.refusal == Refusal::server_gone
                                ? full_->name() + " is not to be used any more"
                                : full_->describe());
    full_.reset();
    co_await wait_for_primary();
  }
}

/// For a connection of whoever is in the queue; 0: as long as it takes. Of the whole, however often
/// it has to queue up.
std::chrono::milliseconds Borrowing::queue_time() const noexcept {
  const std::chrono::milliseconds own = request_.patience.limit;
  return own.count() != 0 ? own : request_.pool->config().lending.queue_timeout;
}

/// Never 0 where there is a limit: that is no limit to whoever is told.
std::chrono::milliseconds Borrowing::queue_time_left() const noexcept {
  const std::chrono::milliseconds limit = queue_time();
  if (limit.count() == 0) return limit;
  return std::max(limit - waited(), std::chrono::milliseconds(1));
}

bool Borrowing::queued_too_long() const noexcept {
  const std::chrono::milliseconds limit = queue_time();
  return limit.count() != 0 && waited() >= limit;
}

/// The server itself has refused, since it has no room. A connection that comes back, or one that
/// somebody else gives up, is as good as a place in the queue.
Task<void> Borrowing::wait_for_room() {
  if (queued_too_long()) {
    give_up();
    co_return;
  }
  co_await pause_for(crowded_poll);
}

/// There is nobody to ask. A primary may be on its way.
Task<void> Borrowing::wait_for_primary() {
  if (!primary_limit_.is_set() || primary_limit_.passed()) {
    give_up();
    co_return;
  }
  co_await pause_for(primary_poll);
}

/// Gives up where nobody waits any more.
Task<void> Borrowing::pause_for(std::chrono::milliseconds time) {
  Deadline pause(lender_.loop(), request_.waker);
  pause.set(time);
  while (!pause.passed() && !client_left() && !told_to_stop()) co_await request_.waker;
  outcome_.client_gone = client_left();
  if (!outcome_.client_gone && !told_to_stop()) co_return;
  outcome_.refusal = outcome_.client_gone ? Refusal::client_left : Refusal::given_up;
  give_up();
}

void Borrowing::settle(std::unique_ptr<LentConnection> lent) {
  outcome_.connection = std::move(lent);
  settled_ = true;
}

void Borrowing::settle(Refusal refusal, const Server& server) {
  const LendingConfig& limits = request_.pool->config().lending;
  outcome_.refusal = refusal;
  outcome_.client_gone = refusal == Refusal::client_left;
  std::string why = std::string(to_string(refusal));
  if (refusal == Refusal::queue_full)
    why = fmt::format("{} sessions wait for one (queue_limit)", limits.queue_limit);
  else if (refusal == Refusal::timed_out)
    why = fmt::format("none came back within {} ms (queue_timeout)", lender_.loop().now() - began_);
  outcome_.reason = fmt::format("Too many connections: all {} of server {} are in use, and {}",
                                server.quota.most(), server.name(), why);
  outcome_.reply = error_payload(too_many_connections, outcome_.reason);
  settled_ = true;
}

/// None of the servers can be had.
void Borrowing::give_up() {
  Pool& pool = *request_.pool;
  for (const auto& server : pool.servers()) {
    if (std::ranges::find(candidates_, server) != candidates_.end()) continue;
    reasons_ += fmt::format("{}{}", reasons_.empty() ? "" : "; ", pool.describe(*server));
  }
  const bool primary = pool.config().role == PoolRole::primary && candidates_.empty();
  outcome_.reason =
      fmt::format("no {} for pool {}: {}", primary ? "primary" : "server", pool.name(), reasons_);
  // What the only server of a pool says of itself is said in its own words.
  if (candidates_.size() == 1 && pool.servers().size() == 1 && !only_reply_.empty())
    outcome_.reply = std::move(only_reply_);
  else
    outcome_.reply = error_payload(read_error, outcome_.reason);
  settled_ = true;
}

}  // namespace

Task<BorrowOutcome> borrow(Lender& lender, const BorrowRequest& request) {
  Borrowing borrowing(lender, request);
  BorrowOutcome outcome = co_await borrowing.run();
  co_return outcome;
}

}  // namespace mysqlproxy::lending
