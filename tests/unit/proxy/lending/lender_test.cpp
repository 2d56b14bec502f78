#include "proxy/lending/lender.hpp"

#include "lender_site.hpp"
#include "proxy/lending/idle_list.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace mysqlproxy;
using namespace mysqlproxy::lending;
using namespace mysqlproxy::lending::test;
using namespace std::chrono_literals;
using Catch::Contains;

TEST_CASE("which idle connection is taken", "[lending]") {
  struct Thing {
    int number;
    std::size_t idle_place;
  };
  using Things = IdleList<std::unique_ptr<Thing>>;
  Things list;
  const SessionImage red;
  const SessionImage blue;
  CHECK(list.choose(&red) == Things::none);
  Thing* last = nullptr;
  const auto add = [&](int number, const SessionImage* image) {
    auto thing = std::make_unique<Thing>(Thing{number, 99});
    last = thing.get();
    list.add(std::move(thing), image, true);
  };
  const auto number_at = [&](std::size_t place) { return list.at(place)->number; };
  add(10, &red);
  add(20, &blue);
  add(30, &red);
  add(40, nullptr);
  CHECK(number_at(list.choose(&blue)) == 20);  // one that is alike
  CHECK(number_at(list.choose(&red)) == 30);   // the newest of those
  const SessionImage green;
  CHECK(number_at(list.choose(&green)) == 10);  // none is: the oldest
  CHECK(number_at(list.choose(nullptr)) == 10);
  CHECK(last->idle_place == 3);
  CHECK(list.remove(list.choose(nullptr))->number == 10);
  CHECK(last->idle_place == 0);  // where it is now
  CHECK(number_at(last->idle_place) == 40);
  CHECK(number_at(list.oldest()) == 20);
  CHECK(number_at(list.choose(&red)) == 30);
  add(50, &red);
  CHECK(number_at(list.choose(&red)) == 50);
  list.nobody_returns_for(list.choose(&green));  // 20
  CHECK(number_at(list.choose(&red)) == 50);
  list.nobody_returns_for(2);
  CHECK(number_at(2) == 30);
  CHECK(number_at(list.choose(&red)) == 30);  // nobody misses it
  CHECK(list.remove(list.choose(&red))->number == 30);
  CHECK(list.remove(list.choose(&red))->number == 50);
  CHECK(list.size() == 2);
  CHECK(list.remove(list.choose(nullptr))->number == 20);
  CHECK(list.size() == 1);
}

TEST_CASE("who can have whose connection", "[lending]") {
  Site site;
  const auto db = site.add({}, 0);
  Credentials credentials;
  credentials.user = "app";
  credentials.secret.sha1 = mysqlwire::crypto::stage1("secret");
  SessionWishes wishes;
  wishes.capabilities = {mysqlwire::Capability::protocol_41};
  const auto key = [&](const std::shared_ptr<Server>& server, const Origin* origin = nullptr) {
    return LoanKey{server, Borrower::make(credentials, wishes, origin)};
  };
  const LoanKey one = key(db);
  CHECK(one == key(db));
  CHECK(LoanKeyHash()(one) == LoanKeyHash()(key(db)));

  SECTION("not of another password") {
    credentials.secret.sha1 = mysqlwire::crypto::stage1("Secret");
    CHECK_FALSE(one == key(db));
  }
  SECTION("not of another form of it, nor of none") {
    credentials.secret = {};
    credentials.secret.clear.emplace(mysqlwire::Bytes());
    CHECK_FALSE(one == key(db));
    CHECK(key(db) == key(db));
  }
  SECTION("of nobody when the password is not known") {
    credentials.secret = {};
    const LoanKey unknown = key(db);
    CHECK_FALSE(unknown.who->shareable());
    CHECK(unknown == unknown);
    CHECK_FALSE(unknown == key(db));
  }
  SECTION("by the account on the servers") {
    credentials.server_user = "app";
    credentials.user = "other";
    CHECK(one == key(db));
    credentials.server_user = "other";
    CHECK_FALSE(one == key(db));
  }
  SECTION("by the capabilities that matter") {
    wishes.capabilities.set(mysqlwire::Capability::compress);
    CHECK(one == key(db));
    wishes.capabilities.set(mysqlwire::Capability::found_rows);
    CHECK_FALSE(one == key(db));
  }
  SECTION("by the address where the server is told") {
    Origin origin;
    origin.family = mysqlwire::ProxyFamily::tcp4;
    origin.source.ip[0] = 10;
    Origin other = origin;
    other.source.port = 4711;
    CHECK(key(db, &origin) == one);
    ServerConfig config;
    config.proxy_protocol = ProxyProtocol::v2;
    const auto told = std::make_shared<Server>(config, site.log);
    CHECK(key(told, &origin) == key(told, &other));
    other.source.ip[3] = 1;
    CHECK_FALSE(key(told, &origin) == key(told, &other));
    CHECK_FALSE(key(told, &origin) == key(told));
  }
}

