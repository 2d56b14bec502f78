#include <mysqlwire/crypto/native_password.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <string>
#include <string_view>

using namespace mysqlwire;
using mysqlwire::test::hex;
using mysqlwire::test::to_hex;

namespace {

/// One login seen on a wire: the salt of the greeting and the reply of a client with "secret".
struct SeenLogin {
  const char* salt;
  const char* response;
};

constexpr SeenLogin mysql_login{"135c344e02491a195c3e593e2521227e1b202343",
                                "36d748f80be43a5ebe0778b76ad351fae9f332c8"};
constexpr SeenLogin mariadb_login{"316c4f2874354848732b79437e754f6a48685241",
                                  "f8fc398f308f3f66e992074e2e659db6be5bc311"};

constexpr const char* secret_stage1 = "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4";
constexpr const char* secret_stage2 = "14e65567abdb5135d0cfd9a70b3032c179a49ee7";

}  // namespace

TEST_CASE("the two stages of a password", "[native_password]") {
  CHECK(to_hex(crypto::stage1("secret").bytes()) == secret_stage1);
  CHECK(to_hex(crypto::native_hash("secret")) == secret_stage2);
  CHECK(crypto::format_native_hash(crypto::native_hash("secret")) ==
        "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7");
}

TEST_CASE("the responses that real clients sent", "[native_password]") {
  for (const auto& login : {mysql_login, mariadb_login}) {
    const auto salt = hex(login.salt);
    CHECK(to_hex(crypto::scramble("secret", salt)) == login.response);
    CHECK(to_hex(crypto::scramble(crypto::stage1("secret"), salt)) == login.response);
    CHECK(to_hex(crypto::native_response("secret", salt)) == login.response);
  }
  CHECK(crypto::native_response("", hex(mysql_login.salt)).empty());
}

TEST_CASE("a good response gives SHA1(password), which answers another server's salt",
          "[native_password]") {
  const auto stage2 = crypto::native_hash("secret");
  const auto recovered =
      crypto::recover_stage1(hex(mysql_login.response), hex(mysql_login.salt), stage2);
  REQUIRE(recovered.has_value());
  CHECK(to_hex(recovered->bytes()) == secret_stage1);
  CHECK(to_hex(crypto::scramble(*recovered, hex(mariadb_login.salt))) == mariadb_login.response);
}

TEST_CASE("a wrong response is refused, whatever it is", "[native_password]") {
  const auto stage2 = crypto::native_hash("secret");
  const auto salt = hex(mysql_login.salt);
  CHECK_FALSE(crypto::recover_stage1(hex(mariadb_login.response), salt, stage2));
  CHECK_FALSE(crypto::recover_stage1(crypto::scramble("Secret", salt), salt, stage2));
  CHECK_FALSE(crypto::recover_stage1({}, salt, stage2));
  // The stored hash itself opens nothing.
  CHECK_FALSE(crypto::recover_stage1(stage2, salt, stage2));

  auto response = crypto::scramble("secret", salt);
  for (std::size_t bit = 0; bit < 160; ++bit) {
    const auto flip = static_cast<std::uint8_t>(1U << bit % 8);
    response[bit / 8] = static_cast<std::uint8_t>(response[bit / 8] ^ flip);
    CHECK_FALSE(crypto::recover_stage1(response, salt, stage2));
    response[bit / 8] = static_cast<std::uint8_t>(response[bit / 8] ^ flip);
  }
  for (std::size_t size = 0; size < response.size(); ++size) {
    CHECK_FALSE(crypto::recover_stage1(Bytes(response).first(size), salt, stage2));
  }
  CHECK(crypto::recover_stage1(response, salt, stage2));
}

TEST_CASE("stored hashes are read with or without the star, in any case", "[native_password]") {
  for (const char* text :
       {"14e65567abdb5135d0cfd9a70b3032c179a49ee7", "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7",
        "*14e65567ABDB5135d0cfd9a70b3032c179a49ee7"}) {
    const auto parsed = crypto::parse_native_hash(text);
    REQUIRE(parsed);
    CHECK(to_hex(*parsed) == secret_stage2);
  }
}

TEST_CASE("what is no stored hash is refused, in words", "[native_password]") {
  const std::string good(40, 'a');
  const auto code = [](std::string_view text) {
    const auto parsed = crypto::parse_native_hash(text);
    return parsed ? errc::ok : parsed.error().code;
  };
  CHECK(code(good) == errc::ok);
  CHECK(code("") == errc::truncated);
  CHECK(code("*") == errc::truncated);
  CHECK(code(good.substr(1)) == errc::truncated);
  CHECK(code(good + "a") == errc::too_long);
  CHECK(code("**" + good) == errc::bad_value);
  CHECK(code("*" + good.substr(1) + "g") == errc::bad_value);
  CHECK(code(good + "\n") == errc::bad_value);
  CHECK(crypto::parse_native_hash("*aaxa").error().offset == 3);

  const auto old = crypto::parse_native_hash("6f8c114b58f2ce9e");
  REQUIRE_FALSE(old);
  CHECK(old.error().code == errc::unsupported);
  CHECK_THAT(old.error().message, Catch::StartsWith("pre-4.1 (16 hex digits) hash; set the "
                                                    "password anew with "));
  const auto sha2 = crypto::parse_native_hash("$A$005$salt");
  REQUIRE_FALSE(sha2);
  CHECK_THAT(sha2.error().message, Catch::Contains("caching_sha2_password"));
}
