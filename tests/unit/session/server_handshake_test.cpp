#include <mysqlwire/session/server_change_user.hpp>
#include <mysqlwire/session/server_handshake.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>

#include <catch2/catch.hpp>
#include <support/examples.hpp>
#include <support/hex.hpp>
#include <support/script.hpp>
#include <support/transcript.hpp>

#include <algorithm>
#include <string>
#include <string_view>

using namespace mysqlwire;
using namespace mysqlwire::test;

namespace {

using Step = ServerStep;

/// The greeting with which a transcript begins.
ServerGreeting greeting_of(std::string_view transcript) {
  const auto payload = packet_payload(transcript, 0);
  const auto decoded = HandshakeV10::decode(payload, {});
  REQUIRE(decoded);
  ServerGreeting greeting;
  greeting.server_version = decoded->server_version;
  greeting.connection_id = decoded->connection_id;
  greeting.capabilities = decoded->capabilities;
  greeting.collation = decoded->collation;
  greeting.status = decoded->status;
  greeting.auth_plugin = decoded->auth_plugin_name;
  greeting.salt = decoded->salt();
  return greeting;
}

Script<ServerHandshake> script_for(std::string_view transcript, Limits limits = {}) {
  Script<ServerHandshake> script([=] { return ServerHandshake(greeting_of(transcript), limits); });
  script.act([](auto& role, auto& out) { role.start(out); });
  script.expect_send(packet_hex(transcript, 0));
  return script;
}

void accept(ServerHandshake& role, Buffer& out) { role.accept(hex("00000002000000"), out); }

constexpr const char* bad_handshake = "16000002 ff1304 23 3038533031 4261642068616e647368616b65";
constexpr const char* out_of_order =
    "21000001 ff8404 23 3038533031 476f74207061636b657473206f7574206f66206f72646572";

/// Feeds one packet in place of the login.
struct First {
  explicit First(Bytes payload, std::uint8_t sequence_id = 1, Limits limits = {})
      : role(greeting_of(examples::e5), limits) {
    Buffer greeting;
    role.start(greeting);
    const ExactBytes exact(payload);
    step = role.on_packet({exact, sequence_id, sequence_id}, out);
  }
  ServerHandshake role;
  Buffer out;
  Step step;
};

std::string login_of(const char* capabilities, const std::string& fields) {
  return capabilities + ("00000001 2d" + std::string(46, '0')) + fields;
}

}  // namespace

TEST_CASE("MySQL's switch to mysql_native_password", "[ServerHandshake]") {
  auto script = script_for(examples::e1);
  script.feed(packet_hex(examples::e1, 1), Step::need_verdict);
  script.act([](auto& role, auto& out) {
    const LoginRequest& login = role.login();
    CHECK(login.user == "nat");
    CHECK(login.schema == "test");
    CHECK(login.auth_plugin == "mysql_native_password");
    CHECK(login.capabilities.bits() == 0x2fa20d);
    CHECK(login.max_packet_size == 0x1000000);
    CHECK(login.collation == 45);
    CHECK(role.plugin() == "mysql_native_password");
    CHECK(to_hex(role.auth_response()) == "36d748f80be43a5ebe0778b76ad351fae9f332c8");
    CHECK(to_hex(role.salt()) == "135c344e02491a195c3e593e2521227e1b202343");
    CHECK(role.next_sequence_id() == 2);
    CHECK(role.switch_plugin("mysql_native_password", role.salt(), out) == Step::need_more);
  });
  script.expect_send(packet_hex(examples::e1, 2));
  script.feed(packet_hex(examples::e1, 3), Step::need_verdict);
  script.act([](auto& role, auto& out) {
    CHECK(to_hex(role.auth_response()) == "36d748f80be43a5ebe0778b76ad351fae9f332c8");
    CHECK(to_hex(role.salt()) == "135c344e02491a195c3e593e2521227e1b202343");
    accept(role, out);
    CHECK(role.auth_response().empty());
  });
  script.expect_send(packet_hex(examples::e1, 4));
  script.play_every_way();
}

TEST_CASE("MariaDB's login at once", "[ServerHandshake]") {
  auto script = script_for(examples::e2);
  script.feed(packet_hex(examples::e2, 1), Step::need_verdict);
  script.act([](auto& role, auto& out) {
    CHECK(role.login().capabilities.bits() == 0x2fa20c);
    accept(role, out);
  });
  script.expect_send(packet_hex(examples::e2, 2));
  script.play_every_way();
}

