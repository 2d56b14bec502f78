#include "proxy/health/move_plan.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <random>

using namespace mysqlproxy;
using Catch::Contains;

namespace {

Progress at(std::uint64_t number) { return *Progress::mariadb("0-1-" + std::to_string(number)); }

Candidate primary(std::uint64_t number) {
  Candidate one;
  one.name = "one";
  one.host = "10.0.0.1";
  one.port = 3306;
  one.writable = one.gtid = one.binary_log = true;
  one.has = one.received = at(number);
  return one;
}

Candidate replica(const char* name, std::uint64_t applied, std::uint64_t received) {
  Candidate one = primary(applied);
  one.name = name;
  one.writable = false;
  one.sources = 1;
  one.receiver_runs = one.receiving = one.applying = true;
  one.lag = std::chrono::seconds(1);
  one.received = at(received);
  return one;
}

Candidate gone(Candidate one) {
  one.trouble = "Connection refused";
  return one;
}

Candidate cut_off(Candidate one) {
  one.receiving = false;
  one.lag.reset();
  return one;
}

const MoveWishes with_user{.replication_user = true};

}  // namespace

TEST_CASE("the replica that has most becomes the primary, the others follow", "[health][move]") {
  std::vector<Candidate> servers{primary(9), replica("two", 5, 7), replica("three", 6, 8)};
  const MovePlan plan = plan_switchover(servers, 0, with_user);
  REQUIRE(plan.good());
  CHECK(plan.to == 2);
  CHECK(plan.others == std::vector<std::size_t>{1});
  CHECK(plan.demote);
  CHECK(plan.warnings.empty());
  CHECK(describe(plan, servers) ==
        std::vector<std::string>{"hold new writes back", "let open transactions on one end",
                                 "make one read-only", "wait until three has everything of one",
                                 "make three the primary", "let writes go on",
                                 "make two a replica of three", "make one a replica of three"});
  // Of equals the first; and whom an operator wants, when nobody has more.
  servers[1].received = at(8);
  CHECK(plan_switchover(servers, 0, with_user).to == 1);
  MoveWishes wishes = with_user;
  wishes.to = 2;
  CHECK(plan_switchover(servers, 0, wishes).to == 2);
}

TEST_CASE("a planned move is refused for a reason", "[health][move]") {
  std::vector<Candidate> servers{primary(9), replica("two", 9, 9)};
  MoveWishes wishes = with_user;
  std::optional<std::size_t> from = 0;
  std::string reason;
  SECTION("") { from.reset(), reason = "no primary"; }
  SECTION("") { wishes.to = 0, reason = "one is the primary already"; }
  SECTION("") { servers[0] = gone(servers[0]), reason = "one: Connection refused"; }
  SECTION("") { servers[0].writable = false, reason = "one is read-only"; }
  SECTION("") { servers[0].gtid = false, reason = "one does not use GTIDs"; }
  SECTION("") { servers[0].missing = {"SUPER"}, reason = "lacks SUPER"; }
  SECTION("") { servers.pop_back(), reason = "there is no other"; }
  SECTION("") { servers[1] = gone(servers[1]), reason = "two: Connection refused"; }
  SECTION("") { servers[1].writable = true, reason = "two: it can be written to already"; }
  SECTION("") { servers[1].sources = 0, reason = "two: it is no replica"; }
  SECTION("") { servers[1].sources = 2, reason = "several servers"; }
  SECTION("") { servers[1].named_source = true, reason = "with a name"; }
  SECTION("") { servers[1].gtid = false, reason = "not replicate by GTID"; }
  SECTION("") { servers[1].binary_log = false, reason = "binary log"; }
  SECTION("") { servers[1].port = 0, reason = "replication_address"; }
  SECTION("") { servers[1].missing = {"SUPER", "RELOAD"}, reason = "lacks SUPER, RELOAD"; }
  SECTION("") { servers[1] = cut_off(servers[1]), reason = "does not replicate just now"; }
  SECTION("") { servers[1].applying = false, reason = "does not replicate just now"; }
  SECTION("") { servers[1].lag = std::chrono::seconds(11), reason = "11 s behind, and 10 s"; }
  CHECK_THAT(plan_switchover(servers, from, wishes).refusal, Contains(reason));
}

