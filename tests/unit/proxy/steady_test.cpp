#include "proxy/pool/steady.hpp"

#include "proxy/pool/server.hpp"
#include "proxy/pool/standing.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string_view>

using namespace mysqlproxy;
using Catch::Contains;

namespace {

/// What the value is after each of the observations: '+' yes, '-' no.
std::string values(std::string_view seen, RiseFall needs) {
  Steady steady;
  std::string text;
  for (const char one : seen) {
    steady.take(one == '+', needs);
    text += *steady.value() ? '+' : '-';
  }
  return text;
}

LogConfig quiet() {
  LogConfig config;
  config.access.clear();
  config.level = LogLevel::error;
  return config;
}

}  // namespace

TEST_CASE("a value changes when it was seen so often in a row", "[health]") {
  CHECK(values("+-+-", {}) == "+-+-");
  CHECK(values("+--+---+", {.rise = 1, .fall = 3}) == "++++++-+");
  CHECK(values("-++-+++-", {.rise = 3, .fall = 1}) == "------+-");
  // Nothing speaks against the first one.
  CHECK(values("--", {.rise = 3, .fall = 3}) == "--");
  CHECK_FALSE(Steady().value());
}

TEST_CASE("whatever is seen, a value stands until the last ones all say otherwise", "[health]") {
  std::mt19937 dice(1118);
  for (int run = 0; run < 200; ++run) {
    const RiseFall needs{1 + static_cast<std::uint32_t>(dice() % 4),
                         1 + static_cast<std::uint32_t>(dice() % 4)};
    Steady steady;
    std::string history;
    for (int step = 0; step < 50; ++step) {
      const auto before = steady.value();
      const bool seen = dice() % 2 == 0;
      history += seen ? '+' : '-';
      const bool changed = steady.take(seen, needs);
      REQUIRE(changed == (steady.value() != before));
      if (!before) continue;
      const std::size_t wanted = *before ? needs.fall : needs.rise;
      const auto kept = history.find_last_of(*before ? '+' : '-');
      const std::size_t against = history.size() - 1 - (kept == history.npos ? -1 : kept);
      REQUIRE(changed == (against >= wanted));
      if (changed) history.assign(1, seen ? '+' : '-');
    }
  }
}

TEST_CASE("a server is down after so many failures in a row, of checks and sessions", "[health]") {
  Log log(quiet());
  Server server({}, log);
  server.set_needs({.rise = 2, .fall = 3});
  server.reached();
  server.unreachable("gone", true);
  server.unreachable("gone");
  CHECK(server.reachability() == Reachability::up);
  server.reached();  // in a row it has to be
  server.unreachable("gone");
  server.unreachable("gone");
  CHECK(server.reachability() == Reachability::up);
  CHECK(server.worth_a_try(Server::Clock::now()));
  server.unreachable("gone", true);
  CHECK(server.reachability() == Reachability::down);
  CHECK_THAT(server.describe(), Contains(" down since "));
  // Sessions have seen most of it: that takes it out of use, and proves nobody dead.
  CHECK_FALSE(server.down_by_checks());
  server.unreachable("gone", true);
  server.unreachable("gone", true);
  CHECK(server.down_by_checks());
  server.reached();
  CHECK(server.reachability() == Reachability::down);
  CHECK_FALSE(server.down_by_checks());
  server.reached();
  CHECK(server.reachability() == Reachability::up);
}

TEST_CASE("each part of a standing has its own count", "[health]") {
  SteadyStanding steady;
  const RiseFall slow{.rise = 3, .fall = 2};
  const Standing primary{.writable = true};
  const Standing replica{.replicating = true, .receiving = true, .lag = std::chrono::seconds(1)};
  CHECK(steady.take(primary, slow, slow) == primary);
  Standing now = steady.take(replica, slow, slow);
  CHECK(now.writable);
  CHECK_FALSE(now.replicating);
  // What nobody looked at does not count.
  CHECK(steady.take(replica, std::nullopt, slow).writable);
  now = steady.take(replica, slow, slow);
  CHECK_FALSE(now.writable);
  CHECK(now.replicating);
  Standing lost = replica;
  lost.out_of_step = true;
  CHECK_FALSE(steady.take(lost, slow, slow).out_of_step);
  CHECK(steady.take(lost, slow, slow).out_of_step);
}

TEST_CASE("a server without room says so", "[health]") {
  Log log(quiet());
  Server server({}, log);
  CHECK_FALSE(server.full());
  const RiseFall needs{.rise = 1, .fall = 2};
  server.set_threads({.connected = 5, .running = 1, .most = 100}, needs);
  server.set_threads({.connected = 100, .running = 9, .most = 100}, needs);
  CHECK_FALSE(server.full());
  server.set_threads({.connected = 101, .running = 9, .most = 100}, needs);
  CHECK(server.full());
  CHECK(server.threads()->running == 9);
  server.set_threads({.connected = 99, .running = 9, .most = 100}, needs);
  CHECK_FALSE(server.full());
}
