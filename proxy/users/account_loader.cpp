#include "proxy/users/account_loader.hpp"

#include "proxy/session/ask.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mysqlproxy {

namespace {

// The server's refusals that let another statement be worth a try.
constexpr std::uint16_t no_such_table = 1146;
constexpr std::uint16_t table_access_denied = 1142;

}  // namespace

void AccountLoader::start() {
  thread_ = std::thread([this] { loop_.run(); });
}

void AccountLoader::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
  readers_.clear();
}

void AccountLoader::watch(const Topology& topology) {
  auto readers = std::make_shared<std::vector<std::unique_ptr<Reader>>>();
  std::chrono::milliseconds patience(0);
  const HealthConfig& health = topology.config().health;
  for (const PoolConfig& config : topology.config().pools) {
    if (!config.load_users) continue;
    auto reader = std::make_unique<Reader>(loop_, config, topology.find_pool(config.name));
    patience = std::max(patience, reader->load.timeout);
    const bool own = !reader->load.user.empty();
    reader->account.user = own ? reader->load.user : health.user;
    const auto& password = own ? reader->load.password : nullptr;
    auto& clear = reader->account.secret.clear.emplace();
    if (password)
      clear = password->clone();
    else if (!own)
      clear = health.password.clone();
    readers->push_back(std::move(reader));
  }
  {
    const std::lock_guard lock(mutex_);
    not_tried_ = readers->size();
  }
  patience_ = patience.count();
  active_ = !readers->empty();
  loop_.post([this, readers] { replace(std::move(*readers)); });
}

void AccountLoader::wait_for_first_round() {
  std::unique_lock lock(mutex_);
  first_round_.wait_for(lock, std::chrono::milliseconds(patience_),
                        [this] { return not_tried_ == 0; });
}

void AccountLoader::replace(std::vector<std::unique_ptr<Reader>> readers) {
  for (auto& old : readers_) {
    serve(old->serving);
    serve(old->tickets);
    loop_.bury(std::move(old));
  }
  readers_ = std::move(readers);
  for (auto& reader : readers_) {
    reader->task.emplace(look_after(*reader));
    reader->task->start();
  }
}

Task<void> AccountLoader::refresh(Loop& loop, Waker& waker) {
  const auto ticket = std::make_shared<Ticket>(Ticket{.loop = loop, .waker = &waker});
  // However this ends: nobody wakes what is gone.
  struct Leaving {
    Ticket& ticket;
    ~Leaving() { ticket.waker = nullptr; }
  } const leaving{*ticket};
  Deadline deadline(loop, waker);
  deadline.set(std::chrono::milliseconds(patience_));
  loop_.post([this, ticket] { ask(ticket); });
  while (!ticket->done && !deadline.passed()) co_await waker;
}

void AccountLoader::ask(const std::shared_ptr<Ticket>& ticket) {
  ticket->left = readers_.size();
  for (auto& reader : readers_) {
    reader->tickets.push_back(ticket);
    reader->schedule.ask();
    reader->waker.notify();
  }
}

/// The read that these waited for is over.
void AccountLoader::serve(std::vector<std::shared_ptr<Ticket>>& tickets) {
  for (const auto& ticket : tickets) {
    if (--ticket->left != 0) continue;
    ticket->loop.post([ticket] {
      ticket->done = true;
      if (ticket->waker != nullptr) ticket->waker->notify();
    });
  }
  tickets.clear();
}

Task<void> AccountLoader::look_after(Reader& reader) {
  bool first = true;
  for (;;) {
    auto wait = reader.schedule.wait(loop_.now());
    while (wait.count() > 0) {
      reader.deadline.set(wait);
      co_await reader.waker;
      wait = reader.schedule.wait(loop_.now());
    }
    reader.deadline.clear();
    reader.schedule.begin(loop_.now());
    std::swap(reader.serving, reader.tickets);
    co_await read(reader);
    serve(reader.serving);
    if (first) tried_once();
    first = false;
  }
}

/// From the first of the servers that answers; those that are down come last.
Task<void> AccountLoader::read(Reader& reader) {
  auto servers = reader.pool->servers();
  const auto now = Server::Clock::now();
  std::ranges::stable_partition(servers,
                                [&](const auto& server) { return server->worth_a_try(now); });
  std::string trouble;
  for (const auto& server : servers) {
    const std::string why = co_await read_from(reader, server);
    if (why.empty()) co_return;
    trouble += fmt::format("{}{}", trouble.empty() ? "" : "; ", why);
  }
  if (trouble != reader.trouble)
    log_.warn(fmt::format("accounts of pool {} can't be read, those known stay in force: {}",
                          reader.pool->name(), trouble));
  reader.trouble = std::move(trouble);
}

/// Returns why it can't be done; empty when it is.
Task<std::string> AccountLoader::read_from(Reader& reader, std::shared_ptr<Server> server) {
  ServerConnector connector(loop_, reader.waker, reader.load.timeout, {});
  const SessionWishes wishes = own_wishes();
  ConnectOutcome outcome = co_await connector.connect(server, reader.account, wishes);
  if (!outcome.connection) co_return outcome.reason;
  ServerConnection& connection = *outcome.connection;
  std::string trouble;
  for (const AccountQuery query : queries_for(connection.greeting.flavor())) {
    const TextResult result = co_await mysqlproxy::ask(loop_, reader.waker, connection,
                                                       statement(query), reader.load.timeout);
    if (result.error().empty()) {
      constexpr std::uint8_t quit[] = {1, 0, 0, 0, 1};
      connection.channel.send_command(quit);
      take(reader, *server, accounts_of(query, result.rows(), reader.pool->name()));
      co_return std::string();
    }
    trouble = fmt::format("{}: {}", server->name(), result.error());
    if (result.code() != no_such_table && result.code() != table_access_denied) break;
  }
  co_return trouble;
}

void AccountLoader::take(Reader& reader, const Server& server, ServerAccounts found) {
  const std::size_t count = found.accounts.size();
  if (!reader.trouble.empty() || reader.count != count)
    log_.info(fmt::format("accounts of pool {} are read", reader.pool->name()),
              {{"server", server.name()}, {"accounts", count}, {"unusable", found.unusable}});
  reader.trouble.clear();
  reader.count = count;
  directory_.set_loaded(reader.pool->name(), std::make_shared<const AccountTable>(found.accounts));
}

void AccountLoader::tried_once() {
  const std::lock_guard lock(mutex_);
  if (not_tried_ != 0) --not_tried_;
  if (not_tried_ == 0) first_round_.notify_all();
}

}  // namespace mysqlproxy