TEST_CASE("what is left as it is, is said", "[health][move]") {
  std::vector<Candidate> servers{primary(9), replica("two", 9, 9), gone(replica("three", 0, 0))};
  const MovePlan plan = plan_switchover(servers, 0, {});
  REQUIRE(plan.good());
  CHECK(plan.others.empty());
  CHECK_FALSE(plan.demote);
  REQUIRE(plan.warnings.size() == 2);
  CHECK_THAT(plan.warnings[0], Contains("three is left as it is: Connection refused"));
  CHECK_THAT(plan.warnings[1], Contains("one does not become a replica"));
}

TEST_CASE("a lost primary is replaced by the replica that has most", "[health][move]") {
  std::vector<Candidate> servers{gone(primary(0)), cut_off(replica("two", 7, 7)),
                                 cut_off(replica("three", 5, 8))};
  const MovePlan plan = plan_failover(servers, 0, with_user, false);
  REQUIRE(plan.good());
  CHECK(plan.to == 2);
  CHECK(describe(plan, servers) ==
        std::vector<std::string>{"hold new writes back", "have the replicas receive nothing more",
                                 "wait until three has applied everything that it has received",
                                 "make three the primary", "let writes go on",
                                 "make two a replica of three",
                                 "make one a replica of three, read-only, when it is back"});
}

TEST_CASE("a failover is refused while there is doubt", "[health][move]") {
  std::vector<Candidate> servers{gone(primary(0)), cut_off(replica("two", 7, 7)),
                                 cut_off(replica("three", 7, 7)), cut_off(replica("four", 7, 7))};
  bool forced = false;
  std::string reason;
  SECTION("") { servers[0].trouble.clear(), reason = "one answers"; }
  SECTION("") { servers[1].writable = true, reason = "two can be written to"; }
  SECTION("") { servers[3].receiving = true, reason = "four is still connected"; }
  SECTION("") {
    servers[1] = gone(servers[1]), servers[2] = gone(servers[2]);
    reason = "only 1 of 3 replicas";
  }
  SECTION("") {
    servers[1].received = *Progress::mariadb("0-2-7");
    reason = "has transactions that two lacks";
  }
  SECTION("nobody could keep it from receiving more") {
    servers[3].missing = {"REPLICATION_SLAVE_ADMIN"};
    reason = "four: the account of the health check lacks REPLICATION_SLAVE_ADMIN";
  }
  SECTION("an operator's word is not enough for that") {
    forced = true;
    servers[0].trouble.clear(), reason = "one answers";
  }
  CHECK_THAT(plan_failover(servers, 0, {}, forced).refusal, Contains(reason));
}

TEST_CASE("what a replica would throw away is not lost by its promotion", "[health][move]") {
  std::vector<Candidate> servers{gone(primary(0)), cut_off(replica("two", 6, 8)),
                                 cut_off(replica("three", 7, 7))};
  Candidate& two = servers[1];
  two.flavor = mysqlwire::Flavor::mariadb;
  two.applying = false;
  // As long as its receiver runs the applier can be started.
  CHECK_FALSE(two.forgets());
  CHECK(plan_failover(servers, 0, {}, true).to == 1);
  two.receiver_runs = false;
  CHECK(two.forgets());
  CHECK_THAT(plan_failover(servers, 0, {}, true).refusal,
             Contains("two has transactions that three lacks"));
  servers.pop_back();
  CHECK_THAT(servers[1].name + plan_failover(servers, 0, {}, true).refusal,
             Contains("throws away what it has received"));
  // With nothing to lose, and with MySQL, it can.
  servers[1].has = at(8);
  CHECK(plan_failover(servers, 0, {}, true).good());
  servers[1].has = at(6);
  servers[1].flavor = mysqlwire::Flavor::mysql;
  CHECK(plan_failover(servers, 0, {}, true).good());
}

