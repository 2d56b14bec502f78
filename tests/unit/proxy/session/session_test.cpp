#include "../fake_server.hpp"
#include "../temporary_folder.hpp"
#include "proxy/app/worker.hpp"
#include "proxy/net/address.hpp"
#include "proxy/users/account_loader.hpp"

#include <mysqlwire/crypto/client_password.hpp>
#include <mysqlwire/session/client_handshake.hpp>

#include <catch2/catch.hpp>
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

using namespace mysqlproxy;
using namespace mysqlproxy::test;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

/// A data thread with one server behind it, and its access log.
class Running {
 public:
  explicit Running(FakeServer::Script script, ProxySettings settings = {})
      : server(std::move(script)), log(log_config()), services(log), worker(services) {
    Config config;
    config.proxy = settings;
    ServerConfig db;
    db.name = "db1";
    db.address = server.endpoint();
    db.tls.mode = TlsMode::disabled;
    config.servers.push_back(db);
    PoolConfig pool;
    pool.name = "main";
    pool.servers = {"db1"};
    pool.load_users =
        LoadUsers{.user = "reader", .interval = 1h, .pause = 10ms};  // by a test's own
    config.pools.push_back(pool);
    UserConfig user;
    user.name = "app";
    user.pool = "main";
    user.hashes.native = mysqlwire::crypto::native_hash("secret");
    config.users.push_back(user);
    UserConfig through = user;
    through.name = "through";
    through.hashes = {};
    through.passthrough = true;
    config.users.push_back(through);
    UserConfig signer = user;
    signer.name = "signer";
    signer.hashes = {};
    signer.hashes.ed25519 = mysqlwire::crypto::ed25519_public_key("secret");
    config.users.push_back(signer);
    auto topology = std::make_shared<const Topology>(std::move(config), nullptr, nullptr, log);
    for (const auto& one : topology->servers())
      one->set_addresses(resolve_now(one->config().address));
    services.set_topology(std::move(topology));
    worker.start();
  }
  ~Running() { worker.stop(); }

  /// A client at the door: the test's end of its connection.
  int arrive(bool unix_socket = false) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE(::fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    Arrival arrival;
    arrival.descriptor = ends[1];
    arrival.address = "192.0.2.7:50312";
    arrival.host = "192.0.2.7";
    arrival.unix_socket = unix_socket;
    arrival.listener = "main";
    arrival.ground = std::make_shared<const CommonGround>(services.topology()->ground(""));
    arrival.compression = std::make_shared<const CompressionConfig>(listener_compression());
    worker.adopt(std::move(arrival));
    return ends[0];
  }

  /// The access log, when all sessions are over.
  std::string access() {
    for (int i = 0; i < 1000 && worker.load() != 0; ++i) std::this_thread::sleep_for(10ms);
    CHECK(worker.load() == 0);
    log.flush();
    return read_file(folder / "access.log");
  }

  TemporaryFolder folder;
  FakeServer server;
  Log log;
  Services services;
  Worker worker;

 private:
  LogConfig log_config() {
    LogConfig config;
    config.level = LogLevel::error;
    config.access = folder / "access.log";
    return config;
  }
};

/// Logs in; the server's verdict.
std::string log_in(Peer& peer, const std::string& user, const std::string& password,
                   std::uint32_t* connection_id = nullptr) {
  mysqlwire::ClientLogin login;
  login.user = user;
  login.capabilities = {mysqlwire::Capability::protocol_41,
                        mysqlwire::Capability::secure_connection,
                        mysqlwire::Capability::plugin_auth, mysqlwire::Capability::transactions};
  mysqlwire::ClientHandshake handshake(login);
  mysqlwire::Buffer out;
  for (;;) {
    const auto packet = peer.packet();
    if (!packet) return "(the end)";
    auto step = handshake.on_packet(*packet, out);
    if (connection_id != nullptr) *connection_id = handshake.greeting().connection_id;
    if (step == mysqlwire::ClientStep::need_auth)
      step = handshake.respond(mysqlwire::crypto::native_response(password, handshake.auth_data()),
                               out);
    if (step == mysqlwire::ClientStep::ready) return "ok";
    if (step == mysqlwire::ClientStep::refused)
      return std::string(mysqlwire::as_text(handshake.err_payload()));
    peer.put(out);
    out.clear();
  }
}

