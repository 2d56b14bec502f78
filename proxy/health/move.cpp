#include "proxy/health/move.hpp"

#include "proxy/health/hook.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace mysqlproxy {

using std::chrono::milliseconds;

namespace {

/// How long sessions that are told to hurry may take.
constexpr milliseconds last_words{1'000};

}  // namespace

std::string_view MoveRequest::name() const noexcept {
  switch (kind) {
    case Kind::switchover: return "switchover";
    case Kind::promote: return "promote";
    case Kind::failover: return "failover";
    case Kind::demote: return "demote";
  }
  return {};
}

Move::Move(Loop& loop, Log& log, std::shared_ptr<const Topology> topology,
           std::shared_ptr<Pool> pool, MoveRequest request, Teller teller, Reconsider reconsider)
    : loop_(loop),
      waker_(loop),
      self_(std::make_shared<Waker*>(&waker_)),
      topology_(std::move(topology)),
      pool_(std::move(pool)),
      request_(std::move(request)),
      reconsider_(std::move(reconsider)),
      notes_(log, fmt::format("{} of pool {}", request_.name(), pool_->name()), std::move(teller)),
      members_(loop_, waker_, *topology_, *pool_),
      copying_(loop_, waker_, members_, notes_),
      task_(run()) {}

Move::~Move() {
  *self_ = nullptr;
  if (holding_) pool_->brake()->held = pool_->brake()->hurry = false;
}

void Move::start() { task_.start(); }

Task<void> Move::run() {
  using Kind = MoveRequest::Kind;
  if (request_.kind == Kind::switchover) {
    const bool done = co_await switch_over();
    good_ = done;
  } else if (request_.kind == Kind::demote) {
    const bool done = co_await take_back();
    good_ = done;
  } else {
    const bool done = co_await fail_over();
    good_ = done;
  }
  if (holding_) co_await let_writes_go_on();
  members_.say_farewell();
  over_ = true;
}

/// Where the primary so far is, and, in `wishes`, whoever is asked for.
std::optional<std::size_t> Move::find_places(MoveWishes& wishes) {
  const auto primary = pool_->last_primary();
  wishes.replication_user = !pool_->config().failover.replication_user.empty();
  std::optional<std::size_t> from;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].server == primary) from = i;
    if (members_[i].name() == request_.to) wishes.to = i;
  }
  return from;
}

Task<bool> Move::switch_over() {
  co_await members_.gather(false);
  MoveWishes wishes;
  wishes.most_lag =
      std::chrono::duration_cast<std::chrono::seconds>(pool_->config().failover.most_lag);
  const std::optional<std::size_t> from = find_places(wishes);
  if (!accept(plan_switchover(members_.candidates(), from, wishes))) co_return false;
  if (request_.dry_run) co_return true;
  const std::vector<std::size_t> places = members_.asked();
  const std::string locked = co_await members_.lock(places);
  if (!locked.empty()) co_return notes_.fail(locked);
  until_ = loop_.now() + static_cast<std::uint64_t>(request_.timeout.count());
  co_await hold_writes(true);
  const std::string fault = co_await leave_primary();
  if (!fault.empty()) {
    notes_.fail(fault);
    co_await roll_back();
    co_return false;
  }
  const bool promoted = co_await promote();
  if (!promoted) co_return false;
  const bool finished = co_await finish();
  co_return finished;
}

Task<bool> Move::fail_over() {
  const bool by_checks = request_.kind == MoveRequest::Kind::failover;
  co_await members_.gather(by_checks);
  MoveWishes wishes;
  std::optional<std::size_t> from = find_places(wishes);
  // Asked to promote the one that was the primary last, there is nobody else to leave.
  if (wishes.to && wishes.to == from) from.reset();
  if (!accept(plan_failover(members_.candidates(), from, wishes, !by_checks))) co_return false;
  if (request_.dry_run) co_return true;
  const std::vector<std::size_t> places = members_.asked();
  const std::string locked = co_await members_.lock(places);
  if (!locked.empty()) co_return notes_.fail(locked);
  // Whoever had the lock until now may have done it.
  co_await members_.gather(by_checks);
  plan_ = plan_failover(members_.candidates(), from, wishes, !by_checks);
  if (!plan_.good()) co_return notes_.fail(plan_.refusal);
  until_ = loop_.now() + static_cast<std::uint64_t>(request_.timeout.count());
  co_await hold_writes(false);
  const std::string fault = co_await settle(from, wishes, by_checks);
  if (!fault.empty()) {
    notes_.fail(fault);
    co_await copying_.release_receivers();
    co_return false;
  }
  const bool promoted = co_await promote();
  if (!promoted) co_return false;
  const bool finished = co_await finish();
  co_return finished;
}

