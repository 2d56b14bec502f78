#include "proxy/users/directory.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>

using namespace mysqlproxy;

namespace {

std::shared_ptr<const AccountTable> table_of(const std::string& name, const std::string& pool) {
  UserConfig account;
  account.name = name;
  account.pool = pool;
  account.hashes.native = mysqlwire::crypto::native_hash("x");
  return std::make_shared<const AccountTable>(std::vector<UserConfig>{account});
}

PoolConfig pool_of(const std::string& name, bool load_users) {
  PoolConfig pool;
  pool.name = name;
  if (load_users) pool.load_users.emplace();
  return pool;
}

}  // namespace

TEST_CASE("accounts of a pool that does not load any more let nobody in", "[users]") {
  LogConfig quiet;
  quiet.level = LogLevel::error;
  Log log(quiet);
  Config config;
  config.pools = {pool_of("left", false), pool_of("main", true)};
  const Topology topology(std::move(config), nullptr, nullptr, log);
  Directory directory;
  directory.set_loaded("main", table_of("app", "main"));
  // As a read does that ends behind keep().
  directory.set_loaded("left", table_of("gone", "left"));
  const ClientHost host{parse_network("192.0.2.7")->address, false};
  const auto found = directory.find(topology, "app", host);
  REQUIRE(found);
  CHECK(found->pool->name() == "main");
  CHECK_FALSE(directory.find(topology, "gone", host));
  // Nor do they stand in the way of the others.
  directory.set_loaded("left", table_of("app", "left"));
  const auto other = directory.find(topology, "app", host);
  REQUIRE(other);
  CHECK(other->pool->name() == "main");
}
