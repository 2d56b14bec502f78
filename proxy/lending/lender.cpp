#include "proxy/lending/lender.hpp"

#include "proxy/lending/loan_group.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mysqlproxy::lending {

LentConnection::LentConnection(LoanGroup& group, std::unique_ptr<ServerConnection> owned) noexcept
    : connection(std::move(owned)), group_(group) {
  ++group_.lent;
  ++group_.desk->lent;
  Figures::add(group_.lender.figures_.lent);
}

void LastLoan::forget() noexcept {
  if (connection_ == nullptr) return;
  connection_->last_ = nullptr;
  if (connection_->idle_since != 0)
    connection_->group_.idle.nobody_returns_for(connection_->idle_place);
  connection_ = nullptr;
}

/// Those that the lender has back are taken from its list first, as if they were lent again.
LentConnection::~LentConnection() {
  if (last_ != nullptr) last_->connection_ = nullptr;
  --group_.lent;
  --group_.desk->lent;
  Figures& figures = group_.lender.figures_;
  Figures::subtract(figures.lent);
  Figures::add(figures.closed[static_cast<std::size_t>(why_closed_)]);
}

Lender::Lender(Loop& loop, Services& services, Compressors* compressors, unsigned index,
               unsigned threads)
    : loop_(loop),
      services_(services),
      compressors_(compressors),
      index_(index),
      threads_(threads),
      random_(std::random_device{}()),
      waker_(loop),
      tick_(loop, waker_),
      warm_waker_(loop),
      watch_task_(watch()),
      warm_task_(warm()) {
  watch_task_.start();
  warm_task_.start();
}

Lender::~Lender() {
  clear();
  for (const auto& [server, desk] : desks_) desk->server->quota.part(*desk);
}

void Lender::clear() noexcept {
  for (const auto& [key, group] : groups_) {
    while (!group->idle.empty()) {
      remove_idle(*group, 0).reset();
    }
  }
}

std::shared_ptr<Lender::Desk> Lender::desk_of(const std::shared_ptr<Server>& server) {
  std::shared_ptr<Desk>& desk = desks_[server.get()];
  if (!desk) {
    desk = std::make_shared<Desk>(*this, server);
    server->quota.join(*desk);
  }
  return desk;
}

LoanGroup& Lender::group_of(const LoanKey& key, const std::shared_ptr<Pool>& pool) {
  std::unique_ptr<LoanGroup>& group = groups_[key];
  if (!group) {
    group = std::make_unique<LoanGroup>(*this, key);
    group->desk = desk_of(key.server);
    group->desk->groups.push_back(group.get());
    group->window_began = loop_.now();
    if (!tick_.is_set()) waker_.notify();
  }
  if (group->pool != pool) group->pool = pool;
  group->used_at = loop_.now();
  return *group;
}

std::unique_ptr<LentConnection> Lender::take(const LoanKey& key, const std::shared_ptr<Pool>& pool,
                                             LastLoan& last, const SharedImage& wanted) {
  LoanGroup& group = group_of(key, pool);
  if (auto own = take_own(group, last)) return own;
  while (!group.idle.empty()) {
    auto lent = remove_idle(group, group.idle.choose(wanted.get()));
    if (!silent(*lent)) {
      close(std::move(lent), CloseReason::by_server);
      continue;
    }
    if (wanted && lent->image == wanted) Figures::add(figures_.same_image);
    return lend(group, std::move(lent), last);
  }
  return nullptr;
}

/// The one that this session had last, if nobody has it and it is of this group.
std::unique_ptr<LentConnection> Lender::take_own(LoanGroup& group, LastLoan& last) {
  LentConnection* const own = last.connection();
  if (own == nullptr || own->idle_since == 0 || &own->group_ != &group) return nullptr;
  auto lent = remove_idle(group, own->idle_place);
  if (!silent(*lent)) {
    close(std::move(lent), CloseReason::by_server);
    return nullptr;
  }
  Figures::add(figures_.same_session);
  return lend(group, std::move(lent), last);
}

std::unique_ptr<LentConnection> Lender::take(const std::shared_ptr<Pool>& pool,
                                             const std::shared_ptr<const Borrower>& who,
                                             LastLoan& last, const SharedImage& wanted) {
  const auto& servers = candidates(pool);
  if (servers.empty()) return nullptr;
  // Most often it is its own again, and the group need not be looked up.
  if (LentConnection* const own = last.connection(); own != nullptr) {
    LoanGroup& group = own->group_;
    if (group.pool == pool && group.key.server == servers.front() && group.key.who == who) {
      group.used_at = loop_.now();
      if (auto lent = take_own(group, last)) return lent;
    }
  }
  return take({servers.front(), who}, pool, last, wanted);
}

bool Lender::has_any(const LoanKey& key) const {
  const auto group = groups_.find(key);
  return group != groups_.end() && (group->second->lent != 0 || !group->second->idle.empty());
}