TEST_CASE("caching_sha2_password's full authentication", "[ServerHandshake]") {
  auto script = script_for(examples::e3);
  script.feed(packet_hex(examples::e3, 1), Step::need_verdict);
  script.act([](auto& role, auto& out) { role.more_data(hex("04"), out); });
  script.expect_send(packet_hex(examples::e3, 2));
  script.feed(packet_hex(examples::e3, 3), Step::need_verdict);
  script.act([](auto& role, auto& out) {
    CHECK(to_hex(role.auth_response()) == "02");
    role.more_data(packet_payload(examples::e3, 4).get().subspan(1), out);
  });
  script.expect_send(packet_hex(examples::e3, 4));
  script.feed(packet_hex(examples::e3, 5), Step::need_verdict);
  script.act([](auto& role, auto& out) {
    CHECK(role.auth_response().size() == 256);
    CHECK(role.plugin() == "caching_sha2_password");
    accept(role, out);
  });
  script.expect_send(packet_hex(examples::e3, 6));
  script.play_every_way();
}

TEST_CASE("more data may be followed by the OK at once", "[ServerHandshake]") {
  auto script = script_for(examples::e4);
  script.feed(packet_hex(examples::e4, 1), Step::need_verdict);
  script.act([](auto& role, auto& out) {
    role.more_data(hex("03"), out);
    accept(role, out);
  });
  script.expect_send(packet_hex(examples::e4, 2));
  script.expect_send(packet_hex(examples::e4, 3));
  script.play_every_way();
}

TEST_CASE("TLS in the middle, sequence ids run on", "[ServerHandshake]") {
  auto script = script_for(examples::e5);
  script.feed(packet_hex(examples::e5, 1), Step::start_tls);
  script.feed(packet_hex(examples::e5, 2), Step::need_verdict);
  script.act([](auto& role, auto& out) {
    CHECK(role.tls());
    role.more_data(hex("04"), out);
  });
  script.expect_send(packet_hex(examples::e5, 3));
  script.feed(packet_hex(examples::e5, 4), Step::need_verdict);
  script.act([](auto& role, auto& out) {
    CHECK(as_text(role.auth_response()) == std::string_view("secret\0", 7));
    accept(role, out);
  });
  script.expect_send(packet_hex(examples::e5, 5));
  script.play_every_way();
}

TEST_CASE("a nonce of 32 bytes gets no NUL, and several switches may follow", "[ServerHandshake]") {
  auto script = script_for(examples::e2);
  script.feed(packet_hex(examples::e2, 1), Step::need_verdict);
  script.act([](auto& role, auto& out) {
    role.switch_plugin("client_ed25519", packet_payload(examples::e6, 0).get().subspan(16), out);
  });
  script.expect_send(packet_hex(examples::e6, 0));
  script.feed(packet_hex(examples::e6, 1), Step::need_verdict);
  script.act([](auto& role, auto& out) {
    CHECK(role.plugin() == "client_ed25519");
    CHECK(role.salt().size() == 32);
    CHECK(role.auth_response().size() == 64);
    role.switch_plugin("mysql_clear_password", {}, out);
  });
  script.expect_send("16000004 fe 6d7973716c5f636c6561725f70617373776f7264 00");
  script.feed("07000005 73656372657400", Step::need_verdict);
  script.act([](auto& role, auto& out) { role.reject(hex("ff15044e6f"), out); });
  script.expect_send("05000006 ff15044e6f");
  script.play_every_way();
}

TEST_CASE("a refusal needs neither greeting nor login", "[ServerHandshake]") {
  Buffer out;
  ServerHandshake early(greeting_of(examples::e1));
  early.reject(packet_payload(examples::e7, 0), out);
  CHECK(to_hex(out) == to_hex(hex(packet_hex(examples::e7, 0))));

  ServerHandshake late(greeting_of(examples::e1));
  late.start(out);
  out.clear();
  late.reject(packet_payload(examples::e7, 0), out);
  CHECK(out[3] == 1);
}

TEST_CASE("a client from before 4.1 gets an ERR that it can read", "[ServerHandshake]") {
  const First old(hex("8424 000000 6f6c6400 47444e52415e4d5a00"));
  CHECK(old.step == Step::refused);
  CHECK(to_hex(old.out).substr(0, 14) == to_hex(hex("67000002 ffe304")));
  CHECK(as_text(Bytes(old.out).subspan(7)) ==
        "Client does not support authentication protocol requested by server; consider upgrading "
        "MySQL client");
  CHECK(old.role.error().code == errc::unsupported);

  const First no_secure(hex(login_of("00020000", "7500 00")));
  CHECK(no_secure.step == Step::refused);
  CHECK(as_text(Bytes(no_secure.out).subspan(4, 9)) == "\xff\xe3\x04#08004");
}

