#include "cli/mysqlprobe/product.hpp"

#include <catch2/catch.hpp>

using namespace mysqlprobe;
using namespace mysqlwire;

namespace {

Seen seen(const char* version, std::uint32_t id, std::uint8_t salt) {
  Seen each;
  each.greeting.server_version = version;
  each.greeting.connection_id = id;
  each.greeting.capabilities = Capabilities(~std::uint64_t{0} >> 32);
  each.greeting.salt.fill(salt);
  return each;
}

SaltShape shape() {
  SaltShape good;
  good.announced = 21;
  good.size = 20;
  good.closing_nul = good.seven_bit = true;
  good.distinct_bytes = 18;
  return good;
}

}  // namespace

TEST_CASE("products by their versions") {
  CHECK(detect_product("8.0.15", Flavor::mysql).name == "MySQL");
  CHECK(detect_product("8.0.15", Flavor::mysql).version == "8.0.15");
  CHECK(detect_product("5.5.5-10.11.6-MariaDB-log", Flavor::mariadb).name == "MariaDB");
  CHECK(detect_product("5.5.5-10.11.6-MariaDB-log", Flavor::mariadb).version == "10.11.6");
  CHECK(detect_product("8.0.36-28", Flavor::mysql).name == "Percona Server");
  CHECK(detect_product("8.0.36-log", Flavor::mysql).name == "MySQL");
  CHECK(detect_product("5.7.25-TiDB-v6.1.0", Flavor::mysql).version == "6.1.0");
  CHECK(detect_product("8.0.11 (ProxySQL)", Flavor::mysql).is_proxy);
  CHECK(detect_product("8.0.30-Vitess", Flavor::mysql).name == "Vitess");
}

TEST_CASE("one server, seen several times") {
  const Crowd crowd = judge({seen("8.0.36", 10, 1), seen("8.0.36", 11, 2), seen("8.0.36", 15, 3)},
                            {shape(), shape(), shape()});
  CHECK(crowd.servers == 1);
  CHECK_FALSE(crowd.constant_salt);
  CHECK_FALSE(crowd.weak_salt);
}

TEST_CASE("two servers behind one address") {
  const Crowd crowd = judge({seen("8.0.36", 10, 1), seen("8.0.36", 90000, 2), seen("8.0.36", 11, 3),
                             seen("8.0.36", 90001, 4)},
                            {shape()});
  CHECK(crowd.servers == 2);
  CHECK_FALSE(crowd.proxy_hints.empty());
  CHECK(judge({seen("8.0.36", 10, 1), seen("8.0.35", 11, 2)}, {shape()}).servers == 2);
}

TEST_CASE("salts that repeat, or are too short") {
  CHECK(judge({seen("8.0.36", 1, 7), seen("8.0.36", 2, 7)}, {shape()}).constant_salt);
  SaltShape poor = shape();
  poor.size = 8;
  CHECK(judge({seen("8.0.36", 1, 7)}, {poor}).weak_salt);
  poor = shape();
  poor.holds_nul = true;
  CHECK(judge({seen("8.0.36", 1, 7)}, {poor}).weak_salt);
}
