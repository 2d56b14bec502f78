#include "proxy/config/mysql_user.hpp"

#include "proxy/config/user.hpp"

#include <catch2/catch.hpp>

using namespace mysqlproxy;
using Catch::Contains;
using Kind = TransportRule::Kind;

namespace {

const std::string native = "*B69027D44F6E5EDC07F1AEAD1477967B16F28227";
const std::string key = "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY";
const std::string crypt_hex =
    "244124303035240D757A083E3F350E16322D31095F135B311D504C7266707A3738382E59616C39747A373354567279"
    "48"
    "666E704743324349344A424E5331346E553746706134";

UserConfig good(const std::string& text) {
  UserConfig account;
  CAPTURE(text);
  CHECK(read_mysql_user(text, account) == "");
  return account;
}

std::string fault(const std::string& text) {
  UserConfig account;
  return read_mysql_user(text, account);
}

std::string repeated(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("what SHOW CREATE USER prints", "[users]") {
  SECTION("MySQL 8.0.15") {
    const auto account =
        good("CREATE USER 'locked'@'10.0.%' IDENTIFIED WITH 'mysql_native_password' AS '" + native +
             "' REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT LOCK PASSWORD HISTORY DEFAULT "
             "PASSWORD REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT");
    CHECK(account.name == "locked");
    CHECK(account.host.text() == "10.0.%");
    CHECK(format_hashes(account.hashes) == std::vector<std::string>{native});
    CHECK(account.require == TransportRule{});
    CHECK(account.locked);
    CHECK_FALSE(account.expired);
  }
  SECTION("newer ones, with the hash in hex") {
    const auto account = good(
        "CREATE USER `a'b`@`localhost` IDENTIFIED WITH "
        "'caching_sha2_password' AS 0x" +
        crypt_hex +
        " REQUIRE X509 PASSWORD EXPIRE ACCOUNT UNLOCK PASSWORD HISTORY "
        "DEFAULT;");
    CHECK(account.name == "a'b");
    CHECK(account.hashes.caching_sha2);
    CHECK(account.require.kind == Kind::x509);
    CHECK(account.expired);
    CHECK_FALSE(account.locked);
  }
  SECTION("an interval is no expiry") {
    CHECK_FALSE(good("CREATE USER a@b IDENTIFIED BY PASSWORD '" + native +
                     "' PASSWORD EXPIRE INTERVAL 90 DAY")
                    .expired);
  }
  SECTION("MariaDB") {
    const auto account = good("CREATE USER `app`@`%` IDENTIFIED VIA mysql_native_password USING '" +
                              native + "' OR ed25519 USING '" + key +
                              "' OR unix_socket REQUIRE ISSUER '/CN=ca' SUBJECT '/CN=it''s\\\\' "
                              "WITH MAX_USER_CONNECTIONS 5 ACCOUNT LOCK PASSWORD EXPIRE");
    CHECK(account.name == "app");
    CHECK(format_hashes(account.hashes) == std::vector<std::string>{native, key});
    CHECK(account.require.kind == Kind::x509);
    CHECK(account.require.issuer == "/CN=ca");
    CHECK(account.require.subject == "/CN=it's\\");
    CHECK(account.locked);
    CHECK(account.expired);
  }
  SECTION("a cipher needs no certificate") {
    const auto account =
        good("CREATE USER a IDENTIFIED BY PASSWORD '" + native + "' REQUIRE CIPHER 'AES'");
    CHECK(account.host.text() == "%");
    CHECK(account.require.kind == Kind::ssl);
    CHECK(account.require.cipher == "AES");
  }
  SECTION("no password") {
    const auto account = good("CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS ''");
    CHECK(account.hashes.native == mysqlwire::crypto::native_hash(""));
  }
  SECTION("a password by one way in, and none by another") {
    const std::string by_native = "mysql_native_password USING '" + native + "'";
    const std::string by_key = "ed25519 USING '" + key + "'";
    const std::string without = "mysql_native_password USING ''";
    const std::string begin = "CREATE USER a IDENTIFIED VIA ";
    for (const auto& with : {by_native, by_key}) {
      const auto alone = good(begin + with).hashes;
      CHECK_FALSE(alone.no_password);
      CHECK(good(begin + with + " OR " + without).hashes == alone);
      CHECK(good(begin + without + " OR " + with).hashes == alone);
    }
    CHECK(good(begin + without + " OR " + without).hashes.no_password);
  }
  SECTION("a plugin that takes nobody in without a password") {
    for (const char* plugin : {"ed25519", "parsec"}) {
      const std::string begin = std::string("CREATE USER a IDENTIFIED VIA ") + plugin;
      UserConfig account;
      CHECK_FALSE(read_mysql_user(begin, account).empty());
      CHECK(account.hashes.empty());
      CHECK_FALSE(
          good(begin + " OR mysql_native_password USING '" + native + "'").hashes.no_password);
    }
  }
}

TEST_CASE("lines of the tables", "[users]") {
  SECTION("four columns") {
    for (const std::string& line :
         {"10.%\tapp\ted25519\t" + key + "\n", "| 10.% | app | ed25519 | " + key + " |"}) {
      const auto account = good(line);
      CHECK(account.name == "app");
      CHECK(account.host.text() == "10.%");
      CHECK(account.hashes.ed25519);
    }
  }
  SECTION("all of MySQL 8's") {
    const auto account =
        good("%\tapp\t" + repeated("N\t", 29) + "ANY\t\t\t\t0\t0\t0\t0\tmysql_native_password\t" +
             native + "\tY\t2026-01-01 00:00:00\tNULL\tY\tN\tN\tNULL\tNULL\tNULL\tNULL");
    CHECK(account.require.kind == Kind::ssl);
    CHECK(account.expired);
    CHECK(account.locked);
    CHECK(account.hashes.native);
  }
  SECTION("all of MariaDB's view") {
    const auto account = good("%\tapp\t" + native + "\t" + repeated("N\t", 30) +
                              "SPECIFIED\t\t/CN=ca\t\t0\t0\t0\t0\tmysql_native_password\t" +
                              native + "\tN\tN\t\t0.000000");
    CHECK(account.require.kind == Kind::x509);
    CHECK(account.require.issuer == "/CN=ca");
    CHECK_FALSE(account.expired);
    CHECK_FALSE(account.locked);
  }
  SECTION("mysql.global_priv") {
    const auto account = good(
        "%\tmulti\t{\"access\":0,\"plugin\":\"mysql_native_password\",\"authentication_string\":"
        "\"" +
        native +
        "\",\"auth_or\":[{},{\"plugin\":\"unix_socket\"},{\"plugin\":\"ed25519\","
        "\"authentication_string\":\"" +
        key +
        "\"}],\"account_locked\":true,\"password_last_changed\":0,\"ssl_type\":3,"
        "\"ssl_cipher\":\"\",\"x509_issuer\":\"/CN=ca\",\"x509_subject\":\"\"}");
    CHECK(account.name == "multi");
    CHECK(format_hashes(account.hashes) == std::vector<std::string>{native, key});
    CHECK(account.locked);
    CHECK(account.expired);
    CHECK(account.require.kind == Kind::x509);
  }
  SECTION("its JSON alone") {
    const auto account = good("{\"access\":0,\"plugin\":\"ed25519\",\"authentication_string\":\"" +
                              key + "\",\"ssl_type\":1}");
    CHECK(account.name.empty());
    CHECK(account.host.text() == "%");
    CHECK(account.require.kind == Kind::ssl);
  }
}

TEST_CASE("what nobody could log in by is said", "[users]") {
  CHECK_THAT(fault("CREATE USER a IDENTIFIED BY 'secret'"), Contains("in clear"));
  CHECK_THAT(fault("CREATE USER a IDENTIFIED WITH x BY 'secret'"), Contains("in clear"));
  CHECK_THAT(fault("CREATE USER a, b"), Contains("more than one"));
  CHECK_THAT(fault("CREATE USER a IDENTIFIED BY PASSWORD 'x"), !Contains("'x"));
  CHECK_THAT(fault("CREATE USER a@'1.2.3.4/5.6.7.8' IDENTIFIED BY PASSWORD 'x'"),
             Contains("host pattern"));
  CHECK_THAT(fault("CREATE USER a IDENTIFIED VIA unix_socket"), Contains("can't be checked"));
  CHECK_THAT(fault("CREATE USER a"), Contains("can't be checked"));
  CHECK_THAT(fault("CREATE USER a IDENTIFIED VIA mysql_old_password USING '6f8c114b58f2ce9e'"),
             Contains("set the password anew"));
  CHECK_THAT(fault("localhost\troot\t{\"access\":0,\"plugin\":\"mysql_native_password\","
                   "\"authentication_string\":\"invalid\",\"auth_or\":[{},{\"plugin\":"
                   "\"unix_socket\"}]}"),
             Contains("40 hex digits"));
  CHECK_THAT(fault("{\"is_role\":true}"), Contains("role"));
  CHECK_THAT(fault("{\"access\":"), Contains("JSON"));
  CHECK_THAT(fault("{\"ssl_type\":9}"), Contains("ssl_type"));
  CHECK_THAT(fault("secret"), Contains("columns") && !Contains("secret"));
  CHECK_THAT(fault(""), Contains("columns"));
  CHECK_THAT(fault(repeated("\t", 60)), Contains("columns"));
}

TEST_CASE("what is formatted is read to the same account", "[users]") {
  UserConfig account =
      good("CREATE USER `a\\'b`@`10.0.%` IDENTIFIED VIA ed25519 USING '" + key +
           "' OR mysql_native_password USING '" + native +
           "' REQUIRE SUBJECT '/CN=\\\\x' CIPHER 'C' ACCOUNT LOCK PASSWORD EXPIRE");
  account.hashes.sha2 = mysqlwire::crypto::sha2_hash("x");
  CHECK(good(format_create_user(account)) == account);
  CHECK_THAT(format_create_user(account, false), !Contains(native));
}

TEST_CASE("any beginning of a line is read without harm", "[users]") {
  const std::string line = "CREATE USER `app`@`%` IDENTIFIED VIA mysql_native_password USING '" +
                           native + "' OR ed25519 USING '" + key +
                           "' REQUIRE ISSUER '/CN=ca' SUBJECT '/CN=x' ACCOUNT LOCK";
  for (std::size_t size = 0; size <= line.size(); ++size) {
    UserConfig account;
    const std::string why = read_mysql_user(line.substr(0, size), account);
    if (why.empty()) CHECK_FALSE(account.hashes.empty());
  }
}

TEST_CASE("what logs in to servers", "[users]") {
  using namespace mysqlwire::crypto;
  const auto read = [](std::string_view text) {
    PasswordSecret secret;
    return read_server_secret(text, secret);
  };
  PasswordSecret secret;
  CHECK(read_server_secret("sha1:5ebe2294ecd0e0f08eab7690d2a6ee695ebe2294\n", secret) == "");
  REQUIRE(secret.sha1);
  CHECK(secret.sha1->bytes()[0] == 0x5e);
  CHECK_FALSE(secret.sha256);
  PasswordSecret all;
  CHECK(read_server_secret("password:pass word\r\n", all) == "");
  CHECK(all.sha1 == stage1("pass word"));
  CHECK(all.sha256 == sha2_stage1("pass word"));
  CHECK_THAT(read(native), Contains("logs in nowhere"));
  CHECK_THAT(read(key), Contains("logs in nowhere") && !Contains(key));
  for (const char* text : {"", "\n", "secret", "sha1:", "sha1:12", "sha256:zz", "password:"})
    CHECK_THAT(read(text), Contains("expected lines"));
}
