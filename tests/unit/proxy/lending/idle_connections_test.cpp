// What becomes of the connections that nobody has: kept ready, closed by the server, not kept.
#include "lender_site.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace mysqlproxy;
using namespace mysqlproxy::lending;
using namespace mysqlproxy::lending::test;
using namespace std::chrono_literals;
using Catch::Contains;

TEST_CASE("what the server does with idle connections", "[lending]") {
  OpenServer server;
  Site site;
  const auto db = site.add(server.endpoint(), 0);
  const auto pool = site.make_pool();
  Thread thread(site);
  Client one(thread, pool);
  const auto play = [&](const std::function<void()>& happen) -> Task<void> {
    co_await one.borrow();
    one.give_back();
    happen();
    for (int i = 0; i < 50 && thread.lender.figures().idle != 0; ++i) co_await one.sleep(20ms);
    CHECK(thread.lender.figures().idle == 0);
    CHECK(closed(thread.lender, CloseReason::by_server) == 1);
    CHECK(db->connections() == 0);
    co_await one.borrow();
    CHECK(one.outcome.fresh);
  };
  SECTION("it closes them") {
    thread.run(play([&] { ::shutdown(server.peer(0).descriptor(), SHUT_RDWR); }));
  }
  SECTION("it says why, and stays") {
    thread.run(play([&] { server.peer(0).say(err_payload(4031, "HY000", "timeout"), 0); }));
  }
}

TEST_CASE("connections that are not kept", "[lending]") {
  OpenServer server;
  Site site;
  const auto db = site.add(server.endpoint(), 0);
  LendingConfig lending;
  CloseReason why{};
  std::chrono::milliseconds wait{0};
  SECTION("used often enough") {
    lending.max_uses = 1;
    why = CloseReason::uses;
  }
  SECTION("old") {
    lending.max_lifetime = 1ms;
    wait = 200ms;
    why = CloseReason::lifetime;
  }
  SECTION("old while idle") {
    lending.max_lifetime = 500ms;
    wait = 0ms;
    why = CloseReason::lifetime;
  }
  SECTION("not needed") {
    lending.idle_timeout = 500ms;
    why = CloseReason::idle;
  }
  const auto pool = site.make_pool(lending);
  Thread thread(site);
  Client one(thread, pool);
  const auto play = [&]() -> Task<void> {
    co_await one.borrow();
    if (wait.count() != 0) co_await one.sleep(wait);
    one.give_back();
    for (int i = 0; i < 50 && thread.lender.figures().idle != 0; ++i) co_await one.sleep(100ms);
  };
  thread.run(play());
  CHECK(closed(thread.lender, why) == 1);
  CHECK(db->connections() == 0);
  CHECK(server.peer(0).text() == "\x01");
}

TEST_CASE("connections are kept ready", "[lending]") {
  OpenServer server;
  Site site;
  const auto db = site.add(server.endpoint(), 0);
  LendingConfig lending;
  lending.min_idle = 3;
  const auto pool = site.make_pool(lending);
  Thread thread(site, 0, 2);
  Client one(thread, pool);
  const auto play = [&]() -> Task<void> {
    co_await one.borrow();
    for (int i = 0; i < 50 && thread.lender.figures().idle != 2; ++i) co_await one.sleep(100ms);
    // Two of the three, since there are two threads.
    CHECK(thread.lender.figures().idle == 2);
    CHECK(server.visits() == 3);
    one.give_back();
    thread.lender.drain();
    CHECK(thread.lender.figures().idle == 0);
    CHECK(db->connections() == 0);
  };
  thread.run(play());
  CHECK(closed(thread.lender, CloseReason::draining) == 3);
}

TEST_CASE("a server that a reload takes away", "[lending]") {
  OpenServer server;
  Site site;
  const auto db = site.add(server.endpoint(), 1);
  const auto pool = site.make_pool();
  Thread thread(site);
  Client one(thread, pool);
  Client two(thread, pool);
  const auto play = [&]() -> Task<void> {
    co_await one.borrow();
    REQUIRE(one.outcome.connection);
    thread.loop.post([&] {
      site.services.set_topology(
          std::make_shared<const Topology>(Config{}, nullptr, nullptr, site.log));
      thread.lender.reconsider();
    });
    co_await two.borrow();
    CHECK_THAT(two.err(), Contains("db1 is not to be used any more"));
    one.give_back();
  };
  thread.run(play());
  CHECK(closed(thread.lender, CloseReason::server_left) == 1);
  CHECK(thread.lender.figures().refused[static_cast<std::size_t>(lending::Refusal::server_gone)] >=
        1);
}
