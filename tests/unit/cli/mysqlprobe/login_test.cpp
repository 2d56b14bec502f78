// The login's machine against a server of our own role, without any socket.
#include "cli/mysqlprobe/login.hpp"

#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/ok_packet.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mysqlprobe;
using namespace mysqlwire;
using Want = LoginMachine::Want;

namespace {

Capabilities offered(bool tls) {
  Capabilities caps = usual_capabilities();
  caps.set(Capability::ssl, tls);
  return caps;
}

template <class Message>
Buffer packet(const Message& message, std::uint8_t id) {
  Buffer out;
  Context context;
  context.capabilities = offered(false);
  REQUIRE(append_message(out, message, context, id));
  return out;
}

Buffer greeting(std::string_view plugin, bool tls = false) {
  static const Buffer salt(20, std::uint8_t{'s'});
  HandshakeV10 message;
  message.server_version = "8.0.36";
  message.connection_id = 7;
  message.auth_plugin_data_part1 = Bytes(salt).first(8);
  message.auth_plugin_data_part2 = Bytes(salt).subspan(8);
  message.capabilities = offered(tls);
  message.auth_plugin_name = plugin;
  return packet(message, 0);
}

Buffer ask(std::string_view plugin, std::uint8_t id) {
  static const Buffer salt = [] {
    Buffer bytes(20, std::uint8_t{'t'});
    bytes.push_back(0);
    return bytes;
  }();
  return packet(AuthSwitchRequest{plugin, salt}, id);
}

Buffer more(std::initializer_list<std::uint8_t> data, std::uint8_t id) {
  const Buffer bytes(data);
  return packet(AuthMoreData{bytes}, id);
}

struct Fixture {
  explicit Fixture(LoginPlan given = {}, TlsMode tls = TlsMode::preferred)
      : password(as_bytes("secret")), plan(std::move(given)) {
    plan.user = "app";
    machine = std::make_unique<LoginMachine>(plan, tls, password, LoginFacts{});
  }
  Want feed(const Buffer& bytes) {
    out.clear();
    return machine->feed(bytes, out);
  }
  std::string steps() {
    std::string names;
    for (const Step& step : machine->take_steps()) names += step.name + " ";
    return names;
  }

  crypto::SecretBytes password;
  LoginPlan plan;
  std::unique_ptr<LoginMachine> machine;
  Buffer out;
};

}  // namespace

TEST_CASE("a login, byte by byte") {
  Fixture login;
  const Buffer bytes = greeting("mysql_native_password");
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i)
    REQUIRE(login.feed(Buffer{bytes[i]}) == Want::bytes);
  REQUIRE(login.feed(Buffer{bytes.back()}) == Want::bytes);
  CHECK_FALSE(login.out.empty());
  CHECK(login.steps() == "greeting response ");
  CHECK(login.feed(packet(OkPacket{}, 2)) == Want::done);
  CHECK(login.steps() == "ok ");
  CHECK(login.machine->facts().plugin == "mysql_native_password");
}

TEST_CASE("a switch, and the fast path") {
  Fixture login;
  REQUIRE(login.feed(greeting("mysql_native_password")) == Want::bytes);
  REQUIRE(login.feed(ask("caching_sha2_password", 2)) == Want::bytes);
  CHECK(login.out.size() == 4 + 32);
  REQUIRE(login.feed(more({3}, 4)) == Want::bytes);
  CHECK(login.feed(packet(OkPacket{}, 5)) == Want::done);
  CHECK(login.steps() == "greeting response switch fast_auth ok ");
  CHECK(login.machine->facts().fast);
}

TEST_CASE("a cold cache without TLS gives nothing away") {
  Fixture login;
  REQUIRE(login.feed(greeting("caching_sha2_password")) == Want::bytes);
  REQUIRE(login.feed(more({4}, 2)) == Want::failed);
  CHECK(login.out.empty());
  CHECK(login.machine->failure().kind == FailureKind::withheld);
  CHECK(login.machine->failure().step == "full_auth");
}

TEST_CASE("a server may not ask for the password in clear") {
  for (const bool allowed : {false, true}) {
    LoginPlan plan;
    plan.allow_cleartext = allowed;
    Fixture login(plan);
    REQUIRE(login.feed(greeting("mysql_native_password")) == Want::bytes);
    const Want want = login.feed(packet(AuthSwitchRequest{"mysql_clear_password", {}}, 2));
    CHECK(want == (allowed ? Want::bytes : Want::failed));
    const std::string sent(login.out.begin(), login.out.end());
    CHECK((sent.find("secret") != std::string::npos) == allowed);
    if (!allowed) CHECK(login.machine->failure().kind == FailureKind::withheld);
  }
}

