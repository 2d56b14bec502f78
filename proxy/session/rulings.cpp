// Session: what the rules want, for a connection and for a statement.
#include "proxy/app/worker.hpp"
#include "proxy/rules/mobility.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/fixed_answer.hpp"
#include "proxy/session/login_dialog.hpp"
#include "proxy/session/session.hpp"

#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/query.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mysqlproxy {

using mysqlwire::Command;

namespace {

std::chrono::nanoseconds monotonic() { return std::chrono::steady_clock::now().time_since_epoch(); }

/// The servers of these names, the first one first, as a pool that takes the first that is up.
std::shared_ptr<Pool> ordered_pool(const Topology& topology, std::string name,
                                   const std::vector<std::string>& names) {
  PoolConfig config;
  config.name = std::move(name);
  config.balance = Balance::first_available;
  std::vector<std::shared_ptr<Server>> servers;
  for (const std::string& wanted : names) {
    const auto found = std::ranges::find_if(
        topology.servers(), [&](const auto& server) { return server->name() == wanted; });
    if (found == topology.servers().end()) continue;
    config.servers.push_back(wanted);
    servers.push_back(*found);
  }
  return servers.empty() ? nullptr : std::make_shared<Pool>(std::move(config), std::move(servers));
}

/// Where a rule sends something; null when the configuration has it no more.
std::shared_ptr<Pool> target_of(const Topology& topology, const rules::RuleBook& book,
                                const rules::Decision& ruling, std::string_view pool_name) {
  if (!ruling.server.empty())
    return ordered_pool(topology, std::string(pool_name), {std::string(ruling.server)});
  if (ruling.hashed)
    return ordered_pool(topology, std::string(ruling.pool), book.preferred_servers(ruling));
  return topology.find_pool(ruling.pool);
}

}  // namespace

/// Asks the rules of the connection. False when the dialog is over, with the client told.
Task<bool> Session::obey_connection_rules(LoginDialog& dialog) {
  const auto topology = services_.topology();
  const rules::RuleBook& book = *topology->rules();
  if (book.empty(RuleStage::connection)) co_return true;
  ConnectionFacts facts;
  facts.user = dialog.login().user;
  facts.schema = dialog.login().schema;
  facts.address = arrival_.address;
  facts.host = arrival_.from;
  facts.listener = arrival_.listener;
  facts.pool = pool_->name();
  rules::Decision ruling;
  const rules::Client client{facts.user,    facts.schema,   facts.host,
                             arrival_.host, facts.listener, facts.pool};
  book.at_connection(client, rules::Moment::now(), ruling);
  log_rules(ruling, {});
  SqlError error = limit_reached;
  std::string refusal;
  if (ruling.last_word != nullptr) {
    const RuleConfig& rule = ruling.last_word->config();
    error = {rule.then.refuse->code, rule.then.refuse->sqlstate};
    refusal = rules::refusal_text(rule);
  } else {
    connection_permits_.clear();
    const bool goes_on = co_await pass_limits(ruling, facts, connection_permits_, refusal);
    if (!goes_on) co_return false;
  }
  if (!refusal.empty()) {
    services_.counters.refused_logins.fetch_add(1, std::memory_order_relaxed);
    dialog.refuse(error_payload(error, refusal), refusal);
    co_return false;
  }
  if (ruling.route == nullptr) co_return true;
  if (auto pool = target_of(*topology, book, ruling, pool_->name())) pool_ = std::move(pool);
  co_return true;
}

/// Waits, and takes a place, as the rules want it. False when the session is over; `refusal` is
/// there when it takes too long.
Task<bool> Session::pass_limits(const rules::Decision& ruling, const ConnectionFacts& facts,
                                std::vector<rules::Permit>& permits, std::string& refusal) {
  const std::string host = rules::host_of(facts.address);
  for (const rules::Rule* rule : ruling.matched()) {
    rules::RuleState& state = rule->state();
    const RuleAction& then = rule->config().then;
    if (state.concurrency) {
      const auto key = rules::limit_key(then.concurrency->by, facts.user, host);
      permits.emplace_back(state.concurrency, state.concurrency->enter(key, wake_from_anywhere()));
      const bool there = co_await wait_for(&permits.back(), then.concurrency->wait);
      if (!there) co_return false;
      if (!permits.back().granted()) {
        state.limited.fetch_add(1, std::memory_order_relaxed);
        refusal = fmt::format("Rule {:?} of the proxy lets {} through at once", rule->config().name,
                              then.concurrency->max);
        co_return true;
      }
    }
    if (state.rate) {
      const auto key = rules::limit_key(then.rate->by, facts.user, host);
      const auto wait = state.rate->take(key, monotonic());
      if (!wait) {
        state.limited.fetch_add(1, std::memory_order_relaxed);
        refusal = fmt::format("Rule {:?} of the proxy lets {} through in a second",
                              rule->config().name, then.rate->per_second);
        co_return true;
      }
      const bool there =
          co_await wait_for(nullptr, std::chrono::ceil<std::chrono::milliseconds>(*wait));
      if (!there) co_return false;
    }
  }
  const bool there = co_await wait_for(nullptr, ruling.delay);
  co_return there;
}

