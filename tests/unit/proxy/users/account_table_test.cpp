#include "proxy/pool/account_table.hpp"

#include <catch2/catch.hpp>

using namespace mysqlproxy;

namespace {

UserConfig account(std::string name, std::string_view host, bool locked = false) {
  UserConfig user;
  user.name = std::move(name);
  user.pool = "main";
  user.host = *HostPattern::parse(host);
  user.hashes.native = mysqlwire::crypto::native_hash("x");
  user.locked = locked;
  return user;
}

ClientHost from(std::string_view address) { return {parse_network(address)->address, false}; }

}  // namespace

TEST_CASE("of the accounts of one name the most specific host counts", "[users]") {
  const AccountTable table({account("app", "%"), account("app", "10.0.%"),
                            account("app", "10.0.0.0/24"), account("app", "10.0.0.9", true),
                            account("inside", "10.%")});
  const auto host_of = [&](std::string_view name, std::string_view address) -> std::string {
    const UserConfig* found = table.find(name, from(address));
    return found == nullptr ? "" : found->host.text();
  };
  CHECK(host_of("app", "10.0.0.9") == "10.0.0.9");
  CHECK(host_of("app", "10.0.0.8") == "10.0.0.0/24");
  CHECK(host_of("app", "10.0.1.8") == "10.0.%");
  CHECK(host_of("app", "192.0.2.1") == "%");
  CHECK(host_of("inside", "192.0.2.1").empty());
  CHECK(host_of("APP", "10.0.0.9").empty());
  CHECK(table.has("inside"));
  CHECK_FALSE(table.has("outside"));
  CHECK(table.size() == 5);
}

TEST_CASE("of two accounts of one name and host the first counts", "[users]") {
  const AccountTable table({account("app", "%", true), account("app", "%")});
  CHECK(table.size() == 1);
  CHECK(table.find("app", from("10.0.0.1"))->locked);
}

TEST_CASE("what most accounts have is known", "[users]") {
  UserConfig modern = account("modern", "%");
  modern.hashes = {};
  modern.hashes.sha2 = mysqlwire::crypto::sha2_hash("x");
  UserConfig through = account("through", "%");
  through.hashes = {};
  through.passthrough = true;
  const AccountTable table({through, modern, account("a", "%")});
  CHECK(table.native() == 2);
  CHECK(table.typical(true).native);
  CHECK(table.typical(false).sha2);
  CHECK(AccountTable().typical(true).empty());
}