/// Without a primary: chooses whoever has most once nobody receives anything more, and has it apply
/// that. Only what nobody can add to is worth to be compared: a primary that revives meanwhile
/// could have a write acknowledged by one that is not chosen.
Task<std::string> Move::settle(std::optional<std::size_t> from, MoveWishes wishes, bool by_checks) {
  const std::vector<Candidate> before = members_.candidates();
  const auto back = [&] {
    if (!from) return false;
    const Server& old = *members_[*from].server;
    return by_checks ? !old.down_by_checks() : old.reachability() != Reachability::down;
  };
  std::string fault = co_await copying_.hold_receivers();
  if (!fault.empty()) co_return fault;
  if (by_checks) fault = sign_of_life(before, members_.candidates(), from);
  if (!fault.empty()) co_return fault;
  plan_ = plan_failover(members_.candidates(), from, wishes, !by_checks);
  if (!plan_.good()) co_return plan_.refusal;
  if (!back()) fault = co_await copying_.apply_all(plan_.to, until_);
  if (fault.empty() && back()) fault = fmt::format("{} is back", members_[*from].name());
  co_return fault;
}

/// A primary of old is back as it was: writable, and fenced here. It is made read-only, whatever
/// else becomes of it, and a replica when it has nothing that the new one lacks.
Task<bool> Move::take_back() {
  co_await members_.gather(false);
  const auto primary = pool_->primary();
  std::optional<std::size_t> to;
  std::optional<std::size_t> old;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].server == primary) to = i;
    if (members_[i].name() == request_.to) old = i;
  }
  if (!to || !old || to == old) co_return notes_.fail("there is no primary that it could follow");
  Member& member = members_[*old];
  const Candidate& one = members_.candidate(*old);
  const Candidate& next = members_.candidate(*to);
  if (!one.asked()) co_return notes_.fail(one.trouble);
  const std::vector<std::size_t> place(1, *old);
  const std::string locked = co_await members_.lock(place);
  if (!locked.empty()) co_return notes_.fail(locked);
  const std::string fault = co_await members_.tell(member, member.sql.set_read_only(), soon);
  if (!fault.empty()) co_return notes_.fail(fmt::format("{}: {}", one.name, fault));
  member.server->fix_standing({.writable = false});
  notes_.note(fmt::format("{} is read-only", one.name));
  plan_.to = *to;
  if (pool_->config().failover.replication_user.empty()) co_return true;
  if (!next.asked()) co_return notes_.fail(next.trouble);
  if (!next.has.has(one.has))
    co_return notes_.fail(
        fmt::format("{} has transactions that {} lacks: it stays read-only, for "
                    "somebody to look at",
                    one.name, next.name));
  const ReplicationSource source = source_at(*to, true);
  const bool follows = co_await copying_.follow(*old, source, member.position, next.name);
  co_return follows;
}

/// Takes the plan, and says what is in it.
bool Move::accept(const MovePlan& plan) {
  plan_ = plan;
  if (!plan_.good()) return notes_.fail(plan_.refusal);
  for (const std::string& one : plan_.warnings) notes_.warn(one);
  const milliseconds patience = pool_->config().primary_wait;
  if (patience < request_.timeout)
    notes_.warn(fmt::format(
        "primary_wait is {} ms: clients may give up before the {} ms that writes may be "
        "held back",
        patience.count(), request_.timeout.count()));
  for (const std::string& step : describe(plan_, members_.candidates()))
    notes_.note((request_.dry_run ? "would " : "will ") + step);
  return true;
}

