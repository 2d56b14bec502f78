// Session: reads that may go to other servers than writes, and what those have to know first.
#include "proxy/app/worker.hpp"
#include "proxy/session/batch.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/one_row.hpp"
#include "proxy/session/session.hpp"

#include <fmt/format.h>

#include <utility>

namespace mysqlproxy {

using mysqlwire::Command;
using mysqlwire::Flavor;
using mysqlwire::PacketKind;
using mysqlwire::sql::Effect;
using mysqlwire::sql::StatementKind;

namespace {

/// A replica may answer it, for this session as for any other; or it begins a transaction in which
/// nothing else can happen.
bool is_for_replicas(const Inspection& inspection) {
  switch (inspection.command) {
    case Command::com_query:
    case Command::com_stmt_prepare:
    case Command::com_stmt_execute: break;
    default: return false;
  }
  if (!inspection.has_text() || !inspection.whole) return false;
  const auto& what = *inspection.what;
  const bool begins_read_only = what.kind == StatementKind::begin && what.has(Effect::read_only) &&
                                inspection.command == Command::com_query &&
                                !what.has(Effect::several);
  return begins_read_only || what.reads_only();
}

/// The SELECT that waits until a server has `position`; its one value is 0 then.
std::string waiting_query(std::string_view position, std::chrono::milliseconds longest,
                          Flavor flavor) {
  const double seconds = static_cast<double>(longest.count()) / 1000.0;
  if (flavor == Flavor::mariadb)
    return fmt::format("SELECT MASTER_GTID_WAIT('{}', {:.3f})", position, seconds);
  return fmt::format("SELECT WAIT_FOR_EXECUTED_GTID_SET('{}', {:.3f})", position, seconds);
}

}  // namespace

/// Where the statement that is held belongs.
const std::shared_ptr<Pool>& Session::pool_for_statement() {
  const std::string& read_pool = pool_->config().split.read_pool;
  // Without autocommit a read begins a transaction, which may go on to write.
  if (read_pool.empty() || !borrowing_->autocommit() || !is_for_replicas(steering_->inspection()))
    return pool_;
  // Looked up once for each topology, and not for each statement.
  const std::uint64_t version = services_.topology_version();
  if (reads_.version != version || reads_.of != pool_.get())
    reads_ = {services_.topology()->find_pool(read_pool), pool_.get(), version};
  return reads_.pool && reads_.pool->has_candidates() ? reads_.pool : pool_;
}

CausalReads Session::causal_reads() const {
  return user_causal_reads_.value_or(pool_->config().split.causal_reads);
}

/// The statement may go to a server that does not have yet what the session may expect to read.
bool Session::must_catch_up() const {
  return causal_reads() != CausalReads::none && lent_ && lent_->pool != pool_ && !caught_up() &&
         !borrowing_->in_transaction();  // begun before, and waited for then
}

/// Lets a server for reads catch up with what the session may expect to read. One that takes too
/// long is given up for one of the session's own pool. False as in attach().
Task<bool> Session::catch_up() {
  if (!must_catch_up()) co_return true;
  const std::string position = co_await position_to_reach();
  if (!ending_.reason.empty()) co_return false;
  bool there = position.empty();
  if (!there) {
    const auto longest = pool_->config().split.causal_wait;
    const auto& context = borrowing_->server_side();
    const mysqlwire::Buffer query =
        query_payload(waiting_query(position, longest, borrowing_->server().flavor), context);
    OneRow row(context);
    BatchMeans means = own_batch();
    means.timeout += longest;
    means.client = &client_.socket;
    means.on_packet = [&row](PacketKind kind, mysqlwire::Bytes payload) {
      row.take(kind, payload);
    };
    const BatchOutcome outcome = co_await run_command(means, query);
    if (outcome.kind == BatchOutcome::Kind::client_gone) {
      discard();
      end(EndedBy::client, "left while a replica caught up");
      co_return false;
    }
    const auto values = row.values();
    there = outcome.kind == BatchOutcome::Kind::done && values.size() == 1 &&
            values.front().text == "0";
    if (outcome.kind == BatchOutcome::Kind::broken) {
      discard();
    } else if (there) {
      caught_up_server_ = server_->server().get();
      caught_up_to_ = position;
    }
  }
  if (there) co_return true;
  if (server_) give_back();
  const bool attached = co_await attach(pool_);
  co_return attached;
}

/// The server that has been attached is known to have what this session has written.
bool Session::caught_up() const {
  const std::string& written = borrowing_->follower().last_gtid();
  return causal_reads() == CausalReads::session &&
         (written.empty() ||
          (caught_up_server_ == server_->server().get() && caught_up_to_ == written));
}

/// What has to have been replicated before the session may read; empty: nothing.
Task<std::string> Session::position_to_reach() {
  if (causal_reads() == CausalReads::session) co_return borrowing_->follower().last_gtid();
  std::string position;
  // Of all that anybody has written the primary knows. The connection is not the one on which the
  // session's last statement ran, nor will it be.
  lending::LastLoan none;
  lending::BorrowOutcome primary = co_await borrow(pool_, wishes_, nullptr, none);
  if (primary.client_gone) end(EndedBy::client, "left while a replica caught up");
  if (!primary.connection) co_return position;
  const auto& context = borrowing_->server_side();
  const bool mariadb = borrowing_->server().flavor == Flavor::mariadb;
  const mysqlwire::Buffer query = query_payload(
      mariadb ? "SELECT @@GLOBAL.gtid_binlog_pos" : "SELECT @@GLOBAL.gtid_executed", context);
  OneRow row(context);
  primary.connection->channel().wake(waker_);
  const BatchMeans means{
      .loop = worker_.loop(),
      .waker = waker_,
      .connection = *primary.connection->connection,
      .context = context,
      .timeout = services_.topology()->config().proxy.connect_timeout,
      .on_packet = [&row](PacketKind kind, mysqlwire::Bytes payload) { row.take(kind, payload); }};
  const BatchOutcome outcome = co_await run_command(means, query);
  if (outcome.kind != BatchOutcome::Kind::done) {
    worker_.lender().discard(std::move(primary.connection));
    co_return position;
  }
  const auto values = row.values();
  if (values.size() == 1 && values.front().text) position = *values.front().text;
  worker_.lender().give_back(std::move(primary.connection));
  co_return position;
}

}  // namespace mysqlproxy
