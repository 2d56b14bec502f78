#include "cli/mysqlprobe/diagnosis.hpp"

#include <catch2/catch.hpp>
#include <openssl/x509_vfy.h>

#include <string>

using namespace mysqlprobe;

namespace {

LoginFacts greeted() {
  LoginFacts facts;
  facts.host = "db";
  facts.port = 3306;
  facts.greeted = true;
  facts.responded = true;
  facts.user = "app";
  facts.password = true;
  facts.tls_offered = true;
  facts.plugin = "mysql_native_password";
  return facts;
}

Diagnosis err(std::int64_t code, const LoginFacts& facts, const std::string& message = "") {
  return diagnose({FailureKind::err_packet, "response", code, "HY000", message}, facts);
}

bool says(const Diagnosis& diagnosis, const std::string& word) {
  for (const Cause& each : diagnosis.causes)
    if (each.cause.find(word) != std::string::npos || each.advice.find(word) != std::string::npos)
      return true;
  return false;
}

}  // namespace

TEST_CASE("access denied: the causes by what is known") {
  LoginFacts facts = greeted();
  Diagnosis found =
      err(1045, facts, "Access denied for user 'app'@'10.0.0.9' (using password: YES)");
  CHECK(found.exit == ExitCode::refused);
  CHECK(found.causes[0].cause == "The password is wrong.");
  CHECK(says(found, "REQUIRE SSL"));
  CHECK(says(found, "--tls required"));
  CHECK(says(found, "10.0.0.9"));
  CHECK_FALSE(says(found, "X509"));

  facts.tls = true;
  found = err(1045, facts, "Access denied for user 'app'@'10.0.0.9' (using password: YES)");
  CHECK_FALSE(says(found, "REQUIRE SSL)"));
  CHECK(says(found, "X509"));

  facts.password = false;
  found = err(1045, facts, "Access denied for user 'app'@'10.0.0.9' (using password: NO)");
  CHECK(found.causes[0].cause.starts_with("No password was sent"));

  facts.password = true;
  facts.key_requested = true;
  CHECK(err(1045, facts).causes[0].cause.find("no RSA key") != std::string::npos);
}

TEST_CASE("errors before the login end with 7") {
  LoginFacts facts;
  facts.host = "db";
  for (const int code : {1040, 1129, 1130, 1053, 4711}) {
    INFO(code);
    CHECK(err(code, facts).exit == ExitCode::early);
  }
  CHECK(says(err(1129, facts), "FLUSH HOSTS"));
  CHECK(says(err(1040, facts), "max_connections"));
  // Also where servers say it later.
  CHECK(err(1040, greeted()).exit == ExitCode::early);
}

TEST_CASE("a code that two servers use differently") {
  LoginFacts facts = greeted();
  facts.flavor = mysqlwire::Flavor::mariadb;
  CHECK(says(err(4151, facts), "locked"));
  CHECK_FALSE(says(err(3118, facts), "UNLOCK"));
  facts.flavor = mysqlwire::Flavor::mysql;
  CHECK(says(err(3118, facts), "UNLOCK"));
  CHECK_FALSE(says(err(4151, facts), "UNLOCK"));
}

TEST_CASE("exit codes of what servers refuse") {
  const LoginFacts facts = greeted();
  CHECK(err(1049, facts).exit == ExitCode::refused);
  CHECK(err(1044, facts).exit == ExitCode::refused);
  CHECK(err(1698, facts).exit == ExitCode::refused);
  CHECK(err(1862, facts).exit == ExitCode::refused);
  CHECK(err(1524, facts).exit == ExitCode::plugin);
  CHECK(err(1251, facts).exit == ExitCode::plugin);
  CHECK(err(3159, facts).exit == ExitCode::tls);
  CHECK(err(1156, facts).exit == ExitCode::protocol);
  CHECK(says(err(1105, facts), "ER_UNKNOWN_ERROR"));
  CHECK(says(err(60000, facts), "60000"));
}

TEST_CASE("a cold cache without TLS") {
  LoginFacts facts = greeted();
  facts.plugin = "caching_sha2_password";
  facts.full = true;
  const Failure failure{FailureKind::withheld, "full_auth", 0, "", ""};
  CHECK(diagnose(failure, facts).exit == ExitCode::refused);
  CHECK(diagnose(failure, facts).causes[0].advice == "Use --tls required.");
  facts.tls_offered = false;
  CHECK(says(diagnose(failure, facts), "--get-server-public-key"));
  facts.plugin = "mysql_clear_password";
  CHECK(diagnose(failure, facts).exit == ExitCode::plugin);
  CHECK(says(diagnose(failure, facts), "--allow-cleartext"));
}

TEST_CASE("every kind of failure has a cause and a code") {
  const LoginFacts facts;
  for (int kind = 0; kind <= static_cast<int>(FailureKind::check); ++kind)
    for (const char* step : {"resolve", "connect", "greeting", "tls", "response"}) {
      const Diagnosis found = diagnose({static_cast<FailureKind>(kind), step, 0, "", ""}, facts);
      INFO(kind << ' ' << step);
      CHECK_FALSE(found.causes.empty());
      CHECK(found.exit != ExitCode::good);
    }
}

TEST_CASE("certificates") {
  const LoginFacts facts = greeted();
  const auto found = [&](int code) {
    return diagnose({FailureKind::certificate, "tls", code, "", ""}, facts);
  };
  CHECK(found(X509_V_ERR_CERT_HAS_EXPIRED).exit == ExitCode::tls);
  CHECK(says(found(X509_V_ERR_CERT_HAS_EXPIRED), "expired"));
  CHECK(says(found(X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN), "--ca"));
  CHECK(says(found(X509_V_ERR_HOSTNAME_MISMATCH), "another name than db"));
}

TEST_CASE("who speaks there") {
  CHECK(recognise_protocol("HTTP/1.0 400 Bad request") == "an HTTP server");
  CHECK(recognise_protocol("SSH-2.0-OpenSSH_9.2\r\n") == "an SSH server");
  CHECK(recognise_protocol(std::string_view("\x05\0\0\0\x0b\x08\x05\x1a\0", 9)) ==
        "MySQL's X Protocol");
  CHECK(recognise_protocol(std::string_view("\x15\x03\x01\0\x02\x02\x46", 7)) ==
        "a server that speaks TLS from the start");
  CHECK(recognise_protocol("").empty());
  CHECK(recognise_protocol("\x4a").empty());
}
