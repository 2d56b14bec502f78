#include "proxy/session/terms.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace mysqlproxy;
using mysqlwire::Capability;

TEST_CASE("clients that agreed on the same share it", "[terms]") {
  TermsStore store;
  Terms terms;
  terms.client_side.capabilities = Capability::protocol_41;
  terms.server_side.capabilities = {Capability::protocol_41, Capability::session_track};
  terms.server.version = 101119;
  const SharedTerms first = store.share(terms);
  CHECK(store.share(terms) == first);
  Terms other = terms;
  SECTION("but not with another capability") {
    other.client_side.capabilities.set(Capability::deprecate_eof);
  }
  SECTION("but not with another one on the servers' side") {
    other.server_side.capabilities.clear(Capability::session_track);
  }
  SECTION("but not with another limit") { other.client_side.limits.max_payload = 1000; }
  SECTION("but not with another server") { other.server.tracks = true; }
  const SharedTerms second = store.share(other);
  CHECK(second != first);
  CHECK(second->server == other.server);
  CHECK(second->client_side.limits.max_payload == other.client_side.limits.max_payload);
  CHECK(store.share(terms) == first);
}

TEST_CASE("terms that nobody has any more are forgotten, and of many kinds not all are kept",
          "[terms]") {
  TermsStore store;
  std::vector<SharedTerms> held;
  for (std::uint32_t version = 0; version < 100; ++version) {
    Terms terms;
    terms.server.version = version;
    held.push_back(store.share(terms));
    CHECK(held.back()->server.version == version);
  }
  CHECK(store.size() == 32);
  held.clear();
  store.share({});
  CHECK(store.size() == 1);
}
