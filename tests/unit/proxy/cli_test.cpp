#include "proxy/cli.hpp"

#include "unit/proxy/temporary_folder.hpp"

#include <catch2/catch.hpp>

using namespace mysqlproxy;
using Catch::Matchers::Contains;

namespace {

constexpr const char* hash = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19";

std::string refusal(const std::vector<std::string>& arguments) {
  const auto result = parse_command_line(arguments);
  CHECK_FALSE(result.options);
  CHECK(result.exit == ExitCode::usage);
  CHECK(result.out.empty());
  CHECK_THAT(result.err, Contains("Try 'mysqlproxy --help'.\n"));
  return result.err;
}

}  // namespace

TEST_CASE("exit codes are those of the manual") {
  CHECK(static_cast<int>(ExitCode::good) == 0);
  CHECK(static_cast<int>(ExitCode::failure) == 1);
  CHECK(static_cast<int>(ExitCode::usage) == 2);
  CHECK(static_cast<int>(ExitCode::cannot_bind) == 3);
  CHECK(static_cast<int>(ExitCode::drain_timeout) == 4);
}

TEST_CASE("--help and --version print to standard output and are good") {
  const auto help = parse_command_line({"--help"});
  CHECK_FALSE(help.options);
  CHECK(help.exit == ExitCode::good);
  CHECK(help.err.empty());
  for (const char* flag : {"-c", "--config", "--check-config", "--listen", "--server", "--user",
                           "--log-level", "--log-format", "--version", "--help"}) {
    CHECK_THAT(help.out, Contains(flag));
  }
  CHECK(help.out.ends_with('\n'));
  CHECK(parse_command_line({"-h"}).out == help.out);

  const auto version = parse_command_line({"--version"});
  CHECK(version.exit == ExitCode::good);
  CHECK_THAT(version.out, Catch::Matchers::Matches("mysqlproxy [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_CASE("a file, in every spelling") {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"-c", "a.toml"}, {"-ca.toml"}, {"--config", "a.toml"}, {"--config=a.toml"}}) {
    const auto result = parse_command_line(arguments);
    REQUIRE(result.options);
    CHECK(result.options->config_file == "a.toml");
    CHECK_FALSE(result.options->check_config);
    CHECK_FALSE(result.options->log_level);
    CHECK_FALSE(result.options->log_format);
  }
}

TEST_CASE("flags in place of a file, each repeated") {
  const auto result = parse_command_line({"--listen", "127.0.0.1:1", "--listen=[::1]:1", "--server",
                                          "a:2", "--server", "b:3", "--user", "u:1", "--user=v:2",
                                          "--log-level", "debug", "--log-format=json"});
  REQUIRE(result.options);
  CHECK(result.options->setup.listen == std::vector<std::string>{"127.0.0.1:1", "[::1]:1"});
  CHECK(result.options->setup.server == std::vector<std::string>{"a:2", "b:3"});
  CHECK(result.options->setup.user == std::vector<std::string>{"u:1", "v:2"});
  CHECK(result.options->log_level == LogLevel::debug);
  CHECK(result.options->log_format == LogFormat::json);
}

TEST_CASE("bad usage ends with 2, whatever CLI11 calls it") {
  CHECK_THAT(refusal({}), Contains("nothing to do"));
  CHECK_THAT(refusal({"--check-config"}), Contains("nothing to do"));
  CHECK_THAT(refusal({"a.toml"}), Contains("unexpected argument \"a.toml\"") && Contains("-c"));
  CHECK_THAT(refusal({"-c"}), Contains("--config"));
  CHECK_THAT(refusal({"-c", "a", "-c", "b"}), Contains("--config"));
  CHECK_THAT(refusal({"--sever=x"}),
             Contains("unknown option \"--sever\"; did you mean \"--server\"?"));
  CHECK_THAT(refusal({"-x"}), Contains("unknown option \"-x\""));
  CHECK_THAT(refusal({"-c", "a", "--log-level", "warning"}),
             Contains("found \"warning\"; did you mean \"warn\"?"));
  CHECK_THAT(refusal({"-c", "a", "--log-format", ""}), Contains("--log-format"));
  CHECK_THAT(refusal({"-c", "a", "--listen", "b"}), Contains("stand for a configuration file"));
  CHECK_THAT(refusal({"--listen", "b"}), Contains("missing: --server --user"));
  CHECK_THAT(refusal({"--user", "b", "--server", "c"}), Contains("missing: --listen\n"));
}

TEST_CASE("an argument can't smuggle control bytes to the terminal") {
  CHECK_THAT(refusal({"--\x1b[31m"}), !Contains("\x1b"));
  CHECK_THAT(refusal({"\x1b[31m"}), !Contains("\x1b"));
  CHECK_THAT(refusal({"-c", "a", "--log-level", "\x1b[31m"}), !Contains("\x1b"));
}

TEST_CASE("--check-config prints what is in force, with the overrides, and cuts hashes") {
  CommandLine options;
  options.setup = {{"127.0.0.1:6446"}, {"127.0.0.1:3306"}, {std::string("app:") + hash}};
  options.log_level = LogLevel::warn;
  options.log_format = LogFormat::json;
  const auto result = check_config(options);
  CHECK(result.exit == ExitCode::good);
  CHECK(result.err.empty());
  CHECK_THAT(result.out, Contains("level = \"warn\"\n") && Contains("format = \"json\"\n"));
  CHECK_THAT(result.out, Contains("native_hash = \"*2470…\""));
  CHECK_THAT(result.out, !Contains("C0C06DEE"));
}

TEST_CASE("--check-config of a bad file prints every error and ends with 2") {
  const test::TemporaryFolder folder;
  CommandLine options;
  options.config_file = folder / "p.toml";
  test::write_file(options.config_file, "[proxy]\nthreads = 1.5\nfoo = 1\n");
  const auto result = check_config(options);
  CHECK(result.exit == ExitCode::usage);
  CHECK(result.out.empty());
  CHECK_THAT(result.err, Contains("error: " + options.config_file + ":2:11: proxy.threads: "));
  CHECK_THAT(result.err, Contains("error: " + options.config_file + ":3:1: unknown key proxy.foo"));
  CHECK_THAT(result.err, Contains("error: " + options.config_file + ": no [user.NAME] table"));
}

TEST_CASE("a file that can't be read is an error of its own") {
  CommandLine options;
  options.config_file = "/nonexistent/p.toml";
  const auto result = check_config(options);
  CHECK(result.exit == ExitCode::usage);
  CHECK(result.err == "error: /nonexistent/p.toml: can't be opened: No such file or directory\n");
}
