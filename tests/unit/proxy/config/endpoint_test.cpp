#include "proxy/config/endpoint.hpp"

#include <catch2/catch.hpp>

using namespace mysqlproxy;

namespace {

Endpoint at(std::string_view text) {
  std::string why;
  const auto endpoint = parse_endpoint(text, &why);
  INFO(text << ": " << why);
  REQUIRE(endpoint);
  CHECK(why.empty());
  return *endpoint;
}

}  // namespace

TEST_CASE("the three forms of an address") {
  CHECK(at("127.0.0.1:3306") == Endpoint{Endpoint::Kind::tcp, "127.0.0.1", 3306, ""});
  CHECK(at("db-1.example:0") == Endpoint{Endpoint::Kind::tcp, "db-1.example", 0, ""});
  CHECK(at("[::1]:65535") == Endpoint{Endpoint::Kind::tcp, "::1", 65535, ""});
  CHECK(at("unix:/a:b c") == Endpoint{Endpoint::Kind::unix_socket, "", 0, "/a:b c"});
}

TEST_CASE("an address is written as it was read, IPv6 in its usual spelling") {
  for (const char* text : {"127.0.0.1:3306", "[::1]:1", "[fe80::1%eth0.1]:2", "db1:3", "unix:/a"}) {
    CHECK(to_string(at(text)) == text);
  }
  CHECK(to_string(at("[0:0:0::A]:1")) == "[::a]:1");
  CHECK(to_string(at("[::ffff:10.0.0.1]:1")) == "[::ffff:10.0.0.1]:1");
}

TEST_CASE("a path of a UNIX socket fits sockaddr_un") {
  CHECK(at("unix:/" + std::string(106, 'x')).path.size() == 107);
  CHECK_FALSE(parse_endpoint("unix:/" + std::string(107, 'x')));
}

TEST_CASE("what is no address") {
  for (const char* text :
       {"",        ":",        "a",           "a:",         ":1",          "a:1:",
        "a:65536", "a:-1",     "a: 1",        "a:1 ",       "[]:1",        "[::1]1",
        "[::1]",   "[::1]]:1", "[[::1]:1",    "[::1%]:1",   "[::1%a b]:1", "[127.0.0.1]:1",
        "1:2:3",   "1.2.3:4",  "1.2.3.4.5:6", "1.2.3.04:5", "256.1.1.1:1", "a b:1",
        "a\n:1",   "unix:",    "unix:/",      "unix:a",     "UNIX:/a"}) {
    std::string why;
    INFO(text);
    CHECK_FALSE(parse_endpoint(text, &why));
    CHECK_FALSE(why.empty());
    CHECK_FALSE(parse_endpoint(text));
  }
  CHECK_FALSE(parse_endpoint(std::string_view("unix:/a\0b", 9)));
  CHECK_FALSE(parse_endpoint(std::string_view("a\0:1", 4)));
  CHECK_FALSE(parse_endpoint(std::string(254, 'a') + ":1"));
}

TEST_CASE("binds clash when the system would refuse the second") {
  const auto clash = [](std::string_view a, std::string_view b) {
    CHECK(binds_clash(at(a), at(b)) == binds_clash(at(b), at(a)));
    return binds_clash(at(a), at(b));
  };
  CHECK(clash("127.0.0.1:1", "127.0.0.1:1"));
  CHECK(clash("0.0.0.0:1", "127.0.0.1:1"));
  CHECK(clash("[::]:1", "[::1]:1"));
  CHECK(clash("[::1]:1", "[0::1]:1"));
  CHECK(clash("unix:/a", "unix:/a"));
  CHECK_FALSE(clash("127.0.0.1:1", "127.0.0.1:2"));
  CHECK_FALSE(clash("127.0.0.1:1", "127.0.0.2:1"));
  CHECK_FALSE(clash("0.0.0.0:1", "[::]:1"));
  CHECK_FALSE(clash("127.0.0.1:0", "127.0.0.1:0"));
  CHECK_FALSE(clash("unix:/a", "unix:/b"));
  CHECK_FALSE(clash("unix:/a", "a:1"));
}