TEST_CASE("what is no login is a bad handshake", "[ServerHandshake]") {
  const std::string user_129(385 * 2, '6');
  const std::string capabilities_only = "00820000";
  for (const std::string& payload :
       {std::string("16"), std::string("0353454c"), capabilities_only, login_of("00820000", ""),
        login_of("00820000", "7500 05 01"), login_of("00820000", user_129 + "00 00"),
        login_of("00822000", "7500 fc0104" + std::string(1025 * 2, '1')),
        login_of("08820000", "7500 00" + std::string(257 * 2, '6') + "00"),
        login_of("00820800", "7500 00" + std::string(65 * 2, '6') + "00"),
        login_of("00821000", "7500 00"),
        login_of("00821000", "7500 00 fd000001" + std::string(0x10000 * 2, '0'))}) {
    const First first(hex(payload));
    INFO(payload.substr(0, 100));
    CHECK(first.step == Step::refused);
    CHECK(to_hex(first.out) == to_hex(hex(bad_handshake)));
  }
  // The longest that is let in.
  const First most(hex(
      login_of("08823800", std::string(384 * 2, '6') + "00 fc0004" + std::string(1024 * 2, '1') +
                               std::string(256 * 2, '6') + "00" + std::string(64 * 2, '6') +
                               "00 fcffff" + "fdfaff00" + std::string(0xfffa * 2, '0') + "00")));
  CHECK(most.step == Step::need_verdict);
  CHECK(most.role.login().attributes.size() == 0xffff);
}

TEST_CASE("a payload over the limit is refused before it is looked at", "[ServerHandshake]") {
  ServerHandshake role(greeting_of(examples::e1));
  Buffer out;
  role.start(out);
  CHECK(role.max_payload() < 70000);
  const Buffer large(role.max_payload() + 1, 0x55);
  out.clear();
  CHECK(role.on_packet({large, 1, 1}, out) == Step::refused);
  CHECK(to_hex(out).substr(8, 6) == "ff8104");
}

TEST_CASE("sequence ids and framing errors", "[ServerHandshake]") {
  const First first(packet_payload(examples::e5, 2), 3);
  CHECK(first.step == Step::refused);
  CHECK(to_hex(first.out) == to_hex(hex(out_of_order)));
  CHECK(first.role.error().code == errc::packets_out_of_order);

  ServerHandshake role(greeting_of(examples::e1));
  Buffer out;
  role.start(out);
  out.clear();
  CHECK(role.refuse({errc::packets_out_of_order, 0, "", ""}, out) == Step::refused);
  CHECK(to_hex(out) == to_hex(hex(out_of_order)));
}

TEST_CASE("a probe that takes its leave is no error", "[ServerHandshake]") {
  CHECK(First(hex("01")).step == Step::quit);
  CHECK(First(hex("01"), 0).step == Step::quit);
  const First gone(hex("01"), 0);
  CHECK(gone.out.empty());

  // Within the rounds one byte is plugin data, but a command starts at 0.
  First login(packet_payload(examples::e4, 1));
  REQUIRE(login.step == Step::need_verdict);
  login.role.switch_plugin("sha256_password", login.role.salt(), login.out);
  const auto ask_key = hex("01");
  CHECK(login.role.on_packet({ask_key, 3, 3}, login.out) == Step::need_verdict);
  login.role.more_data(ask_key, login.out);
  CHECK(login.role.on_packet({ask_key, 0, 0}, login.out) == Step::quit);
}

TEST_CASE("an empty packet is no login and no leave", "[ServerHandshake]") {
  const First empty({});
  CHECK(empty.step == Step::refused);
  CHECK(to_hex(empty.out) == to_hex(hex(bad_handshake)));
}

