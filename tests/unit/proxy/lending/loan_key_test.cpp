#include "proxy/lending/loan_key.hpp"

#include "proxy/session/credentials.hpp"
#include "proxy/session/origin.hpp"

#include <mysqlwire/crypto/native_password.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using namespace mysqlproxy;
using namespace mysqlproxy::lending;

namespace {

std::shared_ptr<const Borrower> borrower(std::string_view user, std::string_view password,
                                         const Origin* origin = nullptr) {
  Credentials credentials;
  credentials.user = user;
  if (!password.empty()) credentials.secret.sha1 = mysqlwire::crypto::stage1(password);
  return Borrower::make(credentials, {}, origin);
}

}  // namespace

TEST_CASE("borrowers that are the same are one object", "[lending]") {
  Borrowers known;
  const auto app = known.find(borrower("app", "secret"));
  CHECK(known.find(borrower("app", "secret")) == app);
  CHECK(known.find(borrower("app", "another")) != app);
  CHECK(known.find(borrower("other", "secret")) != app);
  CHECK(known.size() == 3);
  SECTION("but for the address, which some servers are told") {
    Origin origin;
    origin.family = mysqlwire::ProxyFamily::tcp4;
    origin.source.ip = {10, 0, 0, 9};
    const auto there = known.find(borrower("app", "secret", &origin));
    CHECK(there != app);
    CHECK(there->same_login(*app));
  }
  SECTION("and those whose password nobody knows") {
    const auto nobody = known.find(borrower("app", ""));
    CHECK_FALSE(nobody->shareable());
    CHECK(known.find(borrower("app", "")) != nobody);
  }
}

TEST_CASE("borrowers that have left are forgotten", "[lending]") {
  Borrowers known;
  const auto stays = known.find(borrower("app", "secret"));
  for (int i = 0; i < 1000; ++i) known.find(borrower("app" + std::to_string(i), "secret"));
  CHECK(known.size() < 200);
  CHECK(known.find(borrower("app", "secret")) == stays);
}