/// Until the permit is granted, but no longer than that. False when there is nobody to wait for any
/// more, which ends the session.
Task<bool> Session::wait_for(const rules::Permit* permit, std::chrono::milliseconds longest) {
  const auto due = [&] { return permit == nullptr || !permit->granted(); };
  if (longest.count() == 0 || !due()) co_return true;
  Deadline until(worker_.loop(), waker_);
  until.set(longest);
  while (due() && !until.passed() && !cut_ && !client_.socket.hung_up()) co_await waker_;
  if (client_.socket.hung_up()) {
    end(EndedBy::client, "left while a rule let it wait");
    co_return false;
  }
  if (cut_) end(EndedBy::proxy, "drain_timeout");
  co_return !cut_;
}

/// Wakes this session, if it is still there, from any thread.
std::function<void()> Session::wake_from_anywhere() {
  Loop* const loop = &worker_.loop();
  return [loop, self = self_] {
    loop->post([self] {
      if (*self != nullptr) (*self)->notify();
    });
  };
}

void Session::log_rules(const rules::Decision& ruling, std::string_view digest) {
  for (const rules::Rule* rule : ruling.matched()) {
    if (!rule->config().then.log) continue;
    services_.log.info(fmt::format("rule {}", rule->config().name), {{"client", arrival_.address},
                                                                     {"user", credentials_.user},
                                                                     {"connection_id", id_.id()},
                                                                     {"digest", digest}});
  }
}

/// What the rules want for the command that is held. `goes_on`: it is to go to the session's server
/// as it came.
Task<Session::Ruled> Session::obey_rules() {
  const rules::Decision& ruling = steering_->ruling();
  const Inspection& inspection = steering_->inspection();
  const bool prepare = inspection.command == Command::com_stmt_prepare;
  if (!prepare && inspection.whole) {
    std::vector<rules::Permit> permits;
    std::string refusal;
    const bool there = co_await pass_limits(ruling, steering_->facts(), permits, refusal);
    if (!there) co_return Ruled::over;
    if (!refusal.empty()) {
      answer(error_payload(limit_reached, refusal));
      relay_->drop_command();
      steering_->settle(true);
      co_return Ruled::settled;
    }
    for (rules::Permit& permit : permits) steering_->keep(std::move(permit));
  }
  if (ruling.last_word != nullptr && !prepare) {
    answer_by_rule(*ruling.last_word->config().then.answer);
    relay_->drop_command();
    steering_->settle(false);
    steering_->let_go();
    co_return Ruled::settled;
  }
  mirror(ruling);
  if (borrowing_) {
    const bool goes_on = co_await obey_with_borrowed(ruling);
    co_return goes_on ? Ruled::settled : Ruled::over;
  }
  if (ruling.rewritten && inspection.whole) {
    auto instead = rewritten(*ruling.rewritten);
    if (instead) {
      const Relay::State state =
          relay_->forward_instead(client_, server_->channel, std::move(*instead));
      co_return outlives(state) ? Ruled::settled : Ruled::over;
    }
  }
  if (ruling.route != nullptr && !prepare) {
    const bool aside = co_await go_aside(ruling);
    if (!ending_.reason.empty()) co_return Ruled::over;
    if (aside) {
      const Relay::State state = relay_->forward_command(client_, side_->channel);
      co_return outlives(state) ? Ruled::settled : Ruled::over;
    }
  }
  co_return Ruled::goes_on;
}

/// A session that borrows its connections borrows one from where the rule wants it, unless it has
/// one that it can't let go of. True when the session goes on.
Task<bool> Session::obey_with_borrowed(const rules::Decision& ruling) {
  std::shared_ptr<Pool> pool;
  if (ruling.route != nullptr) {
    const auto topology = services_.topology();
    pool = target_of(*topology, *topology->rules(), ruling, pool_->name());
    if (server_) ruling.route->state().kept.fetch_add(1, std::memory_order_relaxed);
  }
  std::optional<mysqlwire::Buffer> instead;
  if (ruling.rewritten && steering_->inspection().whole) instead = rewritten(*ruling.rewritten);
  const bool goes_on = co_await serve_borrowed(pool, instead);
  co_return goes_on;
}

void Session::answer_by_rule(const RuleAnswer& fixed) {
  mysqlwire::StatusFlags status = relay_->tracker().status();
  status.clear(mysqlwire::ServerStatus::more_results_exists);
  const bool binary = steering_->inspection().command != Command::com_query;
  const std::uint8_t sequence_id =
      client_.compressed() ? client_.next_frame_id() : relay_->answer_sequence_id();
  client_.send(fixed_answer(fixed, relay_->tracker().context(), status, binary, sequence_id));
}