/// From here on nobody gets the primary. Sessions leave it as soon as they have no transaction
/// open, and at half of the time in any case.
Task<void> Move::hold_writes(bool wait_for_sessions) {
  Brake& brake = *pool_->brake();
  brake.hurry = !wait_for_sessions;
  brake.held = true;
  holding_ = true;
  notes_.note("new writes wait");
  co_await tell_sessions();
  if (!wait_for_sessions) co_return;
  const std::uint64_t hurry_at = loop_.now() + static_cast<std::uint64_t>(left().count()) / 2;
  while (brake.stragglers.load(std::memory_order_acquire) != 0) {
    if (!brake.hurry && loop_.now() >= hurry_at) {
      notes_.warn(fmt::format("{} sessions have a transaction open and are ended",
                              brake.stragglers.load()));
      brake.hurry = true;
      co_await tell_sessions();
    }
    const auto limit = hurry_at + static_cast<std::uint64_t>(last_words.count());
    if (loop_.now() >= limit) break;
    co_await members_.pause();
  }
}

/// Has all sessions look where they are, and waits until they have.
Task<void> Move::tell_sessions() {
  struct Answer {
    bool done = false;
  };
  const auto answer = std::make_shared<Answer>();
  reconsider_([answer, self = self_, &loop = loop_] {
    loop.post([answer, self] {
      answer->done = true;
      if (*self != nullptr) (*self)->notify();
    });
  });
  Deadline deadline(loop_, waker_);
  deadline.set(soon);
  while (!answer->done && !deadline.passed()) co_await waker_;
}

/// Makes the old primary read-only and has the new one catch up with it.
Task<std::string> Move::leave_primary() {
  Member& old = members_[*plan_.from];
  const std::string& name = members_.candidate(*plan_.from).name;
  // It waits for commits that are under way.
  old_is_read_only_ = true;
  std::string fault = co_await members_.tell(old, old.sql.set_read_only(), left());
  if (!fault.empty()) co_return fmt::format("{}: {}", name, fault);
  notes_.note(fmt::format("{} is read-only", name));
  const TextResult facts = co_await members_.ask(old, old.sql.facts(), soon);
  if (!facts.error().empty() || facts.rows().size() != 1)
    co_return fmt::format("{} does not say what it has: {}", name, facts.error());
  old.position = only_value(facts);
  std::erase(old.position, '\n');
  fault = co_await copying_.catch_up(plan_.to, old.position, until_);
  co_return fault;
}

/// Makes the new one writable. What goes wrong before it is can be undone; when it is not known
/// whether it is, the old one stays as it is.
Task<bool> Move::promote() {
  Member& next = members_[plan_.to];
  const std::string name = members_.candidate(plan_.to).name;
  stopped_copying_ = true;
  std::string fault = co_await copying_.stop(plan_.to);
  if (fault.empty()) {
    fault = co_await members_.tell(next, next.sql.set_writable(), soon);
    if (!fault.empty()) {
      const std::string lost = co_await members_.reconnect(next);
      members_.candidate(plan_.to).trouble = lost;
      if (lost.empty()) co_await members_.look_at(plan_.to);
      if (!members_.candidate(plan_.to).asked()) {
        // The old one must not be written to when perhaps the new one is.
        old_is_read_only_ = stopped_copying_ = false;
        notes_.warn(fmt::format("{} may be the primary or not: nothing more is done", name));
      } else if (members_.candidate(plan_.to).writable) {
        fault.clear();
      }
    }
  }
  if (!fault.empty()) {
    notes_.fail(fmt::format("{}: {}", name, fault));
    co_await roll_back();
    co_return false;
  }
  if (plan_.from && old_is_read_only_)
    members_[*plan_.from].server->fix_standing({.writable = false});
  next.server->fix_standing({.writable = true});
  notes_.note(fmt::format("{} is the primary", name));
  co_await let_writes_go_on();
  co_return true;
}

Task<void> Move::let_writes_go_on() {
  pool_->brake()->held = false;
  pool_->brake()->hurry = false;
  holding_ = false;
  co_await tell_sessions();
  notes_.note("writes go on");
}