/// Logs in by any plugin, through a unix socket; the verdict. With `leaves` it does not wait for
/// that once its password is out.
std::string log_in_by_any(Peer& peer, const std::string& user, const std::string& password,
                          bool leaves = false) {
  mysqlwire::ClientLogin login;
  login.user = user;
  login.capabilities = {mysqlwire::Capability::protocol_41,
                        mysqlwire::Capability::secure_connection,
                        mysqlwire::Capability::plugin_auth, mysqlwire::Capability::transactions};
  mysqlwire::ClientHandshake handshake(login);
  mysqlwire::crypto::PasswordSecret secret;
  secret.clear.emplace(mysqlwire::as_bytes(password));
  mysqlwire::crypto::PasswordAnswerOptions options;
  options.channel.unix_socket = true;
  mysqlwire::crypto::PasswordAnswer answer(std::move(secret), options);
  mysqlwire::Buffer out;
  for (;;) {
    const auto packet = peer.packet();
    if (!packet) return "(the end)";
    auto step = handshake.on_packet(*packet, out);
    if (step == mysqlwire::ClientStep::need_auth)
      step = handshake.respond(mysqlwire::crypto::answer(answer, handshake).data, out);
    if (step == mysqlwire::ClientStep::ready) return "ok";
    if (step == mysqlwire::ClientStep::refused)
      return std::string(mysqlwire::as_text(handshake.err_payload()));
    peer.put(out);
    out.clear();
    if (leaves && answer.full_authentication()) {
      peer.close();
      return "(left)";
    }
  }
}

/// Denies access.
void deny(Peer& peer, mysqlwire::ServerHandshake& handshake) {
  mysqlwire::Buffer out;
  handshake.reject(err_payload(1045, "28000", "Access denied by the server"), out);
  peer.put(out);
}

/// Lets everybody in and answers each command with OK, but "die", to which it leaves.
void serve(Peer& peer) {
  let_in(peer, 7);
  for (;;) {
    const std::string command = peer.text();
    if (command == "(the end)" || command == "\x01" ||
        command ==
            "\x03"
            "die")
      return;
    peer.say(ok_payload(), 1);
  }
}

}  // namespace

TEST_CASE("a session, from its greeting to its line in the log", "[session]") {
  Running running(serve);
  Peer client(running.arrive());
  std::uint32_t id = 0;
  CHECK(log_in(client, "app", "secret", &id) == "ok");
  client.say("\x03SELECT 1", 0);
  const auto reply = client.packet();
  REQUIRE(reply);
  CHECK(reply->last_sequence_id == 1);
  client.say("\x01", 0);
  CHECK(client.text() == "(the end)");
  CHECK_THAT(running.access(), Contains("user=app") && Contains("pool=main server=db1") &&
                                   Contains("connection_id=" + std::to_string(id)) &&
                                   Contains("commands=2") && Contains("end=quit ended_by=client"));
  CHECK(running.services.topology()->servers()[0]->connections() == 0);
}

TEST_CASE("unknown users and wrong passwords hear the same", "[session]") {
  Running running(serve);
  for (const char* user : {"app", "nobody", "no\x1b[2Jbody\n"}) {
    Peer client(running.arrive());
    const std::string expected =
        std::string("Access denied for user '") + user + "'@'192.0.2.7' (using password: YES)";
    CHECK_THAT(log_in(client, user, "wrong"), Contains("#28000" + expected));
    CHECK(client.text() == "(the end)");
  }
  CHECK(running.server.visits() == 0);
  const std::string log = running.access();
  CHECK(log.find('\x1b') == log.npos);
  CHECK(std::count(log.begin(), log.end(), '\n') == 3);
  CHECK(running.services.counters.refused_logins == 3);
}

TEST_CASE("a password that only the server can judge counts when it is wrong", "[session]") {
  std::atomic<bool> right = false;
  Running running([&right](Peer& peer) {
    if (right) return serve(peer);
    auto handshake = fake_handshake();
    greet(peer, handshake);
    deny(peer, handshake);
  });
  Peer client(running.arrive());
  CHECK_THAT(log_in(client, "through", "wrong"), Contains("#28000Access denied by the server"));
  client.close();
  running.access();
  CHECK(running.services.failed_logins.hosts() == 1);
  right = true;
  Peer again(running.arrive());
  CHECK(log_in(again, "through", "secret") == "ok");
  CHECK(running.services.failed_logins.hosts() == 0);
  again.close();
  running.access();
}

