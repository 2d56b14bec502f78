#include "cli/mysqlprobe/options.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mysqlprobe;

namespace {

struct Arguments {
  explicit Arguments(std::vector<std::string> given) : texts(std::move(given)) {
    texts.insert(texts.begin(), "mysqlprobe");
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
  }
  CommandLine parse() {
    return parse_command_line(static_cast<int>(texts.size()), pointers.data());
  }
  std::vector<std::string> texts;
  std::vector<char*> pointers;
};

CommandLine parse(std::vector<std::string> given) {
  given.emplace_back("--no-defaults");
  return Arguments(std::move(given)).parse();
}

void refused(const std::vector<std::string>& given) {
  const CommandLine line = parse(given);
  INFO(given.front() << ": " << line.err);
  REQUIRE(line.exit);
  CHECK(*line.exit == ExitCode::usage);
  CHECK_FALSE(line.err.empty());
}

}  // namespace

TEST_CASE("a login") {
  const CommandLine line =
      parse({"login", "db:1", "-u", "app", "-D", "shop", "--tls", "required", "--timeout", "2s",
             "--compress", "zlib:3", "--capabilities", "+FOUND_ROWS,-DEPRECATE_EOF"});
  REQUIRE_FALSE(line.exit);
  const Options& options = line.options;
  CHECK(options.command == "login");
  CHECK(options.targets.at(0).host == "db");
  CHECK(options.login.plan.user == "app");
  CHECK(options.login.plan.database == "shop");
  CHECK(options.login.connection.tls.mode == TlsMode::required);
  CHECK(options.login.connection.timeout.count() == 2000);
  CHECK(options.login.plan.compress_zlib);
  CHECK(options.login.plan.compression_level == 3);
  CHECK(options.login.plan.add.has(mysqlwire::Capability::found_rows));
  CHECK(options.login.plan.remove.has(mysqlwire::Capability::deprecate_eof));
}

TEST_CASE("a password on the command line works, is overwritten, and is warned of") {
  for (const std::string& given : {std::string("--password=hidden"), std::string("-phidden")}) {
    Arguments arguments({"login", "db", "-u", "app", given, "--no-defaults"});
    const CommandLine line = arguments.parse();
    REQUIRE_FALSE(line.exit);
    REQUIRE(line.options.password);
    CHECK(mysqlwire::as_text(line.options.password->bytes()) == "hidden");
    CHECK_FALSE(line.err.empty());
    for (const char* text : arguments.pointers)
      if (text != nullptr) CHECK(std::string(text).find("hidden") == std::string::npos);
  }
  Arguments url({"login", "mysql://app:hidden@db", "--no-defaults"});
  const CommandLine line = url.parse();
  REQUIRE_FALSE(line.exit);
  CHECK(mysqlwire::as_text(line.options.targets.at(0).password->bytes()) == "hidden");
  CHECK(url.texts[2].find("hidden") == std::string::npos);
}

TEST_CASE("a password that is not escaped is overwritten, and warned of, all the same") {
  Arguments url({"login", "mysql://app:hid/den?x@db:1", "--no-defaults"});
  const CommandLine line = url.parse();
  CHECK(line.exit == ExitCode::usage);
  CHECK(line.err.find("a password on the command line can be seen") != std::string::npos);
  for (const char* part : {"hid", "den"}) {
    CHECK(line.err.find(part) == std::string::npos);
    CHECK(url.texts[2].find(part) == std::string::npos);
  }
}

TEST_CASE("what is refused does not show a password that stands there") {
  for (const std::vector<std::string>& given : std::vector<std::vector<std::string>>{
           {"login", "db", "-u", "app", "--password", "hidden"},
           {"login", "db", "-u", "app", "--tls", "mysql://app:hidden@db"},
           {"login", "db", "-u", "app", "--timeout", "mysql://app:hidden@db"},
           {"login", "db", "-u", "app", "--color", "mysql://app:hidden@db"},
           {"mysql://app:hidden@db"}}) {
    Arguments arguments(given);
    const CommandLine line = arguments.parse();
    INFO(line.err);
    CHECK(line.exit == ExitCode::usage);
    CHECK(line.err.find("mysqlprobe: ") != std::string::npos);
    CHECK(line.err.find("hidden") == std::string::npos);
    for (const std::string& text : arguments.texts) CHECK(text.find("hidden") == std::string::npos);
  }
}

TEST_CASE("what is refused") {
  refused({"nothing"});
  refused({"greet", "a:b:c"});
  refused({"login", "db"});
  refused({"greet", "db", "--timeout", "soon"});
  refused({"greet", "db", "--expect", "version"});
  refused({"login", "db", "-u", "x", "--capabilities", "+NO_SUCH"});
  refused({"login", "db", "-u", "x", "--capabilities", "-PROTOCOL_41"});
  refused({"login", "db", "-u", "x", "--compress", "lz4"});
  refused({"login", "db", "-u", "x", "--compress", "zlib:10"});
  refused({"login", "db", "-u", "x", "--charset", "klingon"});
  refused({"login", "db", "-u", "x", "--tls", "maybe"});
  refused({"login", "db", "-u", "x", "--tls-version", "SSLv3"});
  refused({"login", "db", "-u", "x", "--password-file", "/nonexistent/file"});
  refused({"login", "db", "-u", "x", "--password-file", "a", "--password-stdin"});
  refused({"storm", "db", "-u", "x"});
  refused({"storm", "db", "-u", "x", "--connections", "2"});
  refused({"storm", "db", "-u", "x", "--connections", "100000", "--count", "1"});
  refused({"login", "a", "b", "-u", "x", "--write", "f"});
  refused({"greet"});
}

TEST_CASE("durations") {
  CHECK(parse_duration("1.5s")->count() == 1500);
  CHECK(parse_duration("20ms")->count() == 20);
  CHECK(parse_duration("2m")->count() == 120000);
  CHECK(parse_duration("3")->count() == 3000);
  CHECK_FALSE(parse_duration(""));
  CHECK_FALSE(parse_duration("x"));
  CHECK_FALSE(parse_duration("-1"));
  CHECK_FALSE(parse_duration("1y"));
  CHECK_FALSE(parse_duration("nan"));
}
