#include "proxy/config/host_pattern.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

using namespace mysqlproxy;

namespace {

ClientHost from(std::string_view address) {
  if (address == "unix") return {.ip = {}, .unix_socket = true};
  return {parse_network(address)->address, false};
}

bool matches(std::string_view pattern, std::string_view address) {
  const auto parsed = HostPattern::parse(pattern);
  REQUIRE(parsed);
  return parsed->matches(from(address));
}

}  // namespace

TEST_CASE("host patterns match as mysql.user's do", "[users]") {
  struct Case {
    const char* pattern;
    const char* yes;
    const char* no;  // null: none
  };
  const Case cases[] = {
      {"%", "10.0.0.9", nullptr},
      {"%", "2001:db8::1", nullptr},
      {"%", "unix", nullptr},
      {"", "10.0.0.9", nullptr},
      {"10.0.0.9", "10.0.0.9", "10.0.0.90"},
      {"10.0.%", "10.0.200.9", "10.1.0.9"},
      {"10.0.0._", "10.0.0.9", "10.0.0.10"},
      {"1%9", "10.0.0.9", "10.0.0.8"},
      {"%.%.%.9", "1.2.3.9", "1.2.9.3"},
      {"10.0.0.0/255.255.255.0", "10.0.0.77", "10.0.1.77"},
      {"10.0.0.0/24", "10.0.0.77", "10.0.1.77"},
      {"0.0.0.0/0", "10.0.0.77", "2001:db8::1"},
      {"2001:db8::/32", "2001:db8::7", "2001:db9::7"},
      {"2001:DB8::1", "2001:db8::1", "2001:db8::2"},
      {"2001:db8::%", "2001:db8::2", "2001:db9::2"},
      {"localhost", "127.0.0.1", "10.0.0.9"},
      {"localhost", "127.8.9.1", nullptr},
      {"LocalHost", "unix", "10.0.0.9"},
      {"local%", "::1", "::2"},
      {"127.0.0.1", "127.0.0.1", "unix"},
      {"::1", "::1", "unix"},
      {"app_.example.com", "unix", nullptr},
  };
  for (const Case& one : cases) {
    CAPTURE(one.pattern, one.yes);
    CHECK(matches(one.pattern, one.yes) == (std::string_view(one.pattern) != "app_.example.com"));
    if (one.no != nullptr) CHECK_FALSE(matches(one.pattern, one.no));
  }
  CHECK_FALSE(matches("\\%", "10.0.0.9"));
  CHECK_FALSE(matches("10.0.0.\\_", "10.0.0.9"));
  CHECK(matches("10.0.0.\\9", "10.0.0.9"));
  CHECK_FALSE(matches("10.0.0.9%%\\", "10.0.0.9"));
}

TEST_CASE("what can't be a host is refused", "[users]") {
  for (const char* text :
       {"10.0.0.0/255.0.255.0", "10.0.0.1/255.255.255.0", "10.0.0.1/8", "10.0.0.0/33", "10.0.%/24",
        "10.0.0.0/", "10.0.0.0/255.255.255.256", "a/b", "/"}) {
    CAPTURE(text);
    CHECK_FALSE(HostPattern::parse(text));
  }
  CHECK(HostPattern::parse(std::string(255, 'a')));
  CHECK_FALSE(HostPattern::parse(std::string(256, 'a')));
  CHECK_FALSE(HostPattern::parse(std::string_view("a\0b", 3)));
}

TEST_CASE("the most specific host comes first", "[users]") {
  const std::vector<std::string> sorted{"10.0.0.9",  "10.0.0.0/24", "10.0.0.0/255.255.0.0",
                                        "0.0.0.0/0", "localhost",   "10.0.0.%",
                                        "10.0.%",    "1%",          "_0.0.0.9",
                                        "%"};
  std::vector<HostPattern> patterns;
  for (const auto& text : sorted) patterns.insert(patterns.begin(), *HostPattern::parse(text));
  std::ranges::sort(patterns, [](const auto& a, const auto& b) { return a < b; });
  std::vector<std::string> found;
  for (const auto& one : patterns) found.push_back(one.text());
  // Wildcards at the same place: in the order of their text.
  std::swap(found[8], found[9]);
  CHECK((found == sorted || (std::swap(found[8], found[9]), found == sorted)));
}

TEST_CASE("names are told from addresses", "[users]") {
  for (const char* name : {"db.example.com", "%.example.com", "web1"})
    CHECK(HostPattern::parse(name)->wants_name());
  for (const char* name : {"%", "localhost", "local%", "10.0.%", "10.0.0.0/8", "::1", "fe80::%"})
    CHECK_FALSE(HostPattern::parse(name)->wants_name());
}

TEST_CASE("many wildcards take no long time", "[users]") {
  std::string pattern;
  for (int i = 0; i < 120; ++i) pattern += "%1";
  CHECK_FALSE(matches(pattern + "x", "111.111.111.111"));
}