/// As it was before: the old one can be written to, the other copies.
Task<void> Move::roll_back() {
  if (stopped_copying_) {
    const std::string fault = co_await copying_.start_again(plan_.to);
    if (!fault.empty())
      notes_.warn(fmt::format("{} does not copy any more: {}", members_[plan_.to].name(), fault));
    co_await copying_.release_receivers();
  }
  if (old_is_read_only_ && plan_.from) co_await make_writable_again(*plan_.from);
}

Task<void> Move::make_writable_again(std::size_t place) {
  Member& old = members_[place];
  std::string fault;
  // Where a statement has had no answer yet the connection is of no more use, and the statement
  // must not come true later.
  if (!old.connection) fault = co_await members_.reconnect(old);
  if (fault.empty() && old.abandoned != 0) {
    const std::string statement = fmt::format("KILL {}", old.abandoned);
    const std::string gone = co_await members_.tell_one(old, statement, soon);
    notes_.log().debug("ended the connection that had no answer", {{"answer", gone}});
  }
  if (fault.empty()) fault = co_await members_.tell(old, old.sql.set_writable(), soon);
  if (fault.empty()) {
    old.server->fix_standing({.writable = true});
    notes_.note(fmt::format("{} can be written to again", old.name()));
  } else {
    notes_.warn(fmt::format("{} may be read-only still: {}", old.name(), fault));
  }
}

/// Everybody else follows the new one; that is done while writes go on.
Task<bool> Move::finish() {
  Member& next = members_[plan_.to];
  next.held = false;
  const std::string forgotten = co_await members_.tell_one(next, next.sql.forget_source(), soon);
  if (!forgotten.empty()) {
    notes_.warn(fmt::format("{} still knows whose replica it was: {}",
                            members_.candidate(plan_.to).name, forgotten));
    whole_ = false;
  }
  for (const std::size_t other : plan_.others) {
    const ReplicationSource source = source_at(plan_.to, false);
    const bool follows = co_await copying_.follow(other, source, std::string(), next.name());
    whole_ = whole_ && follows;
  }
  if (plan_.from && plan_.demote && members_.candidate(*plan_.from).asked()) {
    const ReplicationSource source = source_at(plan_.to, true);
    const std::string& own = members_[*plan_.from].position;
    const bool follows = co_await copying_.follow(*plan_.from, source, own, next.name());
    whole_ = whole_ && follows;
  }
  // Those that are no replicas as others are are left as they were.
  co_await copying_.release_receivers();
  co_await run_hook();
  co_return whole_;
}

ReplicationSource Move::source_at(std::size_t place, bool with_account) {
  const FailoverConfig& config = pool_->config().failover;
  ReplicationSource source;
  source.host = members_.candidate(place).host;
  source.port = members_.candidate(place).port;
  if (!with_account) return source;
  source.user = config.replication_user;
  source.tls = config.replication_tls;
  if (config.replication_password)
    source.password = mysqlwire::as_text(config.replication_password->bytes());
  return source;
}

Task<void> Move::run_hook() {
  const FailoverConfig& config = pool_->config().failover;
  if (config.command.empty()) co_return;
  const auto address = [&](std::size_t place) {
    return to_string(members_[place].server->config().address);
  };
  std::vector<std::pair<std::string, std::string>> variables;
  variables.emplace_back("MYSQLPROXY_EVENT", request_.name());
  variables.emplace_back("MYSQLPROXY_POOL", pool_->name());
  variables.emplace_back("MYSQLPROXY_NEW", members_.candidate(plan_.to).name);
  variables.emplace_back("MYSQLPROXY_NEW_ADDRESS", address(plan_.to));
  variables.emplace_back("MYSQLPROXY_OLD", plan_.from ? members_.candidate(*plan_.from).name : "");
  variables.emplace_back("MYSQLPROXY_OLD_ADDRESS", plan_.from ? address(*plan_.from) : "");
  const std::string fault =
      co_await run_command(loop_, waker_, config.command, variables, config.command_timeout);
  if (fault.empty())
    notes_.note(fmt::format("{} was run", config.command[0]));
  else
    notes_.warn("on_failover: " + fault);
}

/// Of the time that writes may be held back.
milliseconds Move::left() const {
  const std::uint64_t now = loop_.now();
  return milliseconds(until_ > now ? until_ - now : 1);
}

}  // namespace mysqlproxy