const std::vector<std::shared_ptr<Server>>& Lender::candidates(const std::shared_ptr<Pool>& pool,
                                                               bool anew) {
  const Lineup* const known = lineup_;
  if (!anew && known != nullptr && known->pool == pool && !known->changes &&
      loop_.now() - known->found_at < static_cast<std::uint64_t>(Loop::tick.count()))
    return known->servers;
  return look_up(pool, anew);
}

const std::vector<std::shared_ptr<Server>>& Lender::look_up(const std::shared_ptr<Pool>& pool,
                                                            bool anew) {
  if (lineup_ == nullptr || lineup_->pool != pool) lineup_ = &lineups_[pool.get()];
  Lineup& lineup = *lineup_;
  const auto tick = static_cast<std::uint64_t>(Loop::tick.count());
  if (anew || !lineup.pool || loop_.now() - lineup.found_at >= tick) {
    lineup.pool = pool;
    lineup.servers = pool->candidates();
    lineup.found_at = loop_.now();
    lineup.changes =
        pool->config().balance != Balance::first_available && lineup.servers.size() > 1;
  }
  if (lineup.changes) order(lineup);
  return lineup.servers;
}

/// Those that are down stay behind those that are not.
void Lender::order(Lineup& lineup) {
  const Balance balance = lineup.pool->config().balance;
  const auto busy = [&](const std::shared_ptr<Server>& server) {
    const auto found = desks_.find(server.get());
    if (found == desks_.end()) return std::tuple(server->quota.down(), 0.0, 0.0);
    const double weight = server->config().weight;
    const double lent = balance == Balance::least_connections ? found->second->lent : 0;
    return std::tuple(server->quota.down(), lent / weight, found->second->borrowed / weight);
  };
  // They are few, and only the first matters unless it has nothing to lend.
  std::ranges::iter_swap(lineup.servers.begin(),
                         std::ranges::min_element(lineup.servers, {}, busy));
}

/// `lent` goes to the session of `last`.
std::unique_ptr<LentConnection> Lender::lend(LoanGroup& group, std::unique_ptr<LentConnection> lent,
                                             LastLoan& last) {
  lent->go_to(last);
  if (lent->pool != group.pool) lent->pool = group.pool;
  ++lent->uses;
  ++group.desk->borrowed;
  Figures::add(figures_.borrowed);
  return lent;
}

std::unique_ptr<LentConnection> Lender::lend_new(const LoanKey& key,
                                                 const std::shared_ptr<Pool>& pool, LastLoan& last,
                                                 std::unique_ptr<ServerConnection> connection,
                                                 const Credentials& credentials,
                                                 const SessionWishes& wishes) {
  LoanGroup& group = group_of(key, pool);
  const bool told = key.server->config().proxy_protocol != ProxyProtocol::disabled;
  if (pool->config().lending.min_idle != 0 && !group.warm && key.who->shareable() && !told) {
    group.warm = std::make_unique<WarmMeans>();
    group.warm->credentials.user = credentials.user;
    group.warm->credentials.server_user = credentials.server_user;
    group.warm->credentials.secret = credentials.secret.clone();
    group.warm->credentials.secret.forget_clear();
    group.warm->credentials.foreign = credentials.foreign;
    group.warm->wishes = wishes;
    warm_waker_.notify();
  }
  return lend(group, take_over(group, std::move(connection), wishes), last);
}

/// What a new connection has at the beginning.
std::unique_ptr<LentConnection> Lender::take_over(LoanGroup& group,
                                                  std::unique_ptr<ServerConnection> connection,
                                                  const SessionWishes& wishes) {
  auto lent = std::make_unique<LentConnection>(group, std::move(connection));
  lent->pool = group.pool;
  lent->login_schema = wishes.schema;
  lent->login_collation = wishes.collation;
  lent->born = loop_.now();
  const auto lifetime =
      static_cast<std::uint64_t>(group.pool->config().lending.max_lifetime.count());
  // Those that were opened together do not end together.
  if (lifetime != 0)
    lent->expires_ = lent->born + lifetime -
                     std::uniform_int_distribution<std::uint64_t>(0, lifetime / 10)(random_);
  Figures::add(figures_.opened);
  return lent;
}

void Lender::give_back(std::unique_ptr<LentConnection> lent) {
  LoanGroup& group = lent->group_;
  lent->channel().wake(waker_);
  CloseReason why{};
  if (unfit(*lent, why)) return close(std::move(lent), why);
  Quota& quota = group.key.server->quota;
  if (Ticket* const next = group.first_waiting; next != nullptr) {
    const std::uint64_t oldest = quota.waiting_since();
    if (oldest == Quota::nobody || oldest + Quota::patience_ms >= next->since()) {
      group.pool = next->pool();
      next->hand(lend(group, std::move(lent), next->last()));
      return;
    }
    return close(std::move(lent), CloseReason::for_another);
  }
  if (draining_) return close(std::move(lent), CloseReason::draining);
  const auto most = group.pool->config().lending.max_idle;
  if (most != 0 && group.idle.size() >= share(most, true))
    return close(std::move(lent), CloseReason::max_idle);
  put_idle(std::move(lent));
  // Said first, so that whoever begins to wait now either is seen here or sees that it is idle.
  if (quota.waiting() != 0) give_one_up(*group.desk);
}

