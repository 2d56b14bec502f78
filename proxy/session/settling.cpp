// Session: what becomes of a lent server connection once an answer is complete, or its server gone.
#include "proxy/app/worker.hpp"
#include "proxy/lending/difference.hpp"
#include "proxy/session/batch.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/one_row.hpp"
#include "proxy/session/session.hpp"

#include <mysqlwire/wire/ok_packet.hpp>

#include <fmt/format.h>

#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::PacketKind;

/// There is an answer since this was looked at last, or what kept the connection has had its time.
bool Session::settle_due() const {
  return borrowing_ && server_ && relay_->answered() &&
         (settled_ != relay_->commands() || passed(linger_) || (misplaced_ && linger_.is_set()));
}

/// The answer is complete, and nothing of the session is left on the connection: it goes back. The
/// usual case of settle(), which is for when this gives false.
bool Session::settle_at_once() {
  if (borrowing_->hold() != Borrowing::Hold::none || borrowing_->follower().in_doubt() ||
      borrowing_->follower().asks_for_values())
    return false;
  settled_ = relay_->commands();
  give_back();
  steering_->rest();
  return true;
}

/// The answer is complete: the connection goes back, unless something keeps it.
Task<void> Session::settle() {
  const bool anew = settled_ != relay_->commands();
  settled_ = relay_->commands();
  Borrowing::Hold hold = borrowing_->hold();
  const bool waits = hold == Borrowing::Hold::briefly || hold == Borrowing::Hold::uncertain;
  if (waits && !misplaced_ && (anew || !linger_.passed())) {
    if (anew) {
      linger_.set(pool_->config().lending.linger);
      lingers_ = true;
    }
    co_return;
  }
  stop_lingering();
  if (hold == Borrowing::Hold::uncertain || (waits && borrowing_->asks_back())) {
    const bool told = co_await ask_last_statement();
    if (!told) co_return;
    hold = borrowing_->hold();
  }
  if (hold != Borrowing::Hold::firmly && borrowing_->follower().in_doubt()) {
    const bool dispelled = co_await dispel_doubt();
    if (!dispelled) co_return;
    hold = borrowing_->hold();
  }
  if (hold == Borrowing::Hold::firmly) {
    note_pins();
    co_return;
  }
  const std::string question = borrowing_->follower().value_query();
  if (!question.empty()) {
    const mysqlwire::Buffer query = query_payload(question, borrowing_->server_side());
    OneRow row(borrowing_->server_side());
    BatchMeans means = own_batch();
    means.on_packet = [&row](PacketKind kind, Bytes payload) { row.take(kind, payload); };
    const BatchOutcome outcome = co_await run_command(means, query);
    if (outcome.kind == BatchOutcome::Kind::broken) {
      // What it knew of the session, and what is not known here, is lost.
      end(EndedBy::server, fmt::format("server {} lost a session", server_name_));
      discard();
      co_return;
    }
    if (refused_by_cluster(outcome)) {
      // Nothing else is known there for now either, so that what is gets asked for later.
      if (borrowing_->failed() && borrowing_->follower().lacks_id_alone()) forget_connection();
      co_return;
    }
    borrowing_->follower().take_values(row.values());
    note_own_statement();
    if (borrowing_->hold() == Borrowing::Hold::firmly) co_return;
  }
  give_back();
  steering_->rest();
}

/// The last statement on the connection is none of the session's, which may keep it all the same.
void Session::note_own_statement() {
  asked_here_ = true;
  borrowing_->note_strange_connection();
}

/// Finds out what no other connection can tell of the last statement. False when there is no
/// answer: the connection stays, or is gone.
Task<bool> Session::ask_last_statement() {
  const mysqlwire::Buffer query =
      query_payload(Borrowing::last_statement_query(), borrowing_->server_side());
  OneRow row(borrowing_->server_side());
  BatchMeans means = own_batch();
  means.on_packet = [&row](PacketKind kind, Bytes payload) { row.take(kind, payload); };
  const BatchOutcome outcome = co_await run_command(means, query);
  if (outcome.kind == BatchOutcome::Kind::broken) discard();
  if (outcome.kind != BatchOutcome::Kind::done) co_return false;
  note_own_statement();
  co_return borrowing_->take_last_statement(row.values(), outcome.status);
}

/// Finds out what a statement that has failed did before that. False when the connection is gone.
Task<bool> Session::dispel_doubt() {
  const mysqlwire::Context& context = borrowing_->server_side();
  // Not COM_PING: MariaDB tells only together with something new.
  const mysqlwire::Buffer commands[] = {query_payload("BEGIN", context),
                                        query_payload("ROLLBACK AND NO CHAIN NO RELEASE", context)};
  BatchMeans means = own_batch();
  means.on_packet = [&](PacketKind kind, Bytes payload) {
    if (kind != PacketKind::ok) return;
    if (const auto ok = mysqlwire::OkPacket::decode(payload, context))
      borrowing_->follower().settle_doubt(*ok, context);
  };
  const BatchOutcome outcome = co_await run_batch(means, commands);
  note_own_statement();
  if (outcome.kind == BatchOutcome::Kind::done && !borrowing_->follower().in_doubt())
    co_return true;
  // What it knew of the session is lost.
  end(EndedBy::server, fmt::format("server {} lost a session", server_name_));
  discard();
  co_return false;
}

