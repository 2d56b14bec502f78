#include "proxy/control_command.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mysqlproxy;
using Catch::Contains;
using Strings = std::vector<std::string>;

namespace {

ControlCommand parsed(const Strings& arguments) {
  const ControlCommandLine line = parse_control_command(arguments);
  CAPTURE(line.result.err);
  REQUIRE(line.command);
  return *line.command;
}

std::string refusal(const Strings& arguments) {
  const ControlCommandLine line = parse_control_command(arguments);
  CHECK_FALSE(line.command);
  CHECK(line.result.exit == ExitCode::usage);
  return line.result.err;
}

}  // namespace

TEST_CASE("what is asked of the running proxy", "[control]") {
  CHECK(is_control_command("switchover"));
  CHECK_FALSE(is_control_command("--config"));
  CHECK(control_request(parsed({"switchover", "main", "-c", "x.toml"})) ==
        "{\"command\":\"switchover\",\"pool\":\"main\",\"timeout_ms\":30000}\n");
  CHECK(control_request(parsed({"switchover", "main", "--control", "/run/x", "--to", "db\"2",
                                "--dry-run", "--timeout", "5s"})) ==
        "{\"command\":\"switchover\",\"pool\":\"main\",\"to\":\"db\\\"2\",\"dry_run\":true,"
        "\"timeout_ms\":5000}\n");
  CHECK(control_request(parsed({"promote", "main", "--to", "db2", "-c", "x"})) ==
        "{\"command\":\"promote\",\"pool\":\"main\",\"to\":\"db2\",\"timeout_ms\":30000}\n");
  CHECK(control_request(parsed({"status", "-c", "x"})) == "{\"command\":\"status\"}\n");
  CHECK(control_request(parsed({"failback", "main", "-c", "x"})) ==
        "{\"command\":\"failback\",\"pool\":\"main\"}\n");
}

TEST_CASE("command lines that say too little or too much", "[control]") {
  CHECK_THAT(refusal({"switchover", "main"}), Contains("-c") && Contains("--control"));
  CHECK_THAT(refusal({"switchover", "main", "-c", "x", "--control", "y"}), Contains("-c"));
  CHECK_THAT(refusal({"switchover", "-c", "x"}), Contains("pool"));
  CHECK_THAT(refusal({"promote", "main", "-c", "x"}), Contains("--to"));
  CHECK_THAT(refusal({"switchover", "main", "-c", "x", "--timeout", "soon"}), Contains("soon"));
  CHECK_THAT(refusal({"switchover", "main", "-c", "x", "--timeout", "0"}), Contains("--timeout"));
  CHECK_FALSE(refusal({"status", "main", "-c", "x"}).empty());
  const ControlCommandLine help = parse_control_command({"switchover", "--help"});
  CHECK(help.result.exit == ExitCode::good);
  CHECK_THAT(help.result.out, Contains("--dry-run") && Contains("Exit codes:"));
}

TEST_CASE("what the answers say", "[control]") {
  ControlCommand command;
  command.name = "switchover";
  const auto read = [&](std::string_view line) { return read_control_answer(command, line); };
  CHECK(read("{\"text\":\"new writes wait\"}").out == "new writes wait\n");
  CHECK(read("{\"text\":\"failed: no\"}").err == "mysqlproxy: failed: no\n");
  CHECK_FALSE(read("{\"text\":\"x\"}").exit);
  CHECK(read("{\"over\":true,\"good\":true}").exit == 0);
  CHECK(read("{\"over\":true,\"good\":false}").exit == 1);
  for (const char* strange : {"", "x", "[]", "{\"over\":", "{\"over\":true,\"good\":7}", "7"})
    CHECK(read(strange).exit.value_or(0) != 0);
  const std::string status =
      R"({"status":{"pools":[{"name":"main","role":"primary","balance":"least_connections",)"
      R"("held":true,"servers":[{"text":"db1 up, primary","address":"10.0.0.1:3306"}]}]},)"
      R"("over":true,"good":true})";
  command.name = "status";
  CHECK(read(status).out ==
        "pool main: role primary, least_connections, its primary is being moved\n"
        "  db1 up, primary (10.0.0.1:3306)\n");
  command.json = true;
  CHECK_THAT(read(status).out, Contains("\"held\": true"));
}

TEST_CASE("nobody answers", "[control]") {
  ControlCommand command;
  command.name = "status";
  command.socket = "/nowhere/control";
  const CommandLineResult result = run_control_command(command, [](const auto&, const auto&) {});
  CHECK(result.exit == ExitCode::usage);
  CHECK_THAT(result.err, Contains("no proxy answers at /nowhere/control"));
}