TEST_CASE("a connection goes from session to session", "[lending]") {
  OpenServer server;
  Site site;
  const auto db = site.add(server.endpoint(), 2);
  const auto pool = site.make_pool();
  Thread thread(site);
  Client one(thread, pool);
  Client two(thread, pool);
  const auto image = std::make_shared<const SessionImage>();
  const auto play = [&]() -> Task<void> {
    CHECK_FALSE(thread.lender.has_any({db, one.who}));
    co_await one.borrow();
    REQUIRE(one.outcome.connection);
    CHECK(thread.lender.has_any({db, one.who}));
    CHECK(one.outcome.fresh);
    CHECK(one.outcome.reply == ok_payload());
    co_await two.borrow();
    REQUIRE(two.outcome.connection);
    CHECK(db->connections() == 2);
    LentConnection* const of_one = one.outcome.connection.get();
    LentConnection* const of_two = two.outcome.connection.get();
    CHECK(thread.lender.figures().lent == 2);
    one.give_back();
    two.outcome.connection->image = image;
    two.give_back();
    CHECK(thread.lender.figures().idle == 2);
    CHECK(thread.lender.figures().lent == 0);
    // The one that it had, whatever else there is.
    co_await one.borrow(image);
    CHECK(one.outcome.connection.get() == of_one);
    CHECK_FALSE(one.outcome.fresh);
    one.give_back();
    Client three(thread, pool);
    co_await three.borrow(image);
    CHECK(three.outcome.connection.get() == of_two);
    CHECK(three.outcome.connection->image == image);
    CHECK(three.outcome.connection->uses == 2);
    CHECK_FALSE(three.outcome.connection->lent_again);
    // Another session has it now, and then it is nobody's any more.
    CHECK(two.last.connection() == nullptr);
    CHECK(three.last.connection() == of_two);
    three.give_back();
    co_await three.borrow();
    CHECK(three.outcome.connection->lent_again);
    thread.lender.discard(std::move(three.outcome.connection));
    CHECK(three.last.connection() == nullptr);
    CHECK(one.last.connection() == of_one);
  };
  thread.run(play());
  CHECK(server.visits() == 2);
  CHECK(thread.lender.figures().opened == 2);
  CHECK(thread.lender.figures().borrowed == 5);
  CHECK(thread.lender.figures().same_session == 2);
  CHECK(thread.lender.figures().same_image == 1);
}

TEST_CASE("what no session comes back to is lent first", "[lending]") {
  OpenServer server;
  Site site;
  site.add(server.endpoint(), 0);
  const auto pool = site.make_pool();
  Thread thread(site);
  const auto image = std::make_shared<const SessionImage>();
  Client stays(thread, pool);
  Client leaves(thread, pool);
  Client comes(thread, pool);
  const auto play = [&]() -> Task<void> {
    co_await stays.borrow(image);
    co_await leaves.borrow(image);
    stays.outcome.connection->image = image;
    leaves.outcome.connection->image = image;
    const void* const its = stays.outcome.connection.get();
    const void* const left = leaves.outcome.connection.get();
    leaves.give_back();
    SECTION("of a session that ends") { leaves.last.forget(); }
    SECTION("of a session that ends before it is idle") {
      co_await leaves.borrow(image);
      leaves.last.forget();
      leaves.give_back();
    }
    stays.give_back();
    co_await comes.borrow(image);
    CHECK(comes.outcome.connection.get() == left);  // and not the one that was used last
    co_await stays.borrow(image);
    CHECK(stays.outcome.connection.get() == its);
    CHECK(stays.outcome.connection->lent_again);
  };
  thread.run(play());
}

