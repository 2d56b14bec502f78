#include "proxy/user_command.hpp"

#include "proxy/config/user.hpp"
#include "unit/proxy/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace mysqlproxy;
using Catch::Contains;

namespace {

PasswordReader says(std::string password) {
  return [password = std::move(password)](const PasswordSource&, bool) {
    return PasswordInput{mysqlwire::crypto::SecretBytes(mysqlwire::as_bytes(password)), {}};
  };
}

CommandLineResult run(const std::vector<std::string>& arguments,
                      const PasswordReader& reader = says("secret")) {
  auto line = parse_user_command(arguments);
  if (!line.command) return line.result;
  auto result = run_user_command(*line.command, reader);
  CHECK_THAT(result.out + result.err, !Contains("secret"));
  return result;
}

int code(const CommandLineResult& result) { return static_cast<int>(result.exit); }

std::string refusal(const std::vector<std::string>& arguments) {
  const auto result = run(arguments);
  CHECK(code(result) == 2);
  CHECK(result.out.empty());
  return result.err;
}

}  // namespace

TEST_CASE("hash prints what is stored of a password", "[users]") {
  CHECK(run({"hash"}).out ==
        "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7\n"
        "3881219D087DD9C634373FD33DFA33A2CB6BFC6C520B64B8BB60EF2CEB534AE7\n");
  for (const char* plugin : {"mysql_native_password", "caching_sha2_password", "sha2",
                             "sha256_password", "ed25519", "parsec"}) {
    CAPTURE(plugin);
    auto result = run({"hash", "--plugin", plugin});
    CHECK(code(result) == 0);
    REQUIRE(result.out.ends_with('\n'));
    result.out.pop_back();
    StoredHashes hashes;
    CHECK(add_hash(result.out, hashes) == "");
    CHECK(mysqlwire::crypto::verify_password(mysqlwire::as_bytes("secret"), hashes));
    CHECK_FALSE(mysqlwire::crypto::verify_password(mysqlwire::as_bytes("Secret"), hashes));
  }
  CHECK(
      run({"hash", "--user", "jo.e", "--host", "10.%", "--plugin", "mysql_native_password"}).out ==
      "[user.\"jo.e\"]\npool = \"main\"\nhash = \"*14E65567ABDB5135D0CFD9A70B3032C179A49EE7\"\n"
      "host = \"10.%\"\n");
  const auto secret = run({"hash", "--server-secret"});
  CHECK(secret.out ==
        "sha1:e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4\n"
        "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\n");
  mysqlwire::crypto::PasswordSecret read;
  CHECK(read_server_secret(secret.out, read) == "");
}

TEST_CASE("add and check work on a users file", "[users]") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "users.toml";
  CHECK(code(run({"add", "jo", "--file", file})) == 0);
  CHECK(code(run({"check", "jo", "--file", file})) == 0);
  CHECK(code(run({"check", "jo", "--file", file}, says("Secret"))) == 1);
  CHECK(code(run({"check", "jo", "--file", file}, says(""))) == 1);
  CHECK_THAT(refusal({"check", "joe", "--file", file}), Contains("no user \"joe\""));
  CHECK_THAT(refusal({"add", "jo", "--file", file}), Contains("already"));
  CHECK(code(run({"add", "jo", "--file", file, "--replace"}, says("other"))) == 0);
  CHECK(code(run({"check", "jo", "--file", file})) == 1);
  CHECK(code(run({"check", "jo", "--file", file}, says("other"))) == 0);
}

TEST_CASE("check looks at every form, and at every host", "[users]") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "users.toml";
  test::write_file(
      file,
      "[user.two]\npool = \"main\"\nhash = [\"*14E65567ABDB5135D0CFD9A70B3032C179A49EE7\", "
      "\"ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY\"]\nlocked = true\n"
      "[user.hosts]\npool = \"main\"\nmysql_user = [\"CREATE USER hosts@'10.%' IDENTIFIED BY "
      "PASSWORD '*14E65567ABDB5135D0CFD9A70B3032C179A49EE7'\", \"CREATE USER hosts@'%' IDENTIFIED "
      "BY PASSWORD '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'\"]\n"
      "[user.through]\npool = \"main\"\npassthrough = true\n");
  const auto two = run({"check", "two", "--file", file});
  CHECK_THAT(two.out, Contains("mysql_native_password: right"));
  CHECK_THAT(two.out, Contains("ed25519: "));
  CHECK_THAT(two.err, Contains("locked"));
  const auto hosts = run({"check", "hosts", "--file", file});
  CHECK(code(hosts) == 1);
  CHECK_THAT(hosts.out, Contains("hosts@10.% mysql_native_password: right") &&
                            Contains("hosts@% mysql_native_password: wrong"));
  CHECK(code(run({"check", "hosts", "--file", file, "--host", "10.%"})) == 0);
  CHECK_THAT(refusal({"check", "hosts", "--file", file, "--host", "11.%"}), Contains("no user"));
  CHECK_THAT(refusal({"check", "through", "--file", file}), Contains("server decides"));
}

