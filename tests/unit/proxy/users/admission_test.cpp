#include "proxy/users/admission.hpp"

#include <mysqlwire/wire/err_packet.hpp>

#include <catch2/catch.hpp>

using namespace mysqlproxy;
using mysqlwire::Capability;
using mysqlwire::Flavor;
using Kind = TransportRule::Kind;

namespace {

/// "1045 28000 Access denied …", or "" for an account that may be used.
std::string verdict(const UserConfig& account, const Claimant& claimant) {
  const auto denial = denial_of(account, claimant);
  if (!denial) return {};
  mysqlwire::Context context;
  context.capabilities = {Capability::protocol_41};
  const auto err = mysqlwire::ErrPacket::decode(denial->payload, context);
  REQUIRE(err);
  return std::to_string(err->code) + " " + std::string(err->sql_state) + " " +
         std::string(err->message);
}

Claimant claimant(Flavor flavor = Flavor::mysql) {
  Claimant one{.user = "app", .host = "10.0.0.9"};
  one.flavor = flavor;
  return one;
}

const std::string denied =
    "1045 28000 Access denied for user 'app'@'10.0.0.9' (using password: YES)";

}  // namespace

TEST_CASE("an account without conditions may be used", "[users]") {
  CHECK(verdict({}, claimant()).empty());
}

TEST_CASE("a locked account", "[users]") {
  UserConfig account;
  account.locked = true;
  CHECK(verdict(account, claimant()) ==
        "3118 HY000 Access denied for user 'app'@'10.0.0.9'. Account is locked.");
  CHECK(verdict(account, claimant(Flavor::mariadb)) ==
        "4151 HY000 Access denied, this account is locked");
}

TEST_CASE("an expired password", "[users]") {
  UserConfig account;
  account.expired = true;
  const std::string message =
      "1862 HY000 Your password has expired. To log in you must change it using a client that "
      "supports expired passwords";
  CHECK(verdict(account, claimant()) == message + ".");
  CHECK(verdict(account, claimant(Flavor::mariadb)) == message);
  Claimant able = claimant();
  able.capabilities.set(Capability::can_handle_expired_passwords);
  CHECK(verdict(account, able).empty());
  SECTION("a lock comes first, as with the servers") {
    account.locked = true;
    CHECK(verdict(account, able).starts_with("3118"));
  }
}

TEST_CASE("what REQUIRE says", "[users]") {
  UserConfig account;
  Claimant client = claimant();
  account.require.kind = Kind::ssl;
  CHECK(verdict(account, client) == denied);
  client.tls = true;
  client.cipher = "TLS_AES_256_GCM_SHA384";
  CHECK(verdict(account, client).empty());
  account.require.cipher = "TLS_AES_128_GCM_SHA256";
  CHECK(verdict(account, client) == denied);
  account.require = {Kind::x509, {}, {}, {}};
  CHECK(verdict(account, client) == denied);
  client.certified = true;
  client.subject = "/CN=joe";
  client.issuer = "/CN=ca";
  CHECK(verdict(account, client).empty());
  account.require = {Kind::x509, "/CN=joe", "/CN=ca", "TLS_AES_256_GCM_SHA384"};
  CHECK(verdict(account, client).empty());
  account.require.subject = "/CN=jo";
  CHECK(verdict(account, client) == denied);
  account.require.subject = "/CN=joe";
  account.require.issuer = "/CN=other";
  CHECK(verdict(account, client) == denied);
  account.locked = true;
  CHECK(verdict(account, client) == denied);
}
