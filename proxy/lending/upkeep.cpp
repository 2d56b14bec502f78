// What a lender does from time to time, and when an idle connection speaks up.
#include "proxy/lending/loan_group.hpp"

#include <algorithm>
#include <utility>

namespace mysqlproxy::lending {

namespace {

constexpr std::chrono::milliseconds upkeep_interval{1'000};
/// How long connections are kept ready for somebody who does not come any more, and a copy of what
/// logs in with them.
constexpr std::uint64_t warm_for_ms = 30 * 60'000;
/// Between two attempts to open one that is to be ready.
constexpr std::uint64_t warm_pause_ms = 5'000;
/// A key that nobody uses is forgotten.
constexpr std::uint64_t forgotten_after_ms = 60'000;

}  // namespace

Task<void> Lender::watch() {
  for (;;) {
    if (!groups_.empty() && !tick_.is_set()) tick_.set(upkeep_interval);
    co_await waker_;
    look_at_sockets();
    if (tick_.passed()) {
      tick_.clear();
      maintain();
    }
  }
}

void Lender::look_at_sockets() {
  for (const auto& [key, group] : groups_) {
    for (std::size_t i = group->idle.size(); i-- > 0;) {
      if (!silent(*group->idle.at(i))) close(remove_idle(*group, i), CloseReason::by_server);
    }
  }
}

void Lender::maintain() {
  follow_topology();
  for (const auto& [key, group] : groups_) maintain(*group);
  std::erase_if(groups_, [this](const auto& entry) {
    LoanGroup& group = *entry.second;
    if (!is_over(group)) return false;
    std::erase(group.desk->groups, &group);
    return true;
  });
  std::erase_if(desks_, [](const auto& entry) {
    Desk& desk = *entry.second;
    if (!desk.retired || !desk.groups.empty()) return false;
    desk.server->quota.part(desk);
    return true;
  });
  // So that one that comes back does not have to make up for all the time that it was away.
  for (const auto& [server, desk] : desks_) desk->borrowed = 0;
  lineup_ = nullptr;
  std::erase_if(lineups_, [this](const auto& entry) {
    return loop_.now() - entry.second.found_at >= forgotten_after_ms;
  });
  if (find_cold() != nullptr) warm_waker_.notify();
}

/// Nobody has anything of it, nor is likely to want it soon.
bool Lender::is_over(const LoanGroup& group) const {
  return group.idle.empty() && group.lent == 0 && group.first_waiting == nullptr &&
         !group.warming && !group.warm &&
         (group.desk->retired || loop_.now() - group.used_at >= forgotten_after_ms);
}

void Lender::reconsider() {
  follow_topology();
  lineup_ = nullptr;
  lineups_.clear();
  for (const auto& [key, group] : groups_) judge(*group);
}

/// Servers that the configuration does not have any more.
void Lender::follow_topology() {
  const std::uint64_t version = services_.topology_version();
  if (std::exchange(topology_version_, version) == version) return;
  const auto topology = services_.topology();
  if (!topology) return;
  for (const auto& [server, desk] : desks_)
    desk->retired =
        std::ranges::find(topology->servers(), desk->server) == topology->servers().end();
}

/// Whether its server is one to use now. If not nobody waits for it, and nothing is kept.
bool Lender::judge(LoanGroup& group) {
  Server& server = *group.key.server;
  for (Ticket* ticket = group.first_waiting; ticket != nullptr;) {
    Ticket* const next = ticket->next;
    if (group.desk->retired || ticket->pool()->has_left(server))
      ticket->refuse(Refusal::server_gone);
    ticket = next;
  }
  group.left = group.pool->has_left(server);
  const bool gone = group.desk->retired || group.left;
  if (!gone && !server.quota.down()) return true;
  while (!group.idle.empty())
    close(remove_idle(group, group.idle.size() - 1),
          gone ? CloseReason::server_left : CloseReason::server_down);
  return false;
}

void Lender::maintain(LoanGroup& group) {
  const LendingConfig& limits = group.pool->config().lending;
  if (group.warm && !group.warming &&
      (limits.min_idle == 0 || group.desk->retired || loop_.now() - group.used_at >= warm_for_ms))
    group.warm.reset();
  if (!judge(group)) return;
  for (std::size_t i = group.idle.size(); i-- > 0;) {
    if (loop_.now() >= group.idle.at(i)->expires_)
      close(remove_idle(group, i), CloseReason::lifetime);
  }
  close_unneeded(group);
}

/// Those that have been idle for too long; and since whoever borrows may have any of them, as many
/// as were idle all the time.
void Lender::close_unneeded(LoanGroup& group) {
  const LendingConfig& limits = group.pool->config().lending;
  const auto timeout = static_cast<std::uint64_t>(limits.idle_timeout.count());
  if (timeout == 0) return;
  const std::uint64_t now = loop_.now();
  const std::size_t keep = group.warm ? share(limits.min_idle, false) : 0;
  std::size_t surplus = 0;
  if (now - group.window_began >= timeout) {
    surplus = group.fewest_idle;
    group.window_began = now;
  }
  while (group.idle.size() > keep) {
    const std::size_t oldest = group.idle.oldest();
    if (surplus == 0 && now - group.idle.at(oldest)->idle_since < timeout) break;
    close(remove_idle(group, oldest), CloseReason::idle);
    if (surplus != 0) --surplus;
  }
  if (group.window_began == now) group.fewest_idle = group.idle.size();
}

void Lender::drain() {
  draining_ = true;
  for (const auto& [key, group] : groups_) {
    group->warm.reset();
    while (!group->idle.empty())
      close(remove_idle(*group, group->idle.size() - 1), CloseReason::draining);
  }
}

/// Opens connections one after the other as long as any are lacking.
Task<void> Lender::warm() {
  for (;;) {
    LoanGroup* const group = find_cold();
    if (group != nullptr)
      co_await open_one(*group);
    else
      co_await warm_waker_;
  }
}

LoanGroup* Lender::find_cold() {
  if (draining_) return nullptr;
  for (const auto& [key, group] : groups_) {
    const bool usable = !group->desk->retired && !group->left && !key.server->quota.down();
    if (group->warm && !group->warming && usable && loop_.now() >= group->warm_again &&
        group->idle.size() < share(group->pool->config().lending.min_idle, false))
      return group.get();
  }
  return nullptr;
}

Task<void> Lender::open_one(LoanGroup& group) {
  group.warming = true;
  group.warm_again = loop_.now() + warm_pause_ms;
  // With somebody waiting there is no room.
  ServerSlot place = room(group.key);
  const auto topology = services_.topology();
  const std::chrono::milliseconds timeout =
      topology ? topology->config().proxy.connect_timeout : ProxySettings().connect_timeout;
  if (place.server()) {
    OnBehalf behalf;
    behalf.compressors = compressors_;
    ServerConnector connector(loop_, warm_waker_, timeout, behalf);
    WarmMeans& means = *group.warm;
    ConnectOutcome outcome =
        co_await connector.connect(std::move(place), means.credentials, means.wishes);
    if (outcome.connection) {
      outcome.connection->channel.set_wiping(false);
      group.warm_again = 0;
      give_back(take_over(group, std::move(outcome.connection), means.wishes));
    }
    // What has logged in before does not any more.
    if (outcome.refused) group.warm.reset();
  }
  group.warming = false;
}

}  // namespace mysqlproxy::lending