void Lender::discard(std::unique_ptr<LentConnection> lent) { lent.reset(); }

/// It has come back, and is of no use any more.
bool Lender::unfit(LentConnection& lent, CloseReason& why) {
  const LoanGroup& group = lent.group_;
  const auto most_uses = group.pool->config().lending.max_uses;
  if (lent.channel().congested())
    why = CloseReason::discarded;
  else if (group.desk->retired || group.left)
    why = CloseReason::server_left;
  else if (group.key.server->quota.down())
    why = CloseReason::server_down;
  else if (loop_.now() >= lent.expires_)
    why = CloseReason::lifetime;
  else if (most_uses != 0 && lent.uses >= most_uses)
    why = CloseReason::uses;
  else if (!silent(lent))
    why = CloseReason::by_server;
  else
    return false;
  return true;
}

/// The flag is of the last read, which may have been filled exactly, or of TLS's own messages.
bool Lender::still_silent(LentConnection& lent) {
  Channel& channel = lent.channel();
  if (channel.socket.peer_closed()) return false;
  return channel.read(lent.group_.lender.loop_.scratch()).kind == IoResult::Kind::would_block &&
         !channel.readable();
}

void Lender::put_idle(std::unique_ptr<LentConnection> lent) {
  LoanGroup& group = lent->group_;
  lent->idle_since = std::max<std::uint64_t>(loop_.now(), 1);
  --group.lent;
  --group.desk->lent;
  Figures::subtract(figures_.lent);
  Figures::add(figures_.idle);
  LentConnection& one = *lent;
  group.idle.add(std::move(lent), one.image.get(), one.last_ != nullptr);
  // Nobody else writes it, and who reads it has to see it at once: see give_back().
  auto& idle = group.desk->idle;
  idle.store(idle.load(std::memory_order_relaxed) + 1);
}

/// It counts as lent again.
std::unique_ptr<LentConnection> Lender::remove_idle(LoanGroup& group, std::size_t at) {
  auto lent = group.idle.remove(at);
  group.fewest_idle = std::min(group.fewest_idle, group.idle.size());
  lent->idle_since = 0;
  ++group.lent;
  ++group.desk->lent;
  Figures::add(figures_.lent);
  Figures::subtract(figures_.idle);
  auto& idle = group.desk->idle;
  idle.store(idle.load(std::memory_order_relaxed) - 1, std::memory_order_release);
  return lent;
}

/// In an orderly way, where the server still listens.
void Lender::close(std::unique_ptr<LentConnection> lent, CloseReason why) {
  lent->why_closed_ = why;
  if (why == CloseReason::discarded || why == CloseReason::by_server) return;
  constexpr std::uint8_t quit[] = {1, 0, 0, 0, 1};
  if (lent->channel().send_command(quit)) lent->channel().shut_write();
}

/// Its share of a number that is meant for all threads together.
std::uint32_t Lender::share(std::uint32_t of_all, bool at_least_one) const noexcept {
  const std::uint32_t mine = of_all / threads_ + (index_ < of_all % threads_ ? 1 : 0);
  return at_least_one ? std::max(mine, 1U) : mine;
}

void Lender::Desk::served() noexcept {
  lender.loop_.post([weak = weak_from_this()] {
    if (const auto desk = weak.lock()) desk->lender.serve(*desk);
  });
}

void Lender::Desk::give_one_up() noexcept {
  lender.loop_.post([weak = weak_from_this()] {
    const auto desk = weak.lock();
    if (desk && desk->server->quota.waiting() != 0) desk->lender.give_one_up(*desk);
  });
}

/// Waiters of this thread have a place, or a refusal.
void Lender::serve(Desk& desk) {
  while (Quota::Waiter* const waiter = desk.server->quota.collect(desk))
    static_cast<Ticket*>(waiter)->collect();
}

/// Somebody waits for a place: the connection that has been idle longest makes room.
void Lender::give_one_up(Desk& desk) {
  LoanGroup* longest = nullptr;
  std::size_t place = 0;
  for (LoanGroup* group : desk.groups) {
    if (group->idle.empty()) continue;
    const std::size_t oldest = group->idle.oldest();
    if (longest != nullptr &&
        group->idle.at(oldest)->idle_since >= longest->idle.at(place)->idle_since)
      continue;
    longest = group;
    place = oldest;
  }
  if (longest == nullptr) return desk.server->quota.ask_another();
  close(remove_idle(*longest, place), CloseReason::for_another);
}

}  // namespace mysqlproxy::lending
