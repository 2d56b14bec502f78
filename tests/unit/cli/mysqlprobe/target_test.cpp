#include "cli/mysqlprobe/target.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace mysqlprobe;

namespace {

Target good(const std::string& text) {
  std::string why;
  const auto target = parse_target(text, why);
  INFO(text << ": " << why);
  REQUIRE(target);
  return *target;
}

std::string bad(const std::string& text) {
  std::string why;
  INFO(text);
  CHECK_FALSE(parse_target(text, why));
  CHECK_FALSE(why.empty());
  return why;
}

}  // namespace

TEST_CASE("a host, with and without a port") {
  CHECK(good("db").host == "db");
  CHECK(good("db").port == 3306);
  CHECK(good("db:3307").port == 3307);
  CHECK(good("192.0.2.1:1").host == "192.0.2.1");
  CHECK(good("db").text == "db:3306");
}

TEST_CASE("IPv6") {
  CHECK(good("[2001:db8::1]:3307").host == "2001:db8::1");
  CHECK(good("[2001:db8::1]:3307").port == 3307);
  CHECK(good("[::1]").host == "::1");
  CHECK(good("::1").host == "::1");
  CHECK(good("::1").text == "[::1]:3306");
  bad("[::1");
  bad("[::1]x");
  bad("[nothing]:1");
  bad("a:b:c");
}

TEST_CASE("a unix socket") {
  const Target target = good("unix:/run/mysqld.sock");
  CHECK(target.kind == Target::Kind::unix_socket);
  CHECK(target.path == "/run/mysqld.sock");
  CHECK(good("/tmp/s").path == "/tmp/s");
  bad("unix:");
  bad("unix:/" + std::string(200, 'x'));
}

TEST_CASE("a URL") {
  const Target target = good("mysql://app%40x@db:3307/shop?tls=verify-ca");
  CHECK(target.host == "db");
  CHECK(target.port == 3307);
  CHECK(target.user == "app@x");
  CHECK(target.database == "shop");
  CHECK(target.tls == TlsMode::verify_ca);
  CHECK_FALSE(target.password);
  CHECK(good("mysql://[::1]:1/").host == "::1");
  CHECK_FALSE(good("mysql://db").user);
  CHECK(good("mysql:///x").host == "localhost");
  CHECK(good("mysql://u@/x?socket=/tmp/s").kind == Target::Kind::unix_socket);
  CHECK(good("mariadb://db").host == "db");
}

TEST_CASE("a password in a URL is taken, and not repeated") {
  const Target target = good("mysql://u:p%3a%40ss@db");
  REQUIRE(target.password);
  CHECK(mysqlwire::as_text(target.password->bytes()) == "p:@ss");
  CHECK(target.text == "db:3306");
  CHECK(bad("mysql://u:hidden@db:99999").find("hidden") == std::string::npos);
}

TEST_CASE("no part of a password that is not escaped is repeated") {
  for (const std::string text :
       {"mysql://app:SECRET/Vpw@h:1", "mysql://app:SECRET?Vpw@h", "mysql://app:1/SECRET@h",
        "mysql://app/x:SECRET@h", "mysql://app:a@SECRET/b@h", "mysql://app:a?tls=SECRET@h",
        "mysql://app:a?SECRET=b@h", "mysql://app:[SECRET]/@h"}) {
    const std::string why = bad(text);
    CHECK(why.find("SECRET") == std::string::npos);
    CHECK(why.find("%2F") != std::string::npos);
  }
  for (const std::string text : {"mysql://app:SECRET", "app:SECRET@h", "app:SECRET/x@h",
                                 "app:SECRET", "[SECRET@h", "app@SECRET://h"})
    CHECK(bad(text).find("SECRET") == std::string::npos);
  CHECK(good("mysql://app:S%2fp%40w@h/a%40b").database == "a@b");
}

TEST_CASE("what is no target") {
  bad("");
  bad(":3306");
  bad("db:");
  bad("db:0");
  bad("db:65536");
  bad("db:12x");
  bad("http://db");
  bad("mysql://db?what=1");
  bad("mysql://db?tls=maybe");
  bad("mysql://u%4@db");
  bad("two words");
  bad(std::string("a\0b", 3));
}

TEST_CASE("TLS modes are spelled in several ways") {
  CHECK(parse_tls_mode("VERIFY_CA") == TlsMode::verify_ca);
  CHECK(parse_tls_mode("verify-identity") == TlsMode::verify_identity);
  CHECK_FALSE(parse_tls_mode("verify"));
  CHECK(to_string(TlsMode::preferred) == "preferred");
}
