#include <mysqlwire/session/client_change_user.hpp>
#include <mysqlwire/session/client_handshake.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>

#include <catch2/catch.hpp>
#include <support/examples.hpp>
#include <support/hex.hpp>
#include <support/script.hpp>
#include <support/transcript.hpp>

#include <string>
#include <string_view>

using namespace mysqlwire;
using namespace mysqlwire::test;

namespace {

using Step = ClientStep;

constexpr const char* native_reply = "36d748f80be43a5ebe0778b76ad351fae9f332c8";

/// What the client of the transcripts wanted.
ClientLogin login_as(std::string user, std::string schema, std::uint64_t capabilities) {
  ClientLogin login;
  login.capabilities = Capabilities(capabilities);
  login.max_packet_size = 0x1000000;
  login.collation = 45;
  login.user = std::move(user);
  login.schema = std::move(schema);
  return login;
}

ClientLogin native_login() {
  ClientLogin login = login_as("nat", "test", 0x2fa205);
  login.preferred_plugin = "mysql_native_password";
  return login;
}

Script<ClientHandshake> script_for(ClientLogin login, Limits limits = {}) {
  return Script<ClientHandshake>([=] { return ClientHandshake(login, limits); });
}

/// Answers with fixed bytes.
auto reply(const char* digits) {
  return [=](auto& role, auto& out) { CHECK(role.respond(hex(digits), out) == Step::need_more); };
}

/// A role that has read MySQL's greeting, and perhaps answered it.
struct Greeted {
  explicit Greeted(ClientLogin login, std::string_view transcript = examples::e4,
                   bool answered = true, Limits limits = {})
      : role(std::move(login), limits) {
    const auto greeting = packet_payload(transcript, 0);
    step = role.on_packet({greeting, 0, 0}, out);
    if (answered && step == Step::need_auth) step = role.respond({}, out);
  }
  Step feed(const char* digits, std::uint8_t id = 2) {
    const auto payload = hex(digits);
    return role.on_packet({payload, id, id}, out);
  }
  ClientHandshake role;
  Buffer out;
  Step step;
};

}  // namespace

TEST_CASE("MySQL asks again with a switch", "[ClientHandshake]") {
  auto script = script_for(native_login());
  script.feed(packet_hex(examples::e1, 0), Step::need_auth);
  script.act([](auto& role, auto& out) {
    CHECK(role.greeting().server_version == "8.0.15");
    CHECK(role.greeting().connection_id == 0x144);
    CHECK(role.greeting().auth_plugin == "caching_sha2_password");
    CHECK(role.flavor() == Flavor::mysql);
    CHECK(role.capabilities().bits() == 0x2fa20d);
    CHECK(role.plugin() == "mysql_native_password");
    CHECK(role.auth_source() == AuthSource::greeting);
    CHECK(to_hex(role.auth_data()) == "135c344e02491a195c3e593e2521227e1b202343");
    reply(native_reply)(role, out);
  });
  script.expect_send(packet_hex(examples::e1, 1));
  script.feed(packet_hex(examples::e1, 2), Step::need_auth);
  script.act([](auto& role, auto& out) {
    CHECK(role.auth_source() == AuthSource::switched);
    CHECK(role.plugin() == "mysql_native_password");
    CHECK(to_hex(role.auth_data()) == "135c344e02491a195c3e593e2521227e1b202343");
    reply(native_reply)(role, out);
  });
  script.expect_send(packet_hex(examples::e1, 3));
  script.feed(packet_hex(examples::e1, 4), Step::ready);
  script.act([](auto& role, auto&) { CHECK(to_hex(role.ok_payload()) == "00000002000000"); });
  script.play_every_way();
}

TEST_CASE("MariaDB lets in at once; its bit 0 clears the client's", "[ClientHandshake]") {
  auto script = script_for(native_login());
  script.feed(packet_hex(examples::e2, 0), Step::need_auth);
  script.act([](auto& role, auto& out) {
    CHECK(role.flavor() == Flavor::mariadb);
    CHECK(role.greeting().version() == "10.11.19-MariaDB-0+deb12u1-log");
    CHECK(role.capabilities().bits() == 0x2fa20c);
    reply("f8fc398f308f3f66e992074e2e659db6be5bc311")(role, out);
  });
  script.expect_send(packet_hex(examples::e2, 1));
  script.feed(packet_hex(examples::e2, 2), Step::ready);
  script.play_every_way();
}

