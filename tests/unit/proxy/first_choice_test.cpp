#include "proxy/pool/first_choice.hpp"

#include "proxy/pool/pool.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <memory>
#include <string_view>

using namespace mysqlproxy;

namespace {

/// The one chosen while servers are up ('+') and down ('-'); -1: none.
int choose(FirstChoice& choice, std::string_view states, bool failback) {
  std::array<bool, 8> up{};
  for (std::size_t i = 0; i < states.size(); ++i) up[i] = states[i] == '+';
  const auto chosen = choice.choose(std::span(up).first(states.size()), failback);
  return chosen ? static_cast<int>(*chosen) : -1;
}

}  // namespace

TEST_CASE("A, then B, back to A", "[pool]") {
  FirstChoice choice;
  CHECK(choose(choice, "++", true) == 0);
  CHECK(choose(choice, "-+", true) == 1);
  CHECK(choose(choice, "++", true) == 0);
}

TEST_CASE("without failback B stays until it fails or somebody says so", "[pool]") {
  FirstChoice choice;
  CHECK(choose(choice, "+++", false) == 0);
  CHECK(choose(choice, "-++", false) == 1);
  CHECK(choose(choice, "+++", false) == 1);
  CHECK(choose(choice, "---", false) == -1);
  CHECK(choose(choice, "-++", false) == 1);
  CHECK(choose(choice, "+-+", false) == 0);
  CHECK(choose(choice, "--+", false) == 2);
  choice.use(0);
  CHECK(choose(choice, "+++", false) == 0);
}

TEST_CASE("a reload keeps the one that is used", "[pool]") {
  FirstChoice choice;
  CHECK(choose(choice, "-++", false) == 1);
  const std::array<std::optional<std::size_t>, 3> places{std::nullopt, 0, 1};
  FirstChoice moved = choice.moved(places);
  CHECK(choose(moved, "+++", false) == 2);
  const std::array<std::optional<std::size_t>, 1> without{0};
  moved = choice.moved(without);
  CHECK(choose(moved, "+", false) == 0);
}

TEST_CASE("a pool keeps to its server, and goes back when it is told to", "[pool]") {
  LogConfig quiet;
  quiet.access.clear();
  quiet.level = LogLevel::error;
  Log log(quiet);
  PoolConfig config;
  config.balance = Balance::first_available;
  config.failback = false;
  std::vector<std::shared_ptr<Server>> servers;
  for (const char* name : {"a", "b"}) {
    ServerConfig server;
    server.name = name;
    server.address.host = name;
    servers.push_back(std::make_shared<Server>(server, log));
    servers.back()->reached();
  }
  Pool pool(config, servers);
  const auto first = [&] { return pool.candidates().front()->name(); };
  CHECK(first() == "a");
  servers[0]->unreachable("gone");
  CHECK(first() == "b");
  servers[0]->reached();
  CHECK(first() == "b");
  const Pool reloaded(config, servers, &pool);
  CHECK(const_cast<Pool&>(reloaded).candidates().front()->name() == "b");
  CHECK(pool.fail_back() == servers[0]);
  CHECK(first() == "a");
}

TEST_CASE("nobody gets a primary that is being moved", "[pool][move]") {
  LogConfig quiet;
  quiet.access.clear();
  quiet.level = LogLevel::error;
  Log log(quiet);
  PoolConfig config;
  config.role = PoolRole::primary;
  std::vector<std::shared_ptr<Server>> servers;
  for (const char* name : {"a", "b"}) {
    ServerConfig server;
    server.name = name;
    server.address.host = name;
    servers.push_back(std::make_shared<Server>(server, log));
    servers.back()->reached();
  }
  servers[0]->set_standing({.writable = true});
  servers[1]->set_standing({.writable = false});
  Pool pool(config, servers);
  CHECK(pool.primary() == servers[0]);
  Pool reloaded(config, servers, &pool);
  pool.brake()->held = true;
  for (Pool* one : {&pool, &reloaded}) {
    CHECK(one->primary() == nullptr);
    CHECK(one->candidates().empty());
    CHECK(one->last_primary() == servers[0]);
    CHECK(one->has_left(*servers[0]));
  }
  {
    Straggler straggler = reloaded.straggle();
    CHECK(pool.brake()->stragglers == 1);
    Straggler moved = std::move(straggler);
    CHECK(pool.brake()->stragglers == 1);
  }
  CHECK(pool.brake()->stragglers == 0);
  // A check that was on its way says what is no more.
  const auto asked = Server::Clock::now();
  servers[0]->fix_standing({.writable = false});
  servers[1]->fix_standing({.writable = true});
  CHECK_FALSE(servers[0]->set_standing({.writable = true}, RiseFall(), RiseFall(), asked));
  pool.brake()->held = false;
  CHECK(pool.primary() == servers[1]);
  CHECK_FALSE(pool.fenced(*servers[0]));
}
