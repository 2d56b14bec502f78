// What the documentation says of mysqlproxy, held against mysqlproxy.
#include "proxy/cli.hpp"
#include "proxy/config/load.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <regex>
#include <set>
#include <sstream>
#include <string>

using namespace mysqlproxy;
using namespace mysqlproxy::test;
using Catch::Contains;

namespace {

const std::string top = MYSQLWIRE_TOP;

std::string documentation() { return read_file(top + "/docs/mysqlproxy.md"); }

/// The first block of TOML.
std::string example() {
  const std::string text = documentation();
  const std::string begin = "```toml\n";
  const auto start = text.find(begin);
  REQUIRE(start != text.npos);
  const auto from = start + begin.size();
  return text.substr(from, text.find("```", from) - from);
}

LoadResult load_text(const std::string& text) {
  const TemporaryFolder folder;
  write_file(folder / "docs.toml", text);
  return load_file(folder / "docs.toml");
}

std::set<std::string> matches(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at)
    found.insert((*at)[1]);
  return found;
}

}  // namespace

TEST_CASE("the documentation's example is a configuration without a fault", "[docs]") {
  const LoadResult loaded = load_text(example());
  for (const Problem& problem : loaded.errors) FAIL_CHECK(to_string(problem));
  CHECK(loaded.warnings.empty());
  REQUIRE(loaded.config);
  CHECK(loaded.config->servers.size() == 2);
  CHECK(loaded.config->find_user("app") != nullptr);
}

TEST_CASE("the defaults that the documentation's example shows are the defaults", "[docs]") {
  const LoadResult loaded = load_text(example());
  REQUIRE(loaded.config);
  const Config defaults;
  CHECK(loaded.config->proxy == defaults.proxy);
  CHECK(loaded.config->log == defaults.log);
  CHECK(loaded.config->health.all == defaults.health.all);
}

TEST_CASE("every key of the configuration is documented", "[docs]") {
  const LoadResult loaded = load_text(example());
  REQUIRE(loaded.config);
  const std::string text = documentation();
  const auto keys = matches(to_toml(*loaded.config), "(?:^|\n)#? ?([a-z_]+) = ");
  CHECK(keys.size() > 20);
  for (const std::string& key : keys) {
    CAPTURE(key);
    CHECK_THAT(text, Contains("`" + key + "`"));
  }
}

TEST_CASE("every option is documented, and the help names them all", "[docs]") {
  const CommandLineResult help = parse_command_line({"--help"});
  CHECK(help.exit == ExitCode::good);
  CHECK(help.err.empty());
  const auto options = matches(help.out, "(--[a-z-]+)");
  CHECK(options == std::set<std::string>{"--check-config", "--config", "--help", "--listen",
                                         "--log-format", "--log-level", "--run-as", "--server",
                                         "--user", "--version"});
  const std::string text = documentation();
  for (const std::string& option : options) CHECK_THAT(text, Contains(option));
  CHECK_THAT(help.out, Contains("Signals:") && Contains("Exit codes:"));
  for (const char* code : {"0 good", "1 failure", "2 usage", "3 can't bind", "4 drain"})
    CHECK_THAT(help.out, Contains(code));
  std::istringstream lines(help.out);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
}

TEST_CASE("every error number of the proxy's own is documented", "[docs]") {
  const std::string header = read_file(top + "/proxy/session/errors.hpp");
  const auto codes = matches(header, "SqlError [a-z_]+\\{([0-9]{4}),");
  CHECK(codes.size() >= 12);
  const std::string text = documentation();
  for (const std::string& code : codes) {
    CAPTURE(code);
    CHECK_THAT(text, Contains("| " + code + " "));
    // Those belong to client libraries.
    CHECK_FALSE((code >= "2000" && code <= "2999"));
    CHECK_FALSE((code >= "5000" && code <= "5999"));
  }
}