TEST_CASE("extended capabilities reach MariaDB and nobody else", "[ClientHandshake]") {
  ClientLogin login = native_login();
  login.capabilities.set(Capability::mariadb_cache_metadata);
  const Greeted mariadb(login, examples::e2);
  CHECK(mariadb.role.capabilities().has(Capability::mariadb_cache_metadata));
  CHECK(to_hex(Bytes(mariadb.out).subspan(4 + 28, 4)) == "10000000");
  const Greeted mysql(login, examples::e1);
  CHECK_FALSE(mysql.role.capabilities().has(Capability::mariadb_cache_metadata));
  CHECK(to_hex(Bytes(mysql.out).subspan(4 + 28, 4)) == "00000000");
}

TEST_CASE("caching_sha2_password by RSA", "[ClientHandshake]") {
  auto script = script_for(login_as("sha", "", 0x2fa205));
  script.feed(packet_hex(examples::e3, 0), Step::need_auth);
  script.act([](auto& role, auto& out) {
    CHECK(role.plugin() == "caching_sha2_password");
    reply("3614e555f329bde04b905f7d3625a3dd03a2f8d664d95262d0b237f9f87eba07")(role, out);
  });
  script.expect_send(packet_hex(examples::e3, 1));
  script.feed(packet_hex(examples::e3, 2), Step::need_auth);
  script.act([](auto& role, auto& out) {
    CHECK(role.auth_source() == AuthSource::more_data);
    CHECK(role.plugin() == "caching_sha2_password");
    CHECK(to_hex(role.auth_data()) == "04");
    reply("02")(role, out);
  });
  script.expect_send(packet_hex(examples::e3, 3));
  script.feed(packet_hex(examples::e3, 4), Step::need_auth);
  script.act([](auto& role, auto& out) {
    CHECK(as_text(role.auth_data()).starts_with("-----BEGIN PUBLIC KEY-----"));
    const auto encrypted = packet_payload(examples::e3, 5);
    CHECK(role.respond(encrypted, out) == Step::need_more);
  });
  script.expect_send(packet_hex(examples::e3, 5));
  script.feed(packet_hex(examples::e3, 6), Step::ready);
  script.play_every_way();
}

TEST_CASE("fast authentication wants no reply", "[ClientHandshake]") {
  auto script = script_for(login_as("sha", "", 0x2fa205));
  script.feed(packet_hex(examples::e4, 0), Step::need_auth);
  script.act(reply("866d74031e3570868ac3adc69b3dc12e8183b1aad9534c8e050c39f6e1aed0d8"));
  script.expect_send(packet_hex(examples::e4, 1));
  script.feed(packet_hex(examples::e4, 2), Step::need_auth);
  script.act([](auto& role, auto&) { CHECK(to_hex(role.auth_data()) == "03"); });
  script.feed(packet_hex(examples::e4, 3), Step::ready);
  script.play_every_way();
}

TEST_CASE("TLS, then the password in clear inside it", "[ClientHandshake]") {
  auto script = script_for(login_as("sha", "", 0x2faa05));
  script.feed(packet_hex(examples::e5, 0), Step::start_tls);
  script.expect_send(packet_hex(examples::e5, 1));
  script.act([](auto& role, auto& out) {
    CHECK(role.tls_established() == Step::need_auth);
    CHECK(role.tls());
    reply("fcad8dccf97b6a2bdd38da5e39bcd938dced51c633055c84426d1dda891b7b56")(role, out);
  });
  script.expect_send(packet_hex(examples::e5, 2));
  script.feed(packet_hex(examples::e5, 3), Step::need_auth);
  script.act(reply("73656372657400"));
  script.expect_send(packet_hex(examples::e5, 4));
  script.feed(packet_hex(examples::e5, 5), Step::ready);
  script.play_every_way();
}

TEST_CASE("a switch to client_ed25519 hands over 32 bytes", "[ClientHandshake]") {
  auto script = script_for(native_login());
  script.feed(packet_hex(examples::e2, 0), Step::need_auth);
  script.act(reply("f8fc398f308f3f66e992074e2e659db6be5bc311"));
  script.expect_send(packet_hex(examples::e2, 1));
  script.feed(packet_hex(examples::e6, 0), Step::need_auth);
  script.act([](auto& role, auto& out) {
    CHECK(role.plugin() == "client_ed25519");
    CHECK(role.auth_data().size() == 32);
    const auto signature = packet_payload(examples::e6, 1);
    CHECK(role.respond(signature, out) == Step::need_more);
  });
  script.expect_send(packet_hex(examples::e6, 1));
  script.feed(packet_hex(examples::e6, 2), Step::ready);
  script.play_every_way();
}

TEST_CASE("a question of MariaDB's dialog is no next factor", "[ClientHandshake]") {
  Greeted login(native_login(), examples::e2);
  CHECK(login.feed("fe 6469616c6f6700") == Step::need_auth);  // "dialog"
  CHECK(login.role.respond({}, login.out) == Step::need_more);
  // 0x02: ask, and echo what is typed. MariaDB puts no 0x01 in front of that.
  CHECK(login.feed("02 50494e3a20", 4) == Step::need_auth);
  CHECK(login.role.auth_source() == AuthSource::more_data);
  CHECK(login.role.plugin() == "dialog");
  CHECK(to_hex(login.role.auth_data()) == "0250494e3a20");
}