TEST_CASE("TLS asked for in ways that are refused", "[ServerHandshake]") {
  SECTION("the greeting did not offer it") {
    auto script = script_for(examples::e2);
    script.feed(packet_hex(examples::e5, 1), Step::refused);
    script.expect_send(bad_handshake);
    script.play();
  }
  SECTION("a whole login in clear that has SSL set") {
    const First first(packet_payload(examples::e5, 2));
    CHECK(first.step == Step::refused);
    CHECK(to_hex(first.out) == to_hex(hex(bad_handshake)));
  }
  SECTION("twice") {
    First first(packet_payload(examples::e5, 1));
    CHECK(first.step == Step::start_tls);
    const auto again = packet_payload(examples::e5, 1);
    CHECK(first.role.on_packet({again, 2, 2}, first.out) == Step::refused);
  }
  SECTION("the old short form is taken") { CHECK(First(hex("00aa0000")).step == Step::start_tls); }
}

TEST_CASE("what the login inside TLS says counts", "[ServerHandshake]") {
  First first(hex(login_of("01aa0000", "")));
  REQUIRE(first.step == Step::start_tls);
  const auto login = packet_payload(examples::e5, 2);
  REQUIRE(first.role.on_packet({login, 2, 2}, first.out) == Step::need_verdict);
  CHECK(first.role.login().capabilities.bits() == 0x2faa05);
}

TEST_CASE("capabilities that were not offered are masked", "[ServerHandshake]") {
  auto greeting = greeting_of(examples::e1);
  greeting.capabilities = Capabilities(std::uint64_t{0x8a200 | 1});
  ServerHandshake role(greeting);
  Buffer out;
  role.start(out);
  // All bits but SSL, among them unknown ones; laid out by what is set.
  const auto login =
      hex("fff7ffff 00000001 2d" + std::string(46, '0') + "277127 00 0101 7300 7000 00 05");
  REQUIRE(role.on_packet({login, 1, 1}, out) == Step::need_verdict);
  CHECK(role.login().capabilities.bits() == 0x8a201);
  CHECK(role.login().user == "q");
  CHECK(role.login().zstd_compression_level == 5);
}

TEST_CASE("attributes may be missing where none were offered to be taken", "[ServerHandshake]") {
  auto greeting = greeting_of(examples::e1);
  greeting.capabilities.set(Capability::connect_attrs, false);
  ServerHandshake role(greeting);
  Buffer out;
  role.start(out);
  const auto login = hex(login_of("00821000", "7500 00"));
  CHECK(role.on_packet({login, 1, 1}, out) == Step::need_verdict);
  CHECK_FALSE(role.login().capabilities.has(Capability::connect_attrs));
}

TEST_CASE("a client without PLUGIN_AUTH can't be switched", "[ServerHandshake]") {
  First first(hex(login_of("00820000", "7500 00")));
  REQUIRE(first.step == Step::need_verdict);
  CHECK(first.role.plugin() == "mysql_native_password");
  CHECK(first.role.login().auth_plugin.empty());
  CHECK(first.role.switch_plugin("caching_sha2_password", {}, first.out) == Step::refused);
  CHECK(as_text(Bytes(first.out).subspan(3, 10)) == "\x02\xff\xe3\x04#08004");
}

TEST_CASE("rounds are bounded", "[ServerHandshake]") {
  Limits limits;
  limits.max_auth_rounds = 2;
  First first(packet_payload(examples::e4, 1), 1, limits);
  const auto byte = hex("02");
  std::uint8_t id = 3;
  for (int round = 0; round < 2; ++round, id = static_cast<std::uint8_t>(id + 2)) {
    CHECK(first.role.more_data(byte, first.out) == Step::need_more);
    CHECK(first.role.on_packet({byte, id, id}, first.out) == Step::need_verdict);
  }
  CHECK(first.role.more_data(byte, first.out) == Step::refused);
  CHECK(first.role.error().code == errc::limit_exceeded);
}

TEST_CASE("nothing is taken before the greeting, before a verdict, or after one",
          "[ServerHandshake]") {
  Buffer out;
  const auto login = packet_payload(examples::e4, 1);
  ServerHandshake early(greeting_of(examples::e4));
  CHECK(early.on_packet({login, 1, 1}, out) == Step::refused);

  First pending(login);
  CHECK(pending.role.on_packet({login, 2, 2}, out) == Step::refused);
  CHECK(pending.role.error().code == errc::unexpected_packet);

  First done(login);
  done.role.accept(hex("00000002000000"), out);
  CHECK(done.role.on_packet({login, 3, 3}, out) == Step::refused);
}

