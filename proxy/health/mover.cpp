#include "proxy/health/mover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace mysqlproxy {

namespace {

constexpr std::chrono::milliseconds look_interval{100};
constexpr std::uint64_t first_retry = 2'000;
constexpr unsigned most_doublings = 5;

bool is_up(const Server& server) { return server.reachability() == Reachability::up; }

FailoverSight sight_of(Pool& pool, const Server& primary) {
  FailoverSight sight;
  sight.primary_down = primary.down_by_checks();
  for (const auto& server : pool.servers()) {
    if (server.get() == &primary) continue;
    ++sight.replicas;
    const auto standing = server->standing();
    if (!is_up(*server) || !standing) continue;
    ++sight.reachable;
    if (standing->receiving) ++sight.receiving;
    if (standing->writable && !pool.fenced(*server)) sight.another = true;
  }
  return sight;
}

bool may_promote(const PoolConfig& config) noexcept {
  return config.role == PoolRole::primary && config.failover.mode == Failover::promote;
}

}  // namespace

void Mover::start() {
  loop_.post([this] {
    task_.emplace(look_after());
    task_->start();
  });
  thread_ = std::thread([this] { loop_.run(); });
}

void Mover::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
  running_.clear();
  task_.reset();
}

void Mover::watch(std::shared_ptr<const Topology> topology) {
  loop_.post([this, topology = std::move(topology)] {
    topology_ = topology;
    asked_to_look_ = true;
    waker_.notify();
  });
}

void Mover::look() {
  loop_.post([this] {
    asked_to_look_ = true;
    waker_.notify();
  });
}

void Mover::move(MoveRequest request, Move::Teller teller) {
  loop_.post([this, request = std::move(request), teller = std::move(teller)] {
    (void)begin(request, teller);
  });
}

Task<void> Mover::look_after() {
  Deadline deadline(loop_, waker_);
  for (;;) {
    // With nothing to look after it sleeps until it is asked.
    if (has_something_to_look_after())
      deadline.set(look_interval);
    else
      deadline.clear();
    while (!deadline.passed() && !asked_to_look_) co_await waker_;
    asked_to_look_ = false;
    reap();
    if (!topology_) continue;
    const auto topology = topology_;
    for (const PoolConfig& config : topology->config().pools) {
      if (!may_promote(config)) continue;
      const auto pool = topology->find_pool(config.name);
      look_at(*pool, pool);
    }
  }
}

bool Mover::has_something_to_look_after() const {
  return !running_.empty() ||
         (topology_ && std::ranges::any_of(topology_->config().pools, may_promote));
}

void Mover::reap() {
  std::vector<Running> over;
  const auto ended =
      std::ranges::stable_partition(running_, [](const Running& one) { return !one.move->over(); });
  std::ranges::move(ended, std::back_inserter(over));
  running_.erase(ended.begin(), ended.end());
  for (Running& one : over) {
    one.teller({.text = {}, .over = true, .good = one.move->good()});
    loop_.bury(std::move(one.move));
  }
}

/// Is the primary lost? Is one that was left back?
void Mover::look_at(Pool& pool, const std::shared_ptr<Pool>& shared) {
  if (busy(pool.name())) return;
  const auto primary = pool.last_primary();
  if (!primary) return;
  Attempts& attempts = lost_[pool.name()];
  if (pool.primary()) {
    attempts = {};
    return take_back(shared);
  }
  const FailoverVerdict verdict = judge(sight_of(pool, *primary));
  if (!verdict.waits_for.empty() && verdict.waits_for != attempts.said)
    log_.warn(fmt::format("failover of pool {}: {} is down, and nobody is promoted: {}",
                          pool.name(), primary->name(), verdict.waits_for));
  attempts.said = verdict.waits_for;
  if (!verdict.act || loop_.now() < attempts.next_at || attempts.shown) return;
  MoveRequest request;
  request.kind = MoveRequest::Kind::failover;
  request.pool = pool.name();
  request.dry_run = pool.config().failover.dry_run;
  attempts.shown = request.dry_run;
  log_.warn(fmt::format("failover of pool {}: {} is lost", pool.name(), primary->name()));
  const Move::Teller teller = [this, name = pool.name()](const MoveNote& note) {
    if (note.over && !note.good) retry_later(lost_[name]);
  };
  (void)begin(std::move(request), teller);
}

void Mover::retry_later(Attempts& attempts) {
  attempts.next_at = loop_.now() + (first_retry << std::min(attempts.failed, most_doublings));
  ++attempts.failed;
}

/// Whoever was the primary, and does not know that it is no more, is told.
void Mover::take_back(const std::shared_ptr<Pool>& pool) {
  if (pool->config().failover.dry_run) return;
  for (const auto& server : pool->servers()) {
    const auto standing = server->standing();
    if (!pool->fenced(*server) || !is_up(*server) || !standing || !standing->writable) continue;
    const auto key = std::pair(pool->name(), server->name());
    if (loop_.now() < back_[key].next_at) continue;
    MoveRequest request;
    request.kind = MoveRequest::Kind::demote;
    request.pool = pool->name();
    request.to = server->name();
    const Move::Teller teller = [this, key](const MoveNote& note) {
      if (!note.over) return;
      if (note.good)
        back_.erase(key);
      else
        retry_later(back_[key]);
    };
    (void)begin(std::move(request), teller);
    return;
  }
}

bool Mover::busy(const std::string& pool) const {
  return std::ranges::any_of(running_,
                             [&](const Running& one) { return one.move->pool().name() == pool; });
}

/// False when it can't even begin, which the teller knows then.
bool Mover::begin(MoveRequest request, Move::Teller teller) {
  const auto refuse = [&](std::string why) {
    teller({.text = "failed: " + why});
    teller({.text = {}, .over = true, .good = false});
    return false;
  };
  const auto pool = topology_ ? topology_->find_pool(request.pool) : nullptr;
  if (!pool) return refuse(fmt::format("there is no pool {:?}", request.pool));
  if (pool->config().role != PoolRole::primary)
    return refuse(fmt::format("pool {} has no role = \"primary\"", request.pool));
  if (busy(request.pool))
    return refuse(fmt::format("the primary of pool {} is being moved", request.pool));
  const auto named = [&](const auto& server) { return server->name() == request.to; };
  if (!request.to.empty() && std::ranges::none_of(pool->servers(), named))
    return refuse(fmt::format("pool {} has no server {:?}", request.pool, request.to));
  Running running;
  running.teller = teller;
  running.move = std::make_unique<Move>(loop_, log_, topology_, pool, std::move(request),
                                        std::move(teller), reconsider_);
  running_.push_back(std::move(running));
  running_.back().move->start();
  asked_to_look_ = true;
  waker_.notify();
  return true;
}

}  // namespace mysqlproxy