TEST_CASE("an empty reply to a switch is an empty packet", "[ClientHandshake]") {
  Greeted login(native_login());
  CHECK(login.feed("fe 6d7973716c5f6e61746976655f70617373776f726400") == Step::need_auth);
  login.out.clear();
  CHECK(login.role.respond({}, login.out) == Step::need_more);
  CHECK(to_hex(login.out) == "00000003");
}

TEST_CASE("an ERR in place of the greeting", "[ClientHandshake]") {
  for (std::size_t n = 0; n < 3; ++n) {
    auto script = script_for(native_login());
    script.feed(packet_hex(examples::e7, n), Step::refused);
    script.act([n](auto& role, auto&) {
      CHECK(to_hex(role.err_payload()) == to_hex(packet_payload(examples::e7, n)));
    });
    script.play_every_way();
  }
}

TEST_CASE("an ERR is heard at any time and with any sequence id", "[ClientHandshake]") {
  Greeted waiting(native_login());
  CHECK(waiting.feed("ff1504", 9) == Step::refused);
  CHECK(to_hex(waiting.role.err_payload()) == "ff1504");
  Greeted deciding(native_login(), examples::e4, false);
  CHECK(deciding.feed("ff1504", 1) == Step::refused);
}

TEST_CASE("servers that can't be logged in to", "[ClientHandshake]") {
  const auto refused = [](std::string_view offered, ClientLogin login) {
    auto bytes = to_hex(packet_payload(examples::e1, 0));
    bytes.replace(bytes.find("ffffff0200ffc3"), 14, offered);
    const auto payload = hex(bytes);
    ClientHandshake role(std::move(login));
    Buffer out;
    const auto step = role.on_packet({payload, 0, 0}, out);
    return step == Step::failed ? std::string(role.error().field) : std::string();
  };
  CHECK(refused("ffffff0200ffc3", native_login()).empty());
  CHECK(refused("fffdff0200ffc3", native_login()) == "CLIENT_PROTOCOL_41");
  CHECK(refused("ff7fff0200ffc3", native_login()) == "CLIENT_SECURE_CONNECTION");
  CHECK(refused("f7ffff0200ffc3", native_login()) == "CLIENT_CONNECT_WITH_DB");
  ClientLogin tls = native_login();
  tls.capabilities.set(Capability::ssl);
  CHECK(refused("fff7ff0200ffc3", tls) == "CLIENT_SSL");
  tls.tls_optional = true;
  CHECK(refused("fff7ff0200ffc3", tls).empty());

  ClientHandshake old(native_login());
  Buffer out;
  const auto greeting = hex("09 332e323300 01000000 313233343536373800");
  CHECK(old.on_packet({greeting, 0, 0}, out) == Step::failed);
  CHECK(old.error().code == errc::unsupported);
}

TEST_CASE("what a server may not say during a login", "[ClientHandshake]") {
  struct Case {
    const char* payload;
    errc code;
  };
  const Case cases[] = {
      {"", errc::truncated},
      {"00 00 00 0200 00", errc::truncated},                   // an OK cut short
      {"fe", errc::unsupported},                               // mysql_old_password
      {"fe 6d79", errc::not_terminated},                       // a switch without an end
      {"02 6f00", errc::unexpected_packet},                    // another factor, not agreed
      {"03 6162", errc::unexpected_packet},                    // bare plugin data are MariaDB's
      {"fb 2f6574632f706173737764", errc::unexpected_packet},  // LOCAL INFILE
  };
  for (const auto& [payload, code] : cases) {
    Greeted login(native_login());
    INFO(payload);
    CHECK(login.feed(payload) == Step::failed);
    CHECK(login.role.error().code == code);
    CHECK(login.feed("00000002000000", 3) == Step::failed);  // and nothing mends it
  }
  Greeted mariadb(native_login(), examples::e2);
  CHECK(mariadb.feed("03 6162") == Step::need_auth);
  CHECK(to_hex(mariadb.role.auth_data()) == "036162");

  ClientLogin old = native_login();
  old.capabilities.clear(Capability::plugin_auth);
  Greeted no_plugins(old);
  CHECK(no_plugins.feed("fe 6d00") == Step::failed);
  CHECK(no_plugins.role.error().code == errc::unexpected_packet);

  ClientLogin factors = native_login();
  factors.capabilities.set(Capability::multi_factor_authentication);
  CHECK(Greeted(factors).feed("02 6f00") == Step::failed);  // 8.0.15 does not offer it
}