TEST_CASE("a pinned key is used, and no other is asked for") {
  LoginPlan plan;
  plan.public_key = "-----BEGIN PUBLIC KEY-----\nnone\n-----END PUBLIC KEY-----\n";
  plan.take_public_key = true;
  Fixture login(plan);
  REQUIRE(login.feed(greeting("caching_sha2_password")) == Want::bytes);
  CHECK(login.feed(more({4}, 2)) == Want::failed);
  CHECK_FALSE(login.machine->facts().key_requested);
}

TEST_CASE("plugins that nobody has") {
  Fixture login;
  REQUIRE(login.feed(greeting("mysql_native_password")) == Want::bytes);
  REQUIRE(login.feed(ask("auth_gssapi_client", 2)) == Want::failed);
  CHECK(login.machine->failure().kind == FailureKind::plugin);
  Fixture old;
  REQUIRE(old.feed(greeting("mysql_native_password")) == Want::bytes);
  REQUIRE(old.feed(Buffer{1, 0, 0, 2, 0xfe}) == Want::failed);
  CHECK(old.machine->failure().kind == FailureKind::plugin);
  CHECK(old.machine->facts().plugin == "mysql_old_password");
}

TEST_CASE("TLS, asked for and not offered") {
  Fixture strict({}, TlsMode::required);
  REQUIRE(strict.feed(greeting("mysql_native_password")) == Want::failed);
  CHECK(strict.machine->failure().kind == FailureKind::tls_absent);
  Fixture login({}, TlsMode::required);
  REQUIRE(login.feed(greeting("mysql_native_password", true)) == Want::tls);
  CHECK(login.out.size() == 4 + 32);
  login.out.clear();
  CHECK(login.machine->tls_established(login.out) == Want::bytes);
  CHECK(login.machine->facts().tls);
}

TEST_CASE("bytes behind the greeting can't slip into TLS") {
  Fixture login({}, TlsMode::required);
  Buffer bytes = greeting("mysql_native_password", true);
  const Buffer injected = packet(OkPacket{}, 2);
  bytes.insert(bytes.end(), injected.begin(), injected.end());
  REQUIRE(login.feed(bytes) == Want::failed);
  CHECK(login.machine->failure().kind == FailureKind::protocol);
}

TEST_CASE("what comes in place of a greeting") {
  const auto kind = [](std::string_view text) {
    Fixture login;
    const Want want = login.feed(Buffer(as_bytes(text).begin(), as_bytes(text).end()));
    REQUIRE(want == Want::failed);
    return login.machine->failure().kind;
  };
  CHECK(kind("SSH-2.0-OpenSSH_9.2p1\r\n") == FailureKind::foreign);
  CHECK(kind("HTTP/1.1 400 Bad Request\r\n\r\n") == FailureKind::foreign);
  CHECK(kind({"\x05\0\0\0\x0b\x08\x05\x1a\0", 9}) == FailureKind::foreign);
  CHECK(kind({"\x05\0\0\0\x09\x33\x2e\x32\0", 9}) == FailureKind::protocol);
  CHECK(kind({"\x03\0\0\0\x0a\x38\0", 7}) == FailureKind::protocol);

  Fixture early;
  REQUIRE(early.feed(packet(ErrPacket{1040, "", "Too many connections"}, 0)) == Want::failed);
  CHECK(early.machine->failure().kind == FailureKind::err_packet);
  CHECK(early.machine->failure().code == 1040);
  CHECK_FALSE(early.machine->facts().greeted);
}

TEST_CASE("a server that never ends its questions") {
  Fixture login;
  REQUIRE(login.feed(greeting("mysql_native_password")) == Want::bytes);
  std::uint8_t id = 2;
  Want want = Want::bytes;
  for (int i = 0; i < 20 && want == Want::bytes; ++i, id = static_cast<std::uint8_t>(id + 2))
    want = login.feed(ask("mysql_native_password", id));
  REQUIRE(want == Want::failed);
  CHECK(login.machine->failure().kind == FailureKind::protocol);
}