TEST_CASE("what is lent is spread over the servers", "[lending]") {
  OpenServer first;
  OpenServer second;
  Site site;
  const auto one_db = site.add(first.endpoint(), 0);
  const auto two_db = site.add(second.endpoint(), 0);
  PoolConfig config;
  config.name = "reads";
  config.balance = GENERATE(Balance::least_connections, Balance::round_robin);
  const auto pool = std::make_shared<Pool>(config, site.servers);
  Thread thread(site);
  Client one(thread, pool);
  Client two(thread, pool);
  unsigned of_first = 0;
  const auto play = [&]() -> Task<void> {
    // One at a time: in turn.
    for (int i = 0; i < 10; ++i) {
      co_await one.borrow();
      REQUIRE(one.outcome.connection);
      if (one.outcome.connection->server() == one_db) ++of_first;
      one.give_back();
    }
    // Exactly, unless a second ends in between.
    CHECK(of_first >= 4);
    CHECK(of_first <= 6);
    CHECK(one_db->connections() == 1);
    CHECK(two_db->connections() == 1);
    // At once: where less is lent.
    co_await one.borrow();
    co_await two.borrow();
    CHECK(one.outcome.connection->server() != two.outcome.connection->server());
    one.give_back();
    two.give_back();
    // And without the coroutine.
    auto lent = thread.lender.take(pool, one.who, one.last, nullptr);
    REQUIRE(lent);
    thread.lender.give_back(std::move(lent));
  };
  thread.run(play());
}

TEST_CASE("who waits gets what comes back, in order", "[lending]") {
  OpenServer server;
  Site site;
  const auto db = site.add(server.endpoint(), 1);
  const auto pool = site.make_pool();
  Thread thread(site);
  std::vector<std::unique_ptr<Client>> clients;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    clients.push_back(std::make_unique<Client>(thread, pool));
    clients.back()->number = i;
  }
  std::vector<std::uint64_t> order;
  const auto use = [&](Client& client) -> Task<void> {
    co_await client.borrow();
    REQUIRE(client.outcome.connection);
    order.push_back(client.number);
    co_await client.sleep(100ms);
    client.give_back();
    if (order.size() == clients.size()) thread.loop.stop();
  };
  std::vector<Task<void>> tasks;
  for (const auto& client : clients) tasks.push_back(use(*client));
  for (const auto& task : tasks) task.start();
  CHECK(thread.lender.figures().waiting == 4);
  thread.loop.run();
  CHECK(order == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
  CHECK(server.visits() == 1);
  CHECK(db->connections() == 1);
  CHECK(thread.lender.figures().waited == 4);
  CHECK(thread.lender.figures().longest_wait_ms >= 300);
}

TEST_CASE("a wait ends with its reason", "[lending]") {
  OpenServer server;
  Site site;
  const auto db = site.add(server.endpoint(), 1);
  LendingConfig lending;
  lending.queue_limit = 1;
  lending.queue_timeout = 200ms;
  const auto pool = site.make_pool(lending);
  Thread thread(site);
  Client one(thread, pool);
  Client two(thread, pool);
  Client three(thread, pool);
  std::function<void()> meanwhile = [] {};
  const auto play = [&](Client& next) -> Task<void> {
    co_await one.borrow();
    REQUIRE(one.outcome.connection);
    meanwhile();
    co_await next.borrow();
  };

  SECTION("nobody gave anything back") {
    thread.run(play(two));
    CHECK(two.outcome.refusal == lending::Refusal::timed_out);
    CHECK_THAT(two.err(), Contains("1040 Too many connections: all 1 of server db1 are in use"));
    CHECK_THAT(two.err(), Contains("queue_timeout"));
  }
  SECTION("too many wait already") {
    const Task<void> waits = two.borrow();
    meanwhile = [&] { waits.start(); };
    thread.run(play(three));
    CHECK(three.outcome.refusal == lending::Refusal::queue_full);
    CHECK_THAT(three.err(), Contains("1 sessions wait for one (queue_limit)"));
  }
  SECTION("its client has left") {
    two.patience.client = &two.client;
    two.client_end.close();
    thread.run(play(two));
    CHECK(two.outcome.refusal == lending::Refusal::client_left);
    CHECK(two.outcome.client_gone);
  }
  SECTION("the session has given up") {
    bool given_up = false;
    two.patience.given_up = &given_up;
    meanwhile = [&] {
      thread.loop.post([&] {
        given_up = true;
        two.waker.notify();
      });
    };
    thread.run(play(two));
    CHECK(two.outcome.refusal == lending::Refusal::given_up);
  }
  SECTION("the server has gone down") {
    meanwhile = [&] { thread.loop.post([&] { db->unreachable("gone"); }); };
    thread.run(play(two));
    CHECK_FALSE(two.outcome.connection);
    CHECK_THAT(two.err(), Contains("1158 no server for pool main: db1 down"));
    // What was lent of it does not stay.
    one.give_back();
    CHECK(closed(thread.lender, CloseReason::server_down) == 1);
    CHECK(db->connections() == 0);
  }
  SECTION("it is destroyed") {
    meanwhile = [&] {
      {
        const Task<void> waits = two.borrow();
        waits.start();
        CHECK(db->quota.waiting() == 1);
      }
      CHECK(db->quota.waiting() == 0);
      CHECK(thread.lender.figures().waiting == 0);
      one.outcome.connection.reset();
      CHECK(db->connections() == 0);
    };
    thread.run(play(three));
    CHECK(three.outcome.fresh);
  }
}