/// The server of the command under way is gone. Nothing of the session went with it, unless it had
/// something there that no other server has: the command fails, and the session goes on.
/// Does not count where the command can be done once more.
bool Session::outlives_lost_server(const Loss& loss) {
  if (!borrowing_ || !server_ || borrowing_->hold() == Borrowing::Hold::firmly) return false;
  if (id_.killed() || relay_->mid_command()) return false;
  if (relay_->tracker().pending_commands() != 0) {
    if (!relay_->client_at_boundary()) return false;
    services_.log.warn(loss.reason, {{"client", arrival_.address}, {"user", credentials_.user}});
    const bool again = relay_->unanswered() && borrowing_->second_chance().survives_loss();
    if (!again) say(error_payload(loss.error, loss.reason), relay_->next_sequence_id());
    relay_->restart(relay_->tracker().context(), may_get_compressed(), {});
    steering_->let_go();
    if (again) repeat_command();
  }
  discard();
  waker_.notify();  // what is to be repeated, or the client's next command, waits for a turn
  return true;
}

/// The command under way only reads, and its server is taken for dead by the health check.
bool Session::may_be_done_elsewhere() const {
  return borrowing_ && server_ && relay_ && relay_->tracker().pending_commands() != 0 &&
         relay_->unanswered() && borrowing_->second_chance().survives_loss() &&
         server_->server()->down_by_checks();
}

/// The server has refused the command under way because another one is to have it.
void Session::do_elsewhere() {
  const bool read_only = borrowing_->second_chance().refusal() == SecondChance::Refusal::read_only;
  services_.log.debug(
      fmt::format("server {} has refused a statement, which is done elsewhere", server_name_),
      {{"client", arrival_.address}, {"user", credentials_.user}});
  server_->server()->has_refused(read_only);
  worker_.lender().reconsider();
  steering_->let_go();
  repeat_command();
  if (borrowing_->follower().asks_for_values())
    forget_connection();
  else
    give_back();
}

/// With the id that a failed statement may have left there.
void Session::forget_connection() {
  borrowing_->follower().forget_id();
  discard();
}

/// It comes once more, as if the client had sent it again.
void Session::repeat_command() { relay_->repeat(borrowing_->second_chance().take()); }

/// Once for each reason.
void Session::note_pins() {
  const std::uint32_t pins = borrowing_->follower().pins().bits();
  if (pins == 0 || (pins & ~noted_pins_) == 0) return;
  noted_pins_ |= pins;
  services_.log.debug("a session keeps its server connection",
                      {{"client", arrival_.address},
                       {"user", credentials_.user},
                       {"reason", borrowing_->reasons()},
                       {"digest", steering_->inspection().digest_text}});
}

BatchMeans Session::own_batch() {
  return {.loop = worker_.loop(),
          .waker = waker_,
          .connection = *server_,
          .context = borrowing_->server_side(),
          .timeout = services_.topology()->config().proxy.connect_timeout};
}

void Session::stop_lingering() noexcept {
  if (std::exchange(lingers_, false)) linger_.clear();
}

void Session::give_back() {
  stop_lingering();
  if (lent_->image != borrowing_->image()) lent_->image = borrowing_->image();
  if (borrowing_->trackers_are_off()) lent_->trackers = false;
  last_is_elsewhere_ = std::exchange(asked_here_, false);  // the last statement was the proxy's
  part();
  worker_.lender().give_back(std::move(lent_));
}

void Session::discard() {
  stop_lingering();
  part();
  worker_.lender().discard(std::move(lent_));
}

/// The connection is nobody's from here on.
void Session::part() {
  id_.detach();
  borrowing_->attach(nullptr, false);
  lent_->connection = std::move(server_);
  misplaced_ = false;
  straggler_.leave();
}

/// KILL finds this session also while it has no server connection.
void Session::let_be_killed() {
  Loop* const loop = &worker_.loop();
  id_.set_end(credentials_.user, [this, loop, self = self_] {
    loop->post([this, self] {
      if (*self == nullptr) return;
      killed_ = true;
      (*self)->notify();
    });
  });
}

/// The session ends: what it leaves on a connection is cleaned, or the connection with it.
Task<void> Session::hand_back() {
  if (!server_ || !borrowing_) co_return;
  if (!relay_ || !relay_->answered()) {
    discard();
    co_return;
  }
  const lending::SharedImage fresh = borrowing_->initial_image();
  const lending::Plan plan =
      lending::reset_and_difference(*borrowing_->image(), *fresh, borrowing_->server());
  const bool clean = borrowing_->hold() == Borrowing::Hold::none &&
                     !borrowing_->follower().in_doubt() &&
                     !borrowing_->follower().asks_for_values();
  if (!clean) {
    if (!plan.possible || !borrowing_->reset_suffices()) {
      discard();
      co_return;
    }
    lent_->prepared.clear();
    const BatchMeans means = own_batch();
    const BatchOutcome outcome = co_await run_batch(means, plan.commands);
    if (outcome.kind != BatchOutcome::Kind::done) {
      discard();
      co_return;
    }
    borrowing_->note_reset();
    lent_->trackers = borrowing_->server().tracks;  // the plan has seen to that
  }
  give_back();
}

}  // namespace mysqlproxy