TEST_CASE("COM_CHANGE_USER is answered by a switch", "[ServerChangeUser]") {
  Salt salt;
  const auto bytes = hex("250e7d267d222a657f6c0b39456a6f5e222c6a3c");
  std::ranges::copy(bytes.get(), salt.begin());
  Script<ServerChangeUser> script(
      [=] { return ServerChangeUser(Capabilities(std::uint64_t{0x2fa20d}), Flavor::mysql, salt); });
  script.feed(packet_hex(examples::e13, 0), Step::need_verdict);
  script.act([](auto& role, auto& out) {
    CHECK(role.switch_required());
    CHECK(role.auth_response().empty());
    CHECK(role.login().user == "nat");
    CHECK(role.login().schema == "test");
    CHECK(role.login().collation == 45);
    CHECK(role.plugin() == "mysql_native_password");
    role.switch_plugin(role.plugin(), role.salt(), out);
    CHECK_FALSE(role.switch_required());
  });
  script.expect_send(packet_hex(examples::e13, 1));
  script.feed(packet_hex(examples::e13, 2), Step::need_verdict);
  script.act([](auto& role, auto& out) {
    CHECK(to_hex(role.auth_response()) == "f0312f025da54376ffa937e6ff12a7e295870a58");
    role.accept(hex("00000002000000"), out);
  });
  script.expect_send(packet_hex(examples::e13, 3));
  script.play_every_way();
}

TEST_CASE("a login by another plugin than the greeting's, without data, has to be asked anew",
          "[ServerHandshake]") {
  const Capabilities capabilities = Capability::protocol_41 | Capability::secure_connection |
                                    Capability::plugin_auth |
                                    Capability::plugin_auth_lenenc_client_data;
  struct {
    const char* plugin;
    const char* response;
    bool required;
  } const cases[] = {{"caching_sha2_password", "", true},
                     {"caching_sha2_password", "x", false},
                     {"mysql_native_password", "", false},
                     {"", "", false}};
  for (const auto& one : cases) {
    INFO(one.plugin << " " << one.response);
    ServerGreeting greeting;
    greeting.server_version = "8.0.15";
    greeting.capabilities = capabilities;
    greeting.auth_plugin = "mysql_native_password";
    ServerHandshake role(greeting);
    Buffer out;
    role.start(out);
    HandshakeResponse41 response;
    response.capabilities = capabilities;
    response.user = "u";
    response.auth_plugin_name = one.plugin;
    response.auth_response = as_bytes(one.response);
    Context context;
    context.capabilities = capabilities;
    Buffer login;
    Writer writer(login);
    response.encode(writer, context);
    CHECK(role.on_packet({login, 1, 1}, out) == Step::need_verdict);
    CHECK(role.switch_required() == one.required);
    CHECK(role.switch_plugin("mysql_native_password", role.salt(), out) == Step::need_more);
    CHECK_FALSE(role.switch_required());
  }
}

TEST_CASE("COM_CHANGE_USER without plugins brings its own reply", "[ServerChangeUser]") {
  Buffer out;
  ServerChangeUser role(Capability::protocol_41 | Capability::secure_connection, Flavor::mysql, {});
  const auto command = hex("11 7500 02 0102 7300 2d00");
  CHECK(role.on_packet({command, 0, 0}, out) == Step::need_verdict);
  CHECK_FALSE(role.switch_required());
  CHECK(to_hex(role.auth_response()) == "0102");
  CHECK(role.plugin() == "mysql_native_password");
}

TEST_CASE("a COM_CHANGE_USER that can't be read is an unknown command", "[ServerChangeUser]") {
  for (const char* command : {"11", "11 75", "11 7500 00 7300", "03 7500 00 7300 2d00 6e00"}) {
    Buffer out;
    const auto bytes = hex(command);
    ServerChangeUser role(Capabilities(std::uint64_t{0x2fa20d}), Flavor::mysql, {});
    CHECK(role.on_packet({bytes, 0, 0}, out) == Step::refused);
    CHECK(to_hex(out) ==
          to_hex(hex("18000001 ff1704 23 3038533031 556e6b6e6f776e20636f6d6d616e64")));
  }
  // The same with attributes agreed upon, of which not even the length is there.
  for (const bool with_attributes : {false, true}) {
    Buffer out;
    const auto bytes =
        hex(with_attributes ? "11 7500 00 7300 2d00 6e00 00" : "11 7500 00 7300 2d00 6e00");
    ServerChangeUser role(Capabilities(std::uint64_t{0x3fa20d}), Flavor::mysql, {});
    CHECK(role.on_packet({bytes, 0, 0}, out) ==
          (with_attributes ? Step::need_verdict : Step::refused));
  }
}
