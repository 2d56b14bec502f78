#include "proxy/config/load.hpp"

#include "unit/proxy/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

using namespace mysqlproxy;
namespace fs = std::filesystem;

// Each case is NAME.toml and NAME.expected, what loading it says: the problems, one a line, then
// (valid) the effective configuration with its hashes. With UPDATE_EXPECTED set the .expected files
// are written anew: look at the difference.

namespace {

std::vector<fs::path> cases(const char* kind) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(fs::path(MYSQLWIRE_CONFIG_CASES) / kind)) {
    if (entry.path().extension() == ".toml") found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

std::string expectation(fs::path path, const std::string& actual) {
  path.replace_extension(".expected");
  if (std::getenv("UPDATE_EXPECTED") != nullptr) std::ofstream(path) << actual;
  return test::read_file(path.string());
}

LoadResult load_case(const fs::path& path) {
  return load_text(test::read_file(path.string()), path.filename().string());
}

std::string problems(const LoadResult& result) {
  std::string text;
  for (const auto& problem : result.warnings) text += "warning: " + to_string(problem) + "\n";
  for (const auto& problem : result.errors) text += "error: " + to_string(problem) + "\n";
  return text;
}

}  // namespace

TEST_CASE("valid configurations mean what is expected") {
  const auto all = cases("valid");
  REQUIRE(all.size() >= 3);
  for (const auto& path : all) {
    INFO(path);
    const auto result = load_case(path);
    CHECK(result.errors.empty());
    REQUIRE(result.config);
    const std::string actual = problems(result) + to_toml(*result.config, true);
    CHECK(actual == expectation(path, actual));
  }
}

TEST_CASE("what is printed loads to the same configuration") {
  for (const auto& path : cases("valid")) {
    INFO(path);
    const auto first = load_case(path);
    REQUIRE(first.config);
    const auto second = load_text(to_toml(*first.config, true), "printed.toml");
    CHECK(second.errors.empty());
    REQUIRE(second.config);
    CHECK(second.config->proxy == first.config->proxy);
    CHECK(second.config->listeners == first.config->listeners);
    CHECK(second.config->servers == first.config->servers);
    CHECK(second.config->pools == first.config->pools);
    CHECK(second.config->users == first.config->users);
    const HealthConfig& again = second.config->health;
    CHECK(again.all == first.config->health.all);
    CHECK(again.reachable == first.config->health.reachable);
    CHECK(again.read_only == first.config->health.read_only);
    CHECK(again.replication == first.config->health.replication);
    CHECK(again.threads == first.config->health.threads);
    CHECK(second.config->health.user == first.config->health.user);
    CHECK(second.config->log == first.config->log);
  }
}

TEST_CASE("bad configurations: every fault, with its place and what was meant") {
  const auto all = cases("invalid");
  REQUIRE(all.size() >= 13);
  for (const auto& path : all) {
    INFO(path);
    const auto result = load_case(path);
    CHECK_FALSE(result.config);
    CHECK_FALSE(result.errors.empty());
    CHECK(problems(result) == expectation(path, problems(result)));
    for (const auto& problem : result.errors) {
      const std::string line = to_string(problem);
      CHECK(std::ranges::none_of(line, [](unsigned char c) { return c < ' ' || c == 0x7F; }));
    }
  }
}

TEST_CASE("any beginning of a file is either good or said to be bad") {
  const std::string text =
      test::read_file((fs::path(MYSQLWIRE_CONFIG_CASES) / "valid" / "full.toml").string());
  for (std::size_t size = 0; size <= text.size(); size += 7) {
    const auto result = load_text(std::string_view(text).substr(0, size), "cut.toml");
    CHECK(result.config.has_value() == result.errors.empty());
  }
}

TEST_CASE("control bytes do not get into messages, not by what the parser says either") {
  const auto result = load_text("a = fa\x0fse\n", "x.toml");
  REQUIRE(result.errors.size() == 1);
  CHECK(result.errors[0].text.ends_with("saw 'fa\\x0f'"));
}

TEST_CASE("names are looked up as they stand") {
  const auto result = load_case(fs::path(MYSQLWIRE_CONFIG_CASES) / "valid" / "forms.toml");
  REQUIRE(result.config);
  const Config& config = *result.config;
  REQUIRE(config.find_user("APP") != nullptr);
  CHECK(config.find_user("APP") != config.find_user("app"));
  CHECK(config.find_user("App") == nullptr);
  CHECK(config.find_user("") == nullptr);
  REQUIRE(config.find_server("z") != nullptr);
  CHECK(config.find_server("z")->address.host == "2001:db8::1");
  REQUIRE(config.find_pool("main") != nullptr);
  CHECK(config.find_pool("main")->servers.front() == "z");
}

TEST_CASE("the health check's password comes from its file") {
  const test::TemporaryFolder folder;
  const std::string base =
      test::read_file((fs::path(MYSQLWIRE_CONFIG_CASES) / "valid" / "minimal.toml").string());
  test::write_file(folder / "pw", "monitor's\n");
  fs::permissions(folder / "pw", fs::perms(0660));
  test::write_file(folder / "proxy.toml",
                   base + "[health]\nuser = \"monitor\"\npassword_file = \"pw\"\n");
  const auto result = load_file(folder / "proxy.toml");
  REQUIRE(result.config);
  CHECK(mysqlwire::as_text(result.config->health.password.bytes()) == "monitor's");
  CHECK(result.config->health.password_file == "pw");
  REQUIRE(result.warnings.size() == 1);
  CHECK(result.warnings.front().where == folder / "proxy.toml" + ":13:17");
  CHECK(to_toml(*result.config).find("monitor's") == std::string::npos);

  // What everybody can read is no secret.
  fs::permissions(folder / "pw", fs::perms(0644));
  const auto refused = load_file(folder / "proxy.toml");
  REQUIRE(refused.errors.size() == 1);
  CHECK(refused.errors.front().text.find("everybody on this machine can read") !=
        std::string::npos);
  fs::permissions(folder / "pw", fs::perms(0640));
  CHECK(load_file(folder / "proxy.toml").config);
  CHECK(load_file(folder / "proxy.toml").warnings.empty());
}

