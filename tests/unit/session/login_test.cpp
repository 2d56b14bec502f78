// Both roles against each other, in memory.
#include <mysqlwire/session/client_change_user.hpp>
#include <mysqlwire/session/client_handshake.hpp>
#include <mysqlwire/session/server_change_user.hpp>
#include <mysqlwire/session/server_handshake.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::test;

namespace {

constexpr const char* ok = "00000002000000";

/// What the test's server does when it is asked to judge.
struct Verdict {
  enum class Kind : std::uint8_t { accept, reject, change_plugin, more_data, fast_ok } kind;
  std::string plugin;
  std::string data;
};
using Verdicts = std::vector<Verdict>;

/// A client answers with "<plugin>:<auth data>", so that the server can see what it answered.
Buffer answer(const ClientAuth& client) {
  std::string text(client.plugin());
  text += ':';
  text += as_text(client.auth_data());
  return {text.begin(), text.end()};
}

std::string expected_answer(const ServerAuth& server, Bytes data) {
  return std::string(server.plugin()) + ':' + std::string(as_text(data));
}

/// Takes every packet out of `bytes` and hands it to the role; its last word.
template <class Role>
typename Role::Step deliver(Role& role, Buffer& bytes, Buffer& out) {
  FrameReader reader;
  reader.feed(bytes);
  bytes.clear();
  auto step = Role::Step::need_more;
  for (auto next = reader.next(); next && *next; next = reader.next()) {
    step = role.on_packet(**next, out);
  }
  CHECK(reader.buffered() == 0);
  return step;
}

void judge(ServerAuth& server, const Verdict& verdict, Buffer& out) {
  switch (verdict.kind) {
    case Verdict::Kind::accept: server.accept(hex(ok), out); break;
    case Verdict::Kind::reject: server.reject(as_bytes("\xff\x15\x04#28000no"), out); break;
    case Verdict::Kind::change_plugin:
      server.switch_plugin(verdict.plugin, as_bytes(verdict.data), out);
      break;
    case Verdict::Kind::more_data: server.more_data(as_bytes(verdict.data), out); break;
    case Verdict::Kind::fast_ok:
      server.more_data(as_bytes("\x03"), out);
      server.accept(hex(ok), out);
      break;
  }
}

/// Runs both until the client's end, and returns it.
template <class Client, class Server>
ClientStep converse(Client& client, Server& server, Buffer to_client, Buffer to_server,
                    const Verdicts& verdicts) {
  std::size_t judged = 0;
  for (int round = 0; round < 50; ++round) {
    switch (deliver(client, to_client, to_server)) {
      case ClientStep::need_auth: client.respond(answer(client), to_server); break;
      case ClientStep::start_tls: break;
      case ClientStep::ready: CHECK(judged == verdicts.size()); return ClientStep::ready;
      case ClientStep::refused: CHECK(judged == verdicts.size()); return ClientStep::refused;
      case ClientStep::failed: return ClientStep::failed;
      case ClientStep::need_more: break;
    }
    const auto step = deliver(server, to_server, to_client);
    if (step == ServerStep::start_tls) {
      if constexpr (requires { client.tls_established(); }) {
        CHECK(client.tls_established() == ClientStep::need_auth);
        client.respond(answer(client), to_server);
        CHECK(deliver(server, to_server, to_client) == ServerStep::need_verdict);
      }
    }
    if (server.login().user.empty()) continue;
    REQUIRE(judged < verdicts.size());
    const bool more = judged > 0 && verdicts[judged - 1].kind == Verdict::Kind::more_data;
    const Bytes asked = more ? as_bytes(verdicts[judged - 1].data) : server.salt();
    if (!server.auth_response().empty()) {
      CHECK(as_text(server.auth_response()) == expected_answer(server, asked));
    }
    judge(server, verdicts[judged++], to_client);
  }
  FAIL("the conversation does not end");
  return ClientStep::failed;
}

struct Setup {
  bool tls = false;
  bool mariadb = false;
  bool lenenc = true;
  std::string schema;
};

ServerGreeting greeting_for(const Setup& setup) {
  ServerGreeting greeting;
  greeting.server_version = setup.mariadb ? "5.5.5-10.11.19-MariaDB" : "8.0.36";
  greeting.connection_id = 0xfffffffe;
  greeting.capabilities = Capabilities(setup.mariadb ? 0x1d'ffff'f7feULL : 0xffff'f7ffULL);
  greeting.capabilities.set(Capability::ssl, setup.tls);
  greeting.capabilities.set(Capability::plugin_auth_lenenc_client_data, setup.lenenc);
  greeting.auth_plugin = "caching_sha2_password";
  for (std::size_t i = 0; i < salt_size; ++i) {
    greeting.salt[i] = static_cast<std::uint8_t>('A' + i);
  }
  return greeting;
}

ClientLogin login_for(const Setup& setup) {
  ClientLogin login;
  login.capabilities = Capabilities(~std::uint64_t{0});
  login.capabilities.set(Capability::ssl, setup.tls);
  login.user = "u";
  login.schema = setup.schema;
  return login;
}

std::vector<Setup> setups() {
  std::vector<Setup> all;
  for (unsigned bits = 0; bits < 16; ++bits) {
    all.push_back({(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0 ? "s" : ""});
  }
  return all;
}

}  // namespace

TEST_CASE("both roles log in with each other, every way", "[login]") {
  using Kind = Verdict::Kind;
  const std::string salt(20, 'n');
  const std::vector<std::pair<Verdicts, ClientStep>> ways{
      {{{Kind::accept, "", ""}}, ClientStep::ready},
      {{{Kind::reject, "", ""}}, ClientStep::refused},
      {{{Kind::fast_ok, "", ""}}, ClientStep::ready},
      {{{Kind::more_data, "", "\x04"}, {Kind::more_data, "", "key"}, {Kind::accept, "", ""}},
       ClientStep::ready},
      {{{Kind::change_plugin, "mysql_native_password", salt}, {Kind::accept, "", ""}},
       ClientStep::ready},
      {{{Kind::change_plugin, "client_ed25519", std::string(32, 'e')},
        {Kind::change_plugin, "mysql_native_password", salt},
        {Kind::reject, "", ""}},
       ClientStep::refused},
      {{{Kind::change_plugin, "mysql_clear_password", ""}, {Kind::accept, "", ""}},
       ClientStep::ready},
  };
  for (const Setup& setup : setups()) {
    for (const auto& [verdicts, end] : ways) {
      ServerHandshake server(greeting_for(setup));
      ClientHandshake client(login_for(setup));
      Buffer to_client;
      server.start(to_client);
      CHECK(converse(client, server, to_client, {}, verdicts) == end);
      CHECK(client.tls() == setup.tls);
      CHECK(server.tls() == setup.tls);
      CHECK(client.capabilities() == server.login().capabilities);
      CHECK(client.capabilities().has(Capability::mariadb_extended_metadata) == setup.mariadb);
      CHECK(server.login().schema == setup.schema);
      CHECK(client.greeting().salt == server.greeting().salt);
      CHECK(client.greeting().connection_id == 0xfffffffe);
      CHECK(client.next_sequence_id() == server.next_sequence_id());
    }
  }
}

TEST_CASE("both roles change the user, every way", "[login]") {
  using Kind = Verdict::Kind;
  const std::vector<std::pair<Verdicts, ClientStep>> ways{
      {{{Kind::change_plugin, "mysql_native_password", std::string(20, 'n')},
        {Kind::accept, "", ""}},
       ClientStep::ready},
      {{{Kind::change_plugin, "caching_sha2_password", std::string(20, 'c')},
        {Kind::fast_ok, "", ""}},
       ClientStep::ready},
      {{{Kind::reject, "", ""}}, ClientStep::refused},
  };
  for (const Setup& setup : setups()) {
    for (const auto& [verdicts, end] : ways) {
      for (const bool plugins : {true, false}) {
        if (!plugins && verdicts.front().kind == Kind::change_plugin) continue;
        const ServerGreeting greeting = greeting_for(setup);
        Capabilities negotiated = login_for(setup).capabilities & greeting.capabilities;
        negotiated.set(Capability::plugin_auth, plugins);
        ServerChangeUser server(negotiated, greeting.flavor(), greeting.salt);
        ClientChangeUser client(login_for(setup), negotiated, greeting);
        Buffer to_server;
        if (client.start(to_server) == ClientStep::need_auth) {
          client.respond(answer(client), to_server);
        }
        CHECK(converse(client, server, {}, to_server, verdicts) == end);
        CHECK(server.login().schema == setup.schema);
        CHECK(client.next_sequence_id() == server.next_sequence_id());
      }
    }
  }
}

TEST_CASE("a client that is refused hears why", "[login]") {
  Setup setup;
  ServerHandshake server(greeting_for(setup));
  ClientHandshake client(login_for(setup));
  Buffer to_client;
  Buffer to_server;
  server.start(to_client);
  CHECK(deliver(client, to_client, to_server) == ClientStep::need_auth);
  const Buffer oversized(2000, 'x');
  client.respond(oversized, to_server);
  CHECK(deliver(server, to_server, to_client) == ServerStep::refused);
  CHECK(deliver(client, to_client, to_server) == ClientStep::refused);
  CHECK(as_text(client.err_payload()) == "\xff\x13\x04#08S01Bad handshake");
}
