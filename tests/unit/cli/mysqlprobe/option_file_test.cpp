#include "cli/mysqlprobe/option_file.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace mysqlprobe;

namespace {

std::string value_of(const std::string& text) {
  OptionFiles files({"client"});
  files.parse("f", "[client]\nx=" + text + "\n");
  REQUIRE(files.lines().size() == 1);
  REQUIRE(files.lines()[0].value);
  return *files.lines()[0].value;
}

}  // namespace

TEST_CASE("groups, comments, names") {
  OptionFiles files({"client", "mysqlprobe"});
  files.parse("my.cnf",
              "# comment\n; comment\n[mysqld]\nuser=server\n[client]\nuser = app\n"
              "default_auth=x\nloose-nothing\ncompress\n\n[ mysqlprobe ]\nport=1\n");
  const auto& lines = files.lines();
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].name == "user");
  CHECK(lines[0].value == "app");
  CHECK(lines[0].where == "my.cnf:6");
  CHECK(lines[1].name == "default-auth");
  CHECK(lines[2].name == "nothing");
  CHECK(lines[2].is_loose);
  CHECK_FALSE(lines[3].value);
  CHECK(lines[4].group == "mysqlprobe");
}

TEST_CASE("values: quotes, escapes, comments behind") {
  CHECK(value_of("abc") == "abc");
  CHECK(value_of("  a b  ") == "a b");
  CHECK(value_of("'a # b'") == "a # b");
  CHECK(value_of("\"it's\"") == "it's");
  CHECK(value_of("a # b") == "a");
  CHECK(value_of("a\\sb\\tc\\\\d") == "a b\tc\\d");
  CHECK(value_of("a=b=c") == "a=b=c");
  CHECK(value_of("") == "");
  CHECK(value_of("a\\q") == "a\\q");
}

TEST_CASE("what is no option file") {
  OptionFiles files({"client"});
  CHECK_THROWS_AS(files.parse("f", "user=x\n"), OptionFileError);
  CHECK_THROWS_AS(files.parse("f", "[client\n"), OptionFileError);
  CHECK_THROWS_AS(files.parse("f", "!what\n"), OptionFileError);
  CHECK_THROWS_AS(files.parse("f", "!include /nonexistent/file\n"), OptionFileError);
  CHECK_THROWS_AS(files.read("/nonexistent/file"), OptionFileError);
  CHECK_NOTHROW(files.read_if_there("/nonexistent/file"));
}