TEST_CASE("users stand in a file of their own") {
  const test::TemporaryFolder folder;
  const std::string head =
      "[proxy]\nusers_file = \"users.toml\"\n[listen.main]\nbind = \"127.0.0.1:6446\"\n"
      "[server.db1]\naddress = \"127.0.0.1:3306\"\n[pool.main]\nservers = [\"db1\"]\n";
  const std::string hash = "hash = \"*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19\"\n";
  const std::string users = folder / "users.toml";
  const auto load = [&](const std::string& text, const std::string& more = {}) {
    test::write_file(users, text);
    fs::permissions(users, fs::perms(0600));
    test::write_file(folder / "proxy.toml", head + more);
    return load_file(folder / "proxy.toml");
  };
  SECTION("beside those of the configuration") {
    const auto result =
        load("[user.b]\npool = \"main\"\n" + hash, "[user.a]\npool = \"main\"\n" + hash);
    CHECK(problems(result) == "");
    REQUIRE(result.config);
    CHECK(result.config->find_user("a") != nullptr);
    CHECK(result.config->find_user("b") != nullptr);
  }
  SECTION("it may be empty, for now") { CHECK(load("").config); }
  SECTION("whole or not at all") {
    const auto result = load("[user.b]\npool = \"man\"\n" + hash + "[user.a]\npool = \"main\"\n" +
                                 hash + "[server.db2]\naddress = \"x:1\"\n",
                             "[user.a]\npool = \"main\"\n" + hash);
    CHECK_FALSE(result.config);
    CHECK(problems(result) ==
          "error: " + users +
              ":2:8: user.b.pool: there is no pool \"man\"; did you mean \"main\"?\n" +
              "error: " + users + ":4:7: user.a: the configuration has this user already\n" +
              "error: " + users + ":7:2: unknown key server; known here: user\n");
  }
  SECTION("what is no TOML is said with its place") {
    const auto result = load("[user.b\n");
    REQUIRE(result.errors.size() == 1);
    CHECK_THAT(result.errors[0].where, Catch::StartsWith(users + ":1:"));
  }
  SECTION("missing") {
    load("");
    fs::remove(users);
    const auto result = load_file(folder / "proxy.toml");
    REQUIRE(result.errors.size() == 1);
    CHECK(result.errors[0].where == users);
  }
  SECTION("nobody else is to write or read it") {
    load("[user.a]\npool = \"main\"\n" + hash);
    for (const unsigned mode : {0644U, 0620U, 0602U, 0604U}) {
      fs::permissions(users, fs::perms(mode));
      const auto result = load_file(folder / "proxy.toml");
      CHECK(result.config);
      REQUIRE(result.warnings.size() == 1);
      CHECK(result.warnings[0].where == users);
    }
    fs::permissions(users, fs::perms(0640));
    CHECK(load_file(folder / "proxy.toml").warnings.empty());
  }
}

TEST_CASE("an account on the servers has its own secret") {
  const test::TemporaryFolder folder;
  const std::string base =
      test::read_file((fs::path(MYSQLWIRE_CONFIG_CASES) / "valid" / "minimal.toml").string());
  const auto load = [&](const std::string& secret, const std::string& more = {}) {
    test::write_file(folder / "secret", secret);
    fs::permissions(folder / "secret", fs::perms(0600));
    test::write_file(folder / "proxy.toml", base +
                                                "server_user = \"rw\"\nserver_secret_file = "
                                                "\"secret\"\n" +
                                                more);
    return load_file(folder / "proxy.toml");
  };
  const auto good = load("sha1:5ebe2294ecd0e0f08eab7690d2a6ee695ebe2294\n");
  CHECK(problems(good) == "");
  REQUIRE(good.config);
  const auto& server = good.config->users.front().server;
  CHECK(server.user == "rw");
  REQUIRE(server.secret);
  CHECK(server.secret->sha1);
  CHECK_FALSE(server.secret->clear);
  CHECK(to_toml(*good.config).find("5ebe") == std::string::npos);
  CHECK_FALSE(load("*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19\n").config);
  const auto clear = load("what\n");
  REQUIRE(clear.errors.size() == 1);
  CHECK(clear.errors[0].text.find("what") == std::string::npos);
}

TEST_CASE("what is defined and never used is a warning") {
  const std::string base =
      test::read_file((fs::path(MYSQLWIRE_CONFIG_CASES) / "valid" / "minimal.toml").string());
  const auto result = load_text(base +
                                    "[server.db2]\naddress = \"127.0.0.1:3306\"\n"
                                    "[pool.spare]\nservers = [\"db1\"]\n",
                                "p.toml");
  REQUIRE(result.config);
  CHECK(problems(result) ==
        "warning: p.toml:11:9: server.db2 is in no pool\n"
        "warning: p.toml:12:11: server.db2 has the address of server.db1: 127.0.0.1:3306\n"
        "warning: p.toml:13:7: pool.spare has no user\n");
}