TEST_CASE("the configuration names the users file", "[users]") {
  const test::TemporaryFolder folder;
  const std::string config = folder / "proxy.toml";
  const std::string rest =
      "[listen.main]\nbind = \"127.0.0.1:6446\"\n[server.db1]\naddress = \"127.0.0.1:3306\"\n"
      "[pool.shop]\nservers = [\"db1\"]\n";
  test::write_file(config, "[proxy]\nusers_file = \"users.toml\"\n" + rest);
  CHECK_THAT(refusal({"add", "jo", "-c", config, "--pool", "shop"}), Contains("users.toml"));
  test::write_file(folder / "users.toml", "");
  CHECK_THAT(refusal({"add", "jo", "-c", config}), Contains("no pool \"main\""));
  CHECK(code(run({"add", "jo", "-c", config, "--pool", "shop"})) == 0);
  CHECK(code(run({"check", "jo", "-c", config})) == 0);
  test::write_file(config, rest + "[user.jo]\npool = \"shop\"\npassthrough = true\n");
  CHECK_THAT(refusal({"add", "jo", "-c", config, "--pool", "shop"}), Contains("no users_file"));
}

TEST_CASE("passwords do not belong on a command line", "[users]") {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"hash", "secret"},
                                                    {"hash", "-psecret"},
                                                    {"hash", "-p", "secret"},
                                                    {"hash", "--password", "secret"},
                                                    {"hash", "--password=secret"},
                                                    {"add", "jo", "secret", "--file", "x"}}) {
    CHECK_THAT(refusal(arguments),
               Contains("not given on the command line") && !Contains("secret"));
  }
}

TEST_CASE("wrong usage", "[users]") {
  CHECK_THAT(refusal({}), Contains("--help"));
  CHECK_THAT(refusal({"remove"}), Contains("--help"));
  CHECK_THAT(refusal({"hash", "--plugin", "sha3"}), Contains("expected one of"));
  CHECK_THAT(refusal({"hash", "--plugin", "sha2", "--plugin", "sha2"}), Contains("twice"));
  CHECK_THAT(refusal({"hash", "--pool", "main"}), Contains("go with --user"));
  CHECK_THAT(refusal({"hash", "--server-secret", "--plugin", "sha2"}), Contains("neither"));
  CHECK_THAT(refusal({"hash", "--password-file", "a", "--password-env", "b"}),
             Contains("one place"));
  CHECK_THAT(refusal({"hash", "--user", "a", "--host", "1.2.3.4/5"}), Contains("--host"));
  CHECK_THAT(refusal({"add", "jo"}), Contains("--file"));
  CHECK_THAT(refusal({"add", "jo", "--file", "a", "-c", "b"}), Contains("--file"));
  CHECK_THAT(refusal({"add", "--file", "a"}), Contains("name"));
  CHECK_THAT(refusal({"add", "", "--file", "a"}), Contains("name"));
  CHECK(code(run({"--help"})) == 0);
}

TEST_CASE("what can't be a password", "[users]") {
  CHECK(code(run({"hash"}, says(""))) == 2);
  CHECK(code(run({"hash"}, says(std::string(257, 'x')))) == 2);
  CHECK(code(run({"hash"}, says(std::string(256, 'x')))) == 0);
  CHECK(code(run({"hash"}, says(std::string("a\0b", 3)))) == 2);
  const auto result = run({"hash"}, [](const PasswordSource&, bool twice) {
    CHECK(twice);
    return PasswordInput{{}, "the two passwords differ"};
  });
  CHECK(code(result) == 2);
  CHECK(result.err == "mysqlproxy: the two passwords differ\n");
}