TEST_CASE("after a wrong password accounts are read anew, whoever it was of", "[session]") {
  // The time that takes would tell the users of the configuration from others.
  Running running([](Peer& peer) {
    auto handshake = fake_handshake();
    greet(peer, handshake);
    deny(peer, handshake);
  });
  AccountLoader loader(running.log, running.services.directory);
  loader.start();
  loader.watch(*running.services.topology());
  loader.wait_for_first_round();
  running.services.account_loader = &loader;
  for (const char* user : {"nobody", "app"}) {
    const unsigned before = running.server.visits();
    Peer client(running.arrive());
    CHECK_THAT(log_in(client, user, "wrong"), Contains("#28000Access denied for user"));
    CHECK(running.server.visits() > before);
  }
  running.access();
}

TEST_CASE("COM_CHANGE_USER is no way to try passwords for ever", "[session]") {
  // Servers of MariaDB's go on with the session after a wrong one, and so does the proxy.
  Running running([](Peer& peer) {
    auto handshake = fake_handshake(7, "5.5.5-10.11.6-MariaDB-fake");
    greet(peer, handshake);
    mysqlwire::Buffer out;
    handshake.accept(ok_payload(), out);
    peer.put(out);
    while (peer.text() != "(the end)") peer.say(ok_payload(), 1);
  });
  LoginLimits limits;
  limits.max_failures = 2;
  running.services.failed_logins.reset(limits);
  Peer client(running.arrive());
  REQUIRE(log_in(client, "app", "secret") == "ok");
  const auto try_password = [&client] {
    using namespace std::string_literals;
    client.say("\x11nobody\0\0\0\x2d\0mysql_native_password\0"s, 0);
    CHECK_THAT(client.text(), Contains("mysql_native_password"));
    client.say("twenty bytes of junk", 2);
    CHECK_THAT(client.text(), Contains("#28000Access denied for user 'nobody'"));
  };
  try_password();
  client.say("\x0e", 0);
  CHECK(client.packet());
  try_password();
  client.say("\x0e", 0);
  CHECK_FALSE(client.packet());
  client.close();
  running.access();
}

TEST_CASE("what else a server refuses is no wrong password", "[session]") {
  Running running([](Peer& peer) {
    auto handshake = fake_handshake();
    greet(peer, handshake);
    mysqlwire::Buffer out;
    handshake.reject(err_payload(1049, "42000", "Unknown database"), out);
    peer.put(out);
  });
  Peer client(running.arrive());
  CHECK_THAT(log_in(client, "through", "right"), Contains("Unknown database"));
  client.close();
  running.access();
  CHECK(running.services.failed_logins.hosts() == 0);
}

TEST_CASE("a wrong password counts where a server has it asked for", "[session]") {
  // The client has proved nothing yet: its signature was to answer the server.
  Running running([](Peer& peer) {
    auto handshake = fake_handshake();
    greet(peer, handshake);
    mysqlwire::Salt salt{};
    salt.fill('t');
    mysqlwire::Buffer out;
    handshake.switch_plugin("caching_sha2_password", salt, out);
    peer.put(out);
    if (!peer.packet()) return;
    std::this_thread::sleep_for(300ms);
    deny(peer, handshake);
  });
  Peer client(running.arrive(true));
  SECTION("by one who waits") {
    CHECK_THAT(log_in_by_any(client, "signer", "wrong"),
               Contains("#28000Access denied for user 'signer'@'192.0.2.7' (using password: YES)"));
    CHECK(client.text() == "(the end)");
  }
  SECTION("by one who does not") {
    CHECK(log_in_by_any(client, "signer", "wrong", true) == "(left)");
  }
  running.access();
  CHECK(running.services.failed_logins.hosts() == 1);
  CHECK(running.services.counters.refused_logins == 1);
}

TEST_CASE("a client that connects and leaves is counted and not listed", "[session]") {
  Running running(serve);
  {
    const Peer client(running.arrive());
  }
  CHECK(running.access().empty());
  CHECK(running.services.counters.silent_probes == 1);
}

