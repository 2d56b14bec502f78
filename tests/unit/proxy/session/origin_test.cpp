#include "proxy/session/origin.hpp"

#include <mysqlwire/wire/connection_attributes.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

using namespace mysqlproxy;
using mysqlwire::ProxyFamily;

namespace {

Origin example() {
  Origin origin;
  origin.family = ProxyFamily::tcp4;
  origin.source = {{192, 0, 2, 7}, 4711};
  origin.destination = {{198, 51, 100, 1}, 3306};
  return origin;
}

std::string text(mysqlwire::Bytes bytes) { return std::string(mysqlwire::as_text(bytes)); }

}  // namespace

TEST_CASE("the header that a server gets", "[origin]") {
  const Origin origin = example();
  CHECK(text(proxy_header(ProxyProtocol::v1, &origin)) ==
        "PROXY TCP4 192.0.2.7 198.51.100.1 4711 3306\r\n");
  CHECK(text(proxy_header(ProxyProtocol::v1, nullptr)) == "PROXY UNKNOWN\r\n");
  CHECK(mysqlwire::test::to_hex(proxy_header(ProxyProtocol::v2, &origin)) ==
        "0d0a0d0a000d0a515549540a2111000cc0000207c633640112670cea");
  CHECK(mysqlwire::test::to_hex(proxy_header(ProxyProtocol::v2, nullptr)) ==
        "0d0a0d0a000d0a515549540a20000000");
}

TEST_CASE("a unix socket has no addresses", "[origin]") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const Origin origin = origin_of(ends[0]);
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(origin.family == ProxyFamily::unix_stream);
  CHECK(text(proxy_header(ProxyProtocol::v1, &origin)) == "PROXY UNKNOWN\r\n");
}

TEST_CASE("the address takes the place of what the client claims", "[origin]") {
  mysqlwire::Buffer claimed;
  mysqlwire::Writer writer(claimed);
  write(writer, mysqlwire::ConnectionAttribute{"_os", "Linux"});
  write(writer, mysqlwire::ConnectionAttribute{"client", "127.0.0.1:1"});
  const auto block = add_client_address(claimed, "client", "192.0.2.7:4711");
  const mysqlwire::ConnectionAttributes attributes{block};
  CHECK(attributes.well_formed());
  CHECK(attributes.find("_os") == "Linux");
  CHECK(attributes.find("client") == "192.0.2.7:4711");
  CHECK(text(block).find("127.0.0.1") == std::string::npos);
}