TEST_CASE("a place that becomes free goes to who waits for it", "[lending]") {
  OpenServer server;
  Site site;
  const auto db = site.add(server.endpoint(), 1);
  const auto pool = site.make_pool();
  Thread thread(site);
  Client one(thread, pool);
  Client other(thread, pool, "other");
  const auto play = [&](bool idle) -> Task<void> {
    co_await one.borrow();
    REQUIRE(one.outcome.connection);
    if (idle) {
      one.give_back();
    } else {
      thread.loop.post([&] { thread.lender.discard(std::move(one.outcome.connection)); });
    }
    co_await other.borrow();
    CHECK(other.outcome.connection);
    CHECK(other.outcome.fresh);
    CHECK(db->connections() == 1);
    other.give_back();
  };
  SECTION("because of an idle one of another account") {
    thread.run(play(true));
    CHECK(closed(thread.lender, CloseReason::for_another) == 1);
    // In an orderly way.
    CHECK(server.peer(0).text() == "\x01");
  }
  SECTION("because one was discarded") {
    thread.run(play(false));
    CHECK(closed(thread.lender, CloseReason::discarded) == 1);
    CHECK(server.peer(0).text() == "(the end)");
  }
}

TEST_CASE("threads with many sessions never have more connections than allowed", "[lending]") {
  OpenServer server;
  Site site;
  const auto db = site.add(server.endpoint(), 3);
  const auto pool = site.make_pool();
  std::atomic<unsigned> most = 0;
  std::atomic<unsigned> lent = 0;
  std::atomic<unsigned> done = 0;
  std::atomic<unsigned> failed = 0;
  constexpr std::uint64_t sessions = 12;
  constexpr unsigned rounds = 8;
  const auto thread_work = [&](unsigned index) {
    Thread thread(site, index, 2);
    std::vector<std::unique_ptr<Client>> clients;
    std::uint64_t left = sessions;
    const auto session = [&](Client& client) -> Task<void> {
      for (unsigned i = 0; i < rounds; ++i) {
        co_await client.borrow();
        if (!client.outcome.connection) {
          ++failed;
          continue;
        }
        const unsigned now = ++lent;
        unsigned seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        for (unsigned j = 0; j < i % 3; ++j) co_await client.waker.yield();
        --lent;
        if ((client.number + i) % 11 == 0)
          thread.lender.discard(std::move(client.outcome.connection));
        else
          client.give_back();
        ++done;
      }
      if (--left == 0) thread.loop.stop();
    };
    std::vector<Task<void>> tasks;
    for (std::uint64_t i = 0; i < sessions; ++i) {
      // Of two accounts, so that there are two keys.
      clients.push_back(std::make_unique<Client>(thread, pool, i % 2 == 0 ? "app" : "other"));
      clients.back()->number = index * 100 + i + 1;
      tasks.push_back(session(*clients.back()));
    }
    for (const auto& task : tasks) task.start();
    thread.loop.run();
  };
  std::thread second(thread_work, 1);
  thread_work(0);
  second.join();
  CHECK(failed == 0);
  CHECK(done == 2 * sessions * rounds);
  CHECK(most <= 3);
  CHECK(db->connections() == 0);
  CHECK(db->quota.waiting() == 0);
}
