#include "cli/mysqlprobe/credentials.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace mysqlprobe;
using mysqlwire::as_bytes;

TEST_CASE("what is hashed is right, and nothing else") {
  const std::string long_one(200, 'p');
  for (const char* plugin :
       {"mysql_native_password", "caching_sha2_password", "sha256_password", "ed25519", "parsec"})
    for (const std::string& password : {std::string("secret"), std::string("it's \"x\" \\"),
                                        std::string("\xc3\xa4\xe2\x82\xac"), long_one}) {
      INFO(plugin << ' ' << password);
      const std::string hash = make_hash(as_bytes(password), plugin, 5000);
      CHECK(verify_hash(as_bytes(password), hash, "").matches);
      CHECK(verify_hash(as_bytes(password), hash, plugin).matches);
      CHECK_FALSE(verify_hash(as_bytes(password + "x"), hash, "").matches);
      CHECK_FALSE(verify_hash({}, hash, "").matches);
    }
  CHECK(make_hash({}, "mysql_native_password", 5000).empty());
  CHECK(verify_hash({}, "", "").matches);
}

TEST_CASE("a known hash") {
  CHECK(make_hash(as_bytes("password"), "mysql_native_password", 0) ==
        "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
  CHECK(
      verify_hash(as_bytes("password"), "*2470c0c06dee42fd1618bb99005adca2ec9d1e19\n", "").matches);
}

TEST_CASE("a hash from before 4.1 is named") {
  try {
    (void)verify_hash(as_bytes("x"), "606717496665bcba", "");
    FAIL("no error");
  } catch (const CredentialError& error) {
    CHECK(std::string(error.what()).find("before MySQL 4.1") != std::string::npos);
  }
  CHECK_THROWS_AS(verify_hash(as_bytes("x"), "nonsense", ""), CredentialError);
  CHECK_THROWS_AS(verify_hash(as_bytes("x"), "*00", "no_such_plugin"), CredentialError);
}

TEST_CASE("answers to a salt") {
  using namespace mysqlwire::crypto;
  mysqlwire::Buffer salt(20, std::uint8_t{0x33});
  const auto native = scramble("secret", salt);
  CHECK(verify_response(as_bytes("secret"), salt, native, "").matches);
  CHECK(verify_response(as_bytes("secret"), salt, native, "").plugin == "mysql_native_password");
  CHECK_FALSE(verify_response(as_bytes("Secret"), salt, native, "").matches);
  const auto sha2 = sha2_scramble(sha2_stage1("secret"), salt);
  CHECK(verify_response(as_bytes("secret"), salt, sha2, "").matches);
  CHECK_FALSE(verify_response({}, salt, sha2, "").matches);
  salt.push_back(0);  // as it stands in an AuthSwitchRequest
  CHECK(verify_response(as_bytes("secret"), salt, sha2, "caching_sha2_password").matches);

  const mysqlwire::Buffer nonce(32, std::uint8_t{7});
  const auto signature = ed25519_sign("secret", nonce);
  CHECK(verify_response(as_bytes("secret"), nonce, signature, "").matches);
  CHECK_FALSE(verify_response(as_bytes("other"), nonce, signature, "").matches);

  CHECK(verify_response({}, salt, {}, "").matches);
  CHECK_FALSE(verify_response(as_bytes("x"), salt, {}, "").matches);
  CHECK_THROWS_AS(verify_response(as_bytes("x"), salt, mysqlwire::Buffer(7), ""), CredentialError);
  CHECK_THROWS_AS(verify_response(as_bytes("x"), nonce, native, ""), CredentialError);
}

TEST_CASE("hex") {
  CHECK(parse_hex("0x00fF") == mysqlwire::Buffer{0, 0xff});
  CHECK(parse_hex("00 ff") == mysqlwire::Buffer{0, 0xff});
  CHECK(parse_hex("") == mysqlwire::Buffer{});
  CHECK_FALSE(parse_hex("0"));
  CHECK_FALSE(parse_hex("0g"));
}