/// What needs its session, or is no text, is not mirrored, and counted as lost.
void Session::mirror(const rules::Decision& ruling) {
  const Inspection& inspection = steering_->inspection();
  if (inspection.command == Command::com_stmt_prepare) return;
  for (const rules::Rule* rule : ruling.matched()) {
    const std::string& name = rule->config().then.mirror;
    if (name.empty()) continue;
    const auto topology = services_.topology();
    const auto pool = topology->find_pool(name);
    if (!pool || inspection.command != Command::com_query || !inspection.whole ||
        !rules::tie_to_session(*inspection.what).empty()) {
      rule->state().mirror_lost.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    std::string text = ruling.rewritten ? *ruling.rewritten : std::string(inspection.text);
    worker_.mirrors().offer(pool, credentials_, wishes_, topology->config().proxy.connect_timeout,
                            {steering_->facts().schema, std::move(text), rule->shared_state()});
  }
}

/// The packets of the command with another text; nothing for one that has none of its own.
std::optional<mysqlwire::Buffer> Session::rewritten(const std::string& text) {
  const Inspection& inspection = steering_->inspection();
  const mysqlwire::Context& context = relay_->tracker().context();
  mysqlwire::Buffer payload;
  mysqlwire::Writer writer(payload);
  if (inspection.command == Command::com_query) {
    auto query = mysqlwire::ComQuery::decode(inspection.payload, context);
    if (!query) return std::nullopt;
    query->query = text;
    query->encode(writer, context);
  } else if (inspection.command == Command::com_stmt_prepare) {
    writer.u8(static_cast<std::uint8_t>(Command::com_stmt_prepare));
    writer.text(text);
  } else {
    return std::nullopt;
  }
  mysqlwire::Buffer packets;
  std::uint8_t sequence_id = 0;
  mysqlwire::append_packet(packets, payload, sequence_id);
  return packets;
}

/// The statement under way needs nothing of its session, and the session is one of those that
/// another connection can stand in for.
bool Session::may_go_aside() const {
  const Inspection& inspection = steering_->inspection();
  const mysqlwire::StatusFlags status = relay_->tracker().status();
  return inspection.command == Command::com_query && inspection.whole &&
         status.has(mysqlwire::ServerStatus::autocommit) && !relay_->tracker().in_transaction() &&
         !steering_->ties().bound() && rules::tie_to_session(*inspection.what).empty();
}

/// Finds the connection that the rule wants for the statement under way. False: it stays with the
/// session's own, for a reason that is counted unless it is there already.
Task<bool> Session::go_aside(const rules::Decision& ruling) {
  const auto topology = services_.topology();
  auto pool = target_of(*topology, *topology->rules(), ruling, pool_->name());
  if (!pool) co_return false;
  const auto best = pool->candidates();
  const bool exact = !ruling.server.empty() || ruling.hashed;
  if (exact ? !best.empty() && best.front() == server_->server()
            : pool->name() == pool_->name() || pool->has(*server_->server()))
    co_return false;
  rules::RuleState& state = ruling.route->state();
  if (best.empty() || !may_go_aside()) {
    state.kept.fetch_add(1, std::memory_order_relaxed);
    co_return false;
  }
  const Origin origin = this->origin();
  std::string target =
      exact ? fmt::format("server {}", best.front()->name()) : fmt::format("pool {}", pool->name());
  SideConnections::Means means{worker_.loop(),
                               waker_,
                               topology->config().proxy.connect_timeout,
                               {.client = &client_.socket, .origin = &origin},
                               credentials_,
                               wishes_,
                               steering_->ties(),
                               steering_->facts().schema};
  means.behalf.address = arrival_.address;
  ServerConnection* const side =
      co_await sides_.fetch(std::move(pool), std::move(target), std::move(means));
  if (client_.socket.hung_up()) end(EndedBy::client, "left while a server was looked for");
  if (side == nullptr) {
    state.kept.fetch_add(1, std::memory_order_relaxed);
    co_return false;
  }
  side_ = side;
  steering_->hold_all(true);
  id_.attach(side->server(), side->greeting.connection_id);
  co_return true;
}

/// Back to the session's own server.
void Session::leave_side() {
  if (side_ == nullptr) return;
  side_ = nullptr;
  if (steering_) steering_->hold_all(false);
  if (server_) id_.attach(server_->server(), server_->greeting.connection_id);
}

/// A reload has brought another configuration: its rules hold from the next command on.
void Session::follow_topology() {
  if (!relay_->quiet()) return;
  const auto topology = services_.topology();
  if (steering_ && (topology->looks_at_statements() || borrowing_)) {
    topology_version_ = services_.topology_version();
    leave_side();
    sides_.clear();  // a pool may have other servers now
    steering_->use(topology->rules());
    steering_->set_watch(Watch::make(services_, worker_.statistics(), command_deadline_, id_.id(),
                                     topology, credentials_.user));
  } else {
    steer();
  }
}

}  // namespace mysqlproxy
