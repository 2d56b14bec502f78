#include "proxy/config/load.hpp"

#include <catch2/catch.hpp>

using namespace mysqlproxy;
using Catch::Matchers::Contains;

namespace {

const std::string hash = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19";

SimpleSetup good() { return {{"127.0.0.1:6446"}, {"db1:3306"}, {"app:" + hash}}; }

std::string errors_of(const SimpleSetup& setup) {
  const auto result = load_simple(setup);
  CHECK_FALSE(result.config);
  std::string text;
  for (const auto& problem : result.errors) text += to_string(problem) + "\n";
  return text;
}

}  // namespace

TEST_CASE("flags make one pool of all servers for all users") {
  const auto result = load_simple({{"127.0.0.1:6446", "unix:/run/p.sock"},
                                   {"db1:3306", "[::1]:3307,weight=5"},
                                   {"app:" + hash, "a:b:" + hash.substr(1)}});
  REQUIRE(result.config);
  CHECK(result.errors.empty());
  const Config& config = *result.config;
  CHECK(config.proxy == ProxySettings{});
  REQUIRE(config.listeners.size() == 1);
  CHECK(config.listeners[0].name == "main");
  REQUIRE(config.listeners[0].bind.size() == 2);
  CHECK(to_string(config.listeners[0].bind[1]) == "unix:/run/p.sock");
  REQUIRE(config.servers.size() == 2);
  CHECK(config.servers[0].name == "server1");
  CHECK(config.servers[0].weight == 1);
  CHECK(config.servers[1].name == "server2");
  CHECK(config.servers[1].weight == 5);
  CHECK(to_string(config.servers[1].address) == "[::1]:3307");
  REQUIRE(config.pools.size() == 1);
  CHECK(config.pools[0].servers == std::vector<std::string>{"server1", "server2"});
  REQUIRE(config.users.size() == 2);
  CHECK(config.users[0].name == "app");
  CHECK(config.users[1].name == "a:b");
  CHECK(config.users[1].pool == "main");
  CHECK(mysqlwire::crypto::format_native_hash(*config.users[1].hashes.native) == hash);
}

TEST_CASE("every bad flag is reported") {
  SimpleSetup setup = good();
  setup.listen = {"6446", "127.0.0.1:1", "127.0.0.1:1"};
  setup.server = {"db1",           "db1:0",       "db1:1,weight=0", "db1:1,weight=2x",
                  "db1:1,weight=", "db1:1,wait=3"};
  setup.user = {"app", "app:1234567890abcdef", ":" + hash, "x:" + hash, "x:" + hash, "y:secret"};
  const std::string text = errors_of(setup);
  CHECK_THAT(text, Contains("--listen: expected an address such as \"127.0.0.1:6446\", found "
                            "\"6446\""));
  CHECK_THAT(text, Contains("--listen: \"127.0.0.1:1\" is taken by --listen 127.0.0.1:1\n"));
  CHECK_THAT(text, Contains("found \"db1\""));
  CHECK_THAT(text, Contains("a server's port is not 0: \"db1:0\"\n"));
  CHECK_THAT(text, Contains("expected a weight from 1 to 1000, found \"0\"\n"));
  CHECK_THAT(text, Contains("found \"2x\"\n") && Contains("found \"\"\n"));
  CHECK_THAT(text, Contains("found \"db1:1,wait=3\""));
  CHECK_THAT(text, Contains("--user: expected NAME:HASH, found no colon\n"));
  CHECK_THAT(text, Contains("--user: \"app\": can't be used: pre-4.1"));
  CHECK_THAT(text, Contains("--user: a user's name is not empty\n"));
  CHECK_THAT(text, Contains("--user: \"x\" is given twice\n"));
  CHECK_THAT(text, Contains("\"y\": no hash of a known form") && !Contains("secret"));
}

TEST_CASE("without one of the flags there is nothing to do") {
  SimpleSetup setup = good();
  setup.listen.clear();
  CHECK(errors_of(setup) == "--listen: is missing: the proxy would listen nowhere\n");
  setup = good();
  setup.server.clear();
  CHECK(errors_of(setup) == "--server: is missing: there is nothing to connect to\n");
  setup = good();
  setup.user.clear();
  CHECK(errors_of(setup) == "--user: is missing: nobody could log in\n");
}