TEST_CASE("what is received while nobody is connected says that the primary is back",
          "[health][move]") {
  const std::vector<Candidate> before{gone(primary(9)), cut_off(replica("two", 7, 7)),
                                      cut_off(replica("three", 5, 7)), gone(replica("four", 7, 7))};
  std::vector<Candidate> after = before;
  CHECK(sign_of_life(before, after, 0).empty());
  // To apply what is there is nothing new.
  after[2].has = at(7);
  CHECK(sign_of_life(before, after, 0).empty());
  after[2].received = at(8);
  CHECK_THAT(sign_of_life(before, after, 0), Contains("three has just received something"));
  // Of one that could not be asked nothing is known.
  after[2] = gone(after[2]);
  after[3].trouble.clear();
  after[3].received = at(9);
  CHECK(sign_of_life(before, after, 0).empty());
}

TEST_CASE("an operator may promote with fewer replicas", "[health][move]") {
  const std::vector<Candidate> servers{gone(primary(0)), gone(replica("two", 0, 0)),
                                       replica("three", 7, 7), gone(replica("four", 0, 0))};
  MoveWishes wishes;
  wishes.to = 2;
  CHECK(plan_failover(servers, 0, wishes, true).to == 2);
  CHECK(plan_failover(servers, 0, wishes, true).good());
  CHECK(plan_failover(servers, std::nullopt, wishes, true).good());
}

TEST_CASE("checks have a quorum", "[health][move]") {
  const auto act = [](FailoverSight sight) { return judge(sight).act; };
  CHECK(act({.primary_down = true, .replicas = 1, .reachable = 1}));
  CHECK(act({.primary_down = true, .replicas = 2, .reachable = 1}));
  CHECK_FALSE(act({.primary_down = true, .replicas = 3, .reachable = 1}));
  CHECK_FALSE(act({.primary_down = true, .replicas = 0, .reachable = 0}));
  CHECK_FALSE(act({.primary_down = true, .replicas = 2, .reachable = 0}));
  CHECK_FALSE(act({.primary_down = true, .replicas = 2, .reachable = 2, .receiving = 1}));
  CHECK_FALSE(act({.primary_down = true, .another = true, .replicas = 2, .reachable = 2}));
  CHECK_FALSE(act({.primary_down = false, .replicas = 2, .reachable = 2}));
  CHECK(judge({.primary_down = false, .replicas = 2}).waits_for.empty());
  CHECK_THAT(judge({.primary_down = true, .replicas = 2, .reachable = 2, .receiving = 1}).waits_for,
             Contains("1 of 2 replicas still have a connection"));
}

TEST_CASE("whoever is promoted lacks nothing that a follower has", "[health][move]") {
  std::mt19937 dice(20261121);
  int moves = 0;
  for (int run = 0; run < 3000; ++run) {
    const bool lost = dice() % 2 == 0;
    std::vector<Candidate> servers{primary(10)};
    if (lost) servers[0] = gone(servers[0]);
    const std::size_t count = 1 + dice() % 4;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t applied = 1 + dice() % 6;
      Candidate one = replica(std::to_string(i).c_str(), applied, applied + dice() % 3);
      // Now and then one has written something of its own.
      if (dice() % 12 == 0) one.received = *Progress::mariadb("0-2-" + std::to_string(applied));
      if (lost) one = cut_off(one);
      if (dice() % 6 == 0) one.writable = true;
      if (dice() % 6 == 0) one = gone(one);
      if (dice() % 6 == 0) one.binary_log = false;
      servers.push_back(one);
    }
    const MovePlan plan =
        lost ? plan_failover(servers, 0, {}, false) : plan_switchover(servers, 0, {});
    if (!plan.good()) continue;
    ++moves;
    const Candidate& chosen = servers[plan.to];
    REQUIRE(plan.to != 0);
    REQUIRE(chosen.asked());
    REQUIRE_FALSE(chosen.writable);
    REQUIRE(chosen.binary_log);
    for (const std::size_t other : plan.others) {
      REQUIRE(other != plan.to);
      if (lost) REQUIRE(chosen.received.has(servers[other].received));
    }
    for (std::size_t i = 1; lost && i < servers.size(); ++i)
      REQUIRE_FALSE((servers[i].asked() && servers[i].writable));
  }
  CHECK(moves > 500);
}
