// Servers, data threads and clients that borrow, for tests of the lender.
#pragma once

#include "../fake_server.hpp"
#include "proxy/lending/borrow.hpp"
#include "proxy/lending/lender.hpp"
#include "proxy/net/address.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace mysqlproxy::lending::test {

using namespace mysqlproxy::test;
using namespace std::chrono_literals;

inline LogConfig quiet() {
  LogConfig config;
  config.access.clear();
  config.level = LogLevel::error;
  return config;
}

/// Lets everybody in and keeps the connections open.
class OpenServer {
 public:
  OpenServer()
      : server_([this](Peer& peer) {
          let_in(peer);
          const std::lock_guard lock(mutex_);
          held_.push_back(std::make_unique<Peer>(::dup(peer.descriptor())));
          news_.notify_all();
        }) {}

  const Endpoint& endpoint() const noexcept { return server_.endpoint(); }
  unsigned visits() const noexcept { return server_.visits(); }
  /// The server's end of the `i`th connection, which has been opened or soon is.
  Peer& peer(std::size_t i) {
    std::unique_lock lock(mutex_);
    REQUIRE(news_.wait_for(lock, std::chrono::seconds(30), [&] { return i < held_.size(); }));
    return *held_[i];
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<std::unique_ptr<Peer>> held_;
  FakeServer server_;
};

/// One or more servers and pools, as all threads share them.
struct Site {
  Site() : services(log) {}

  std::shared_ptr<Server> add(const Endpoint& endpoint, std::uint32_t max_connections) {
    ServerConfig config;
    config.name = "db" + std::to_string(servers.size() + 1);
    config.address = endpoint;
    config.max_connections = max_connections;
    servers.push_back(std::make_shared<Server>(config, log));
    servers.back()->set_addresses(resolve_now(endpoint));
    return servers.back();
  }
  std::shared_ptr<Pool> make_pool(LendingConfig lending = {}) {
    PoolConfig config;
    config.name = "main";
    config.balance = Balance::first_available;
    config.pooling = Pooling::transaction;
    config.lending = lending;
    return std::make_shared<Pool>(config, servers);
  }

  Log log{quiet()};
  Services services;
  std::vector<std::shared_ptr<Server>> servers;
};

/// A data thread.
struct Thread {
  explicit Thread(Site& site, unsigned index = 0, unsigned threads = 1)
      : lender(loop, site.services, nullptr, index, threads) {}

  /// Runs `task` to its end.
  void run(Task<void> task) {
    const Task<void> whole = to_its_end(std::move(task));
    whole.start();
    loop.run();
  }

  Loop loop;
  Lender lender;

 private:
  Task<void> to_its_end(Task<void> task) {
    co_await task;
    loop.stop();
  }
};

/// A client's session, as far as borrowing is concerned.
struct Client {
  Client(Thread& its_thread, std::shared_ptr<Pool> its_pool, std::string user = "app")
      : thread(its_thread),
        pool(std::move(its_pool)),
        waker(thread.loop),
        client_end(make_ends()),
        client(thread.loop, waker, ends[1], true),
        connector(thread.loop, waker, 5000ms, {.client = &client}) {
    credentials.user = std::move(user);
    credentials.secret.sha1 = mysqlwire::crypto::stage1("secret");
    wishes.capabilities = {mysqlwire::Capability::protocol_41,
                           mysqlwire::Capability::secure_connection,
                           mysqlwire::Capability::transactions};
    who = Borrower::make(credentials, wishes, nullptr);
  }

  Task<void> borrow(SharedImage wanted = nullptr) {
    const BorrowRequest request{.pool = pool,
                                .who = who,
                                .credentials = credentials,
                                .wishes = wishes,
                                .connector = connector,
                                .waker = waker,
                                .last = last,
                                .wanted = wanted,
                                .patience = patience};
    outcome = co_await mysqlproxy::lending::borrow(thread.lender, request);
  }
  void give_back() { thread.lender.give_back(std::move(outcome.connection)); }
  Task<void> sleep(std::chrono::milliseconds time) {
    Deadline deadline(thread.loop, waker);
    deadline.set(time);
    while (!deadline.passed()) co_await waker;
  }
  std::string err() const {
    const auto packet = mysqlwire::ErrPacket::decode(outcome.reply, {});
    return packet ? std::to_string(packet->code) + " " + std::string(packet->message) : "no ERR";
  }

  Thread& thread;
  std::shared_ptr<Pool> pool;
  LastLoan last;
  std::uint64_t number = 0;  ///< where there are many
  int ends[2] = {-1, -1};
  Waker waker;
  Peer client_end;
  Socket client;
  ServerConnector connector;
  Credentials credentials;
  SessionWishes wishes;
  std::shared_ptr<const Borrower> who;
  Patience patience;
  BorrowOutcome outcome;

 private:
  // Clients are made by several threads at once, of which Catch knows nothing.
  int make_ends() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
      throw std::system_error(errno, std::generic_category(), "socketpair");
    return ends[0];
  }
};

inline std::uint64_t closed(const Lender& lender, CloseReason why) {
  return lender.figures().closed[static_cast<std::size_t>(why)];
}

}  // namespace mysqlproxy::lending::test