TEST_CASE("a server that does not wait for its answer", "[ClientHandshake]") {
  Greeted before(native_login(), examples::e4, false);
  CHECK(before.feed("00000002000000", 1) == Step::failed);
  Greeted after_switch(native_login());
  CHECK(after_switch.feed("fe 6d00") == Step::need_auth);
  CHECK(after_switch.feed("00000002000000", 3) == Step::failed);
  CHECK(after_switch.role.error().code == errc::unexpected_packet);
}

TEST_CASE("endless rounds and endless packets come to an end", "[ClientHandshake]") {
  Greeted login(native_login());
  std::uint8_t id = 2;
  for (unsigned round = 0; round < Limits{}.max_auth_rounds; ++round) {
    CHECK(login.feed("fe 6d00", id) == Step::need_auth);
    CHECK(login.role.respond({}, login.out) == Step::need_more);
    id = static_cast<std::uint8_t>(id + 2);
  }
  CHECK(login.feed("fe 6d00", id) == Step::failed);
  CHECK(login.role.error().code == errc::limit_exceeded);

  Greeted large(native_login());
  const Buffer data(ClientHandshake::max_payload + 1, 1);
  CHECK(large.role.on_packet({data, 2, 2}, large.out) == Step::failed);
  CHECK(large.role.error().code == errc::packet_too_large);
}

TEST_CASE("logins that don't fit are not sent", "[ClientHandshake]") {
  ClientLogin login = native_login();
  login.user = std::string("a\0b", 3);
  const Greeted nul(login);
  CHECK(nul.step == Step::failed);
  CHECK(nul.out.empty());
  CHECK(std::string(nul.role.error().field) == "user");

  ClientLogin short_form = native_login();
  short_form.capabilities.clear(Capability::plugin_auth_lenenc_client_data);
  Greeted large(short_form, examples::e4, false);
  const Buffer response(256, 1);
  CHECK(large.role.respond(response, large.out) == Step::failed);
  CHECK(large.out.empty());

  Greeted twice(native_login());
  CHECK(twice.role.respond({}, twice.out) == Step::failed);
}

TEST_CASE("fields that follow from the login", "[ClientHandshake]") {
  ClientLogin login = login_as("u", "", 0x2fa205 | 0x8 | 1 << 20);
  login.collation = 309;
  const auto attributes = hex("01610162");
  login.attributes.assign(attributes.get().begin(), attributes.get().end());
  const Greeted greeted(login);
  CHECK_FALSE(greeted.role.capabilities().has(Capability::connect_with_db));
  const auto sent = HandshakeResponse41::decode(Bytes(greeted.out).subspan(4), {});
  REQUIRE(sent);
  CHECK(sent->collation == 45);
  CHECK(sent->auth_plugin_name == "caching_sha2_password");
  CHECK(to_hex(sent->attributes.block) == "01610162");
}

TEST_CASE("COM_CHANGE_USER is sent bare and answers the switch", "[ClientChangeUser]") {
  ServerGreeting greeting;
  greeting.server_version = "8.0.15";
  greeting.capabilities = Capability::long_password;
  Script<ClientChangeUser> script([=] {
    return ClientChangeUser(native_login(), Capabilities(std::uint64_t{0x2fa20d}), greeting);
  });
  script.act([](auto& role, auto& out) { CHECK(role.start(out) == Step::need_more); });
  script.expect_send(
      "23000000 11 6e617400 00 7465737400 2d00 6d7973716c5f6e61746976655f70617373776f726400");
  script.feed(packet_hex(examples::e13, 1), Step::need_auth);
  script.act([](auto& role, auto& out) {
    CHECK(role.plugin() == "mysql_native_password");
    CHECK(to_hex(role.auth_data()) == "250e7d267d222a657f6c0b39456a6f5e222c6a3c");
    reply("f0312f025da54376ffa937e6ff12a7e295870a58")(role, out);
  });
  script.expect_send(packet_hex(examples::e13, 2));
  script.feed(packet_hex(examples::e13, 3), Step::ready);
  script.play_every_way();
}

TEST_CASE("COM_CHANGE_USER without plugins carries its reply", "[ClientChangeUser]") {
  ServerGreeting greeting;
  greeting.salt.fill('s');
  Buffer out;
  ClientChangeUser role(login_as("u", "", 0),
                        Capability::protocol_41 | Capability::secure_connection, greeting);
  CHECK(role.start(out) == Step::need_auth);
  CHECK(role.plugin() == "mysql_native_password");
  CHECK(as_text(role.auth_data()) == std::string(20, 's'));
  CHECK(role.respond(hex("0102"), out) == Step::need_more);
  CHECK(to_hex(out) == to_hex(hex("09000000 11 7500 020102 00 2d00")));
  CHECK(role.start(out) == Step::failed);
}