TEST_CASE("a login that takes too long, byte by byte or not at all, is ended", "[session]") {
  ProxySettings settings;
  settings.handshake_timeout = 300ms;
  Running running(serve, settings);
  Peer client(running.arrive());
  CHECK_FALSE(client.text().empty());  // the greeting
  for (int i = 0; i < 3; ++i) {
    client.put(mysqlwire::as_bytes("x"));
    std::this_thread::sleep_for(100ms);
  }
  CHECK_THAT(client.text(), Contains("Got timeout reading communication packets"));
  client.close();
  CHECK_THAT(running.access(), Contains("end=handshake_timeout ended_by=proxy"));
}

TEST_CASE("a server that is lost with a command unanswered is named", "[session]") {
  Running running(serve);
  Peer client(running.arrive());
  std::uint32_t id = 0;
  REQUIRE(log_in(client, "app", "secret", &id) == "ok");
  SECTION("by an accident") {
    client.say(
        "\x03"
        "die",
        0);
    const auto reply = client.packet();
    REQUIRE(reply);
    CHECK(reply->last_sequence_id == 1);
    CHECK_THAT(std::string(mysqlwire::as_text(reply->payload)),
               Contains("#08S01server db1 closed the connection"));
  }
  SECTION("by a KILL, which is imitated") {
    client.say("\x0e", 0);  // answered when the session is under way, and its id known
    REQUIRE(client.packet());
    running.services.ids.note_kill({running.services.topology()->servers()[0], 7});
    client.say(
        "\x03"
        "die",
        0);
  }
  CHECK(client.text() == "(the end)");
  client.close();
  CHECK_THAT(running.access(), Contains("ended_by=server"));
}

TEST_CASE("KILL of the id in the greeting reaches the server with the server's own", "[session]") {
  std::string heard;
  Running running([&heard](Peer& peer) {
    let_in(peer, 4711);
    heard = peer.text();
    peer.say(ok_payload(), 1);
    peer.text();
  });
  Peer client(running.arrive());
  std::uint32_t id = 0;
  REQUIRE(log_in(client, "app", "secret", &id) == "ok");
  client.say("\x03KILL QUERY " + std::to_string(id) + " ;", 0);
  CHECK(client.packet());
  client.say("\x01", 0);
  CHECK(client.text() == "(the end)");
  running.access();
  CHECK(heard == "\x03KILL QUERY 4711 ;");
}

TEST_CASE("silence between commands ends in the idle timeout, work does not", "[session]") {
  ProxySettings settings;
  settings.idle_timeout = 300ms;
  Running running(
      [](Peer& peer) {
        let_in(peer);
        peer.text();
        std::this_thread::sleep_for(1500ms);
        peer.say(ok_payload(), 1);
        peer.text();
      },
      settings);
  Peer client(running.arrive());
  REQUIRE(log_in(client, "app", "secret") == "ok");
  client.say("\x03SELECT SLEEP(1.5)", 0);
  const auto reply = client.packet();
  REQUIRE(reply);
  CHECK(reply->payload[0] == 0);
  CHECK(client.text() == "(the end)");
  client.close();
  CHECK_THAT(running.access(), Contains("end=idle_timeout ended_by=proxy"));
}

TEST_CASE("draining ends who is idle or has not said a word", "[session]") {
  Running running(serve);
  Peer silent(running.arrive());
  Peer idle(running.arrive());
  REQUIRE(log_in(idle, "app", "secret") == "ok");
  CHECK_FALSE(silent.text().empty());
  running.worker.drain();
  CHECK_THAT(idle.text(), Contains("#08S01Server shutdown in progress"));
  CHECK(idle.text() == "(the end)");
  idle.close();
  CHECK_THAT(silent.text(), Contains("#08S01"));
  silent.close();
  const std::string log = running.access();
  CHECK(std::count(log.begin(), log.end(), '\n') == 2);
  CHECK_THAT(log, Contains("end=shutdown ended_by=proxy"));
}

TEST_CASE("a client that dies in the middle of a command frees its server", "[session]") {
  Running running(serve);
  {
    Peer client(running.arrive());
    REQUIRE(log_in(client, "app", "secret") == "ok");
    client.put(mysqlwire::as_bytes(std::string_view("\x64\0\0\0\x03SELECT", 11)));
  }
  CHECK_THAT(running.access(), Contains("ended_by=client"));
  CHECK(running.services.topology()->servers()[0]->connections() == 0);
}
