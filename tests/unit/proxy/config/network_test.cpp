#include "proxy/config/network.hpp"

#include <catch2/catch.hpp>

using namespace mysqlproxy;

TEST_CASE("networks are read, printed and know their addresses") {
  const auto bytes = [](const char* address) { return parse_network(address)->address; };
  for (const char* text :
       {"10.0.0.0/8", "192.0.2.7", "0.0.0.0/0", "192.0.2.128/25", "2001:db8::/32", "::1", "::/0"}) {
    INFO(text);
    REQUIRE(parse_network(text));
    CHECK(to_string(*parse_network(text)) == text);
  }
  const auto ten = *parse_network("10.0.0.0/8");
  CHECK(ten.contains(bytes("10.255.0.1")));
  CHECK_FALSE(ten.contains(bytes("11.0.0.1")));
  CHECK_FALSE(ten.contains(bytes("2001:db8::1")));
  const auto half = *parse_network("192.0.2.128/25");
  CHECK(half.contains(bytes("192.0.2.200")));
  CHECK_FALSE(half.contains(bytes("192.0.2.127")));
  CHECK(parse_network("192.0.2.7")->contains(bytes("192.0.2.7")));
  CHECK_FALSE(parse_network("192.0.2.7")->contains(bytes("192.0.2.8")));
  CHECK(parse_network("2001:db8::/32")->contains(bytes("2001:db8:1::5")));
  CHECK(parse_network("::/0")->contains(bytes("10.1.2.3")));
}

TEST_CASE("what is no network") {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0/8", "db1/8",
        "2001:db8::/129", "2001:db8::1/64", "10.0.0.0/8 "}) {
    INFO(text);
    CHECK_FALSE(parse_network(text));
  }
}
