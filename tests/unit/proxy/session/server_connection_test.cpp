#include "proxy/session/server_connection.hpp"

#include "../fake_server.hpp"
#include "proxy/net/address.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <vector>

using namespace mysqlproxy;
using namespace mysqlproxy::test;
using Catch::Contains;

namespace {

LogConfig quiet() {
  LogConfig config;
  config.access.clear();
  config.level = LogLevel::error;
  return config;
}

/// Connects once, on a loop of its own, as a session does (or a check, without a client).
/// As long as it lives, this process can open no descriptor.
class NoDescriptors {
 public:
  NoDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &old_) == 0);
    // The limit is on the number, and any number may be taken by somebody who started this.
    const int next = ::fcntl(STDERR_FILENO, F_DUPFD, 0);
    REQUIRE(next >= 0);
    ::close(next);
    rlimit low = old_;
    low.rlim_cur = static_cast<rlim_t>(next);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &old_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit old_{};
};

class Connecting {
 public:
  std::shared_ptr<Server> add(const Endpoint& endpoint, std::uint32_t max_connections = 0) {
    ServerConfig config;
    config.name = "db" + std::to_string(servers_.size() + 1);
    config.address = endpoint;
    config.max_connections = max_connections;
    servers_.push_back(std::make_shared<Server>(config, log_));
    servers_.back()->set_addresses(resolve_now(endpoint));
    return servers_.back();
  }

  /// By the pool of all servers that were added.
  ConnectOutcome connect(bool as_check = false) {
    PoolConfig config;
    config.name = "main";
    config.balance = Balance::first_available;
    Pool pool(config, servers_);
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    const Peer other_end(ends[0]);
    Loop loop;
    Waker waker(loop);
    const Socket client(loop, waker, ends[1], true);
    ServerConnector connector(loop, waker, timeout, {.client = as_check ? nullptr : &client});
    if (client_leaves) ::shutdown(ends[0], SHUT_WR);
    Task<void> task = run(loop, connector, pool);
    task.start();
    loop.run();
    // It belongs to the loop that ends here.
    connected = outcome_.connection != nullptr;
    outcome_.connection.reset();
    return std::move(outcome_);
  }

  std::chrono::milliseconds timeout{5000};
  bool client_leaves = false;
  bool no_descriptors = false;  ///< from the moment on at which it begins to connect
  bool connected = false;

 private:
  Task<void> run(Loop& loop, ServerConnector& connector, Pool& pool) {
    Credentials credentials;
    credentials.user = "app";
    credentials.secret.sha1 = mysqlwire::crypto::stage1("secret");
    SessionWishes wishes;
    wishes.capabilities = {mysqlwire::Capability::protocol_41,
                           mysqlwire::Capability::secure_connection,
                           mysqlwire::Capability::transactions};
    // What a sanitizer opens meanwhile it can do without.
    std::optional<NoDescriptors> none_left;
    if (no_descriptors) none_left.emplace();
    outcome_ = co_await connector.connect(pool, credentials, wishes);
    loop.stop();
  }

  Log log_{quiet()};
  std::vector<std::shared_ptr<Server>> servers_;
  ConnectOutcome outcome_;
};

std::string err_text(const ConnectOutcome& outcome) {
  const auto err = mysqlwire::ErrPacket::decode(outcome.reply, {});
  return err ? std::to_string(err->code) + " " + std::string(err->message) : "no ERR";
}

/// A port of loopback that nobody listens on.
Endpoint nowhere() {
  Endpoint endpoint;
  {
    const FakeServer gone([](Peer&) {});
    endpoint = gone.endpoint();
  }
  return endpoint;
}

}  // namespace

TEST_CASE("a login that a server takes", "[connect]") {
  std::string user;
  FakeServer server([&](Peer& peer) {
    auto handshake = fake_handshake();
    user = greet(peer, handshake);
    mysqlwire::Buffer out;
    handshake.accept(ok_payload(), out);
    peer.put(out);
    peer.packet();
  });
  Connecting connecting;
  const auto db = connecting.add(server.endpoint());
  const ConnectOutcome outcome = connecting.connect();
  CHECK(connecting.connected);
  CHECK(outcome.reply == ok_payload());
  CHECK(user == "app");
  CHECK(db->reachability() == Reachability::up);
  REQUIRE(db->facts());
  CHECK(db->facts()->version == "8.0.36-fake");
  CHECK(db->connections() == 0);
}

TEST_CASE("a server that can't be reached is skipped and marked", "[connect]") {
  Connecting connecting;
  SECTION("nobody listens") {
    const auto db = connecting.add(nowhere());
    const ConnectOutcome outcome = connecting.connect();
    CHECK(db->reachability() == Reachability::down);
    CHECK_THAT(err_text(outcome), Contains("1158 no server for pool main: db1 down since") &&
                                      Contains("Connection refused"));
  }
  SECTION("it closes without a greeting") {
    FakeServer server([](Peer&) {});
    const auto db = connecting.add(server.endpoint());
    const ConnectOutcome outcome = connecting.connect();
    CHECK(db->reachability() == Reachability::down);
    CHECK_THAT(err_text(outcome), Contains("closed the connection without a greeting"));
  }
  SECTION("it never greets") {
    FakeServer server([](Peer& peer) { peer.packet(); });
    connecting.timeout = std::chrono::milliseconds(200);
    const auto db = connecting.add(server.endpoint());
    const ConnectOutcome outcome = connecting.connect();
    CHECK(db->reachability() == Reachability::down);
    CHECK_THAT(err_text(outcome), Contains("no greeting within the connect_timeout"));
  }
  SECTION("its greeting is none, and has no end") {
    FakeServer server([](Peer& peer) {
      const std::string much(1 << 20, '\x0a');
      peer.put(mysqlwire::as_bytes("\xff\xff\xff" + std::string(1, '\0')));
      for (int i = 0; i < 64; ++i) peer.put(mysqlwire::as_bytes(much));
    });
    const auto db = connecting.add(server.endpoint());
    const ConnectOutcome outcome = connecting.connect();
    CHECK(db->reachability() == Reachability::down);
    CHECK_THAT(err_text(outcome), Contains("max_payload") || Contains("large"));
  }
  SECTION("the next one serves") {
    FakeServer server([](Peer& peer) { let_in(peer); });
    connecting.add(nowhere());
    const auto second = connecting.add(server.endpoint());
    connecting.connect();
    CHECK(connecting.connected);
    CHECK(second->reachability() == Reachability::up);
  }
}

TEST_CASE("what a server says of this user is final, and says that it is there", "[connect]") {
  FakeServer server([](Peer& peer) {
    auto handshake = fake_handshake();
    greet(peer, handshake);
    mysqlwire::Buffer out;
    handshake.reject(err_payload(1049, "42000", "Unknown database 'x'"), out);
    peer.put(out);
  });
  Connecting connecting;
  const auto db = connecting.add(server.endpoint());
  connecting.add(nowhere());
  const ConnectOutcome outcome = connecting.connect();
  CHECK(outcome.refused);
  CHECK(err_text(outcome) == "1049 Unknown database 'x'");
  CHECK(db->reachability() == Reachability::up);
}

TEST_CASE("one login that comes to no end marks no server", "[connect]") {
  FakeServer server([](Peer& peer) {
    auto handshake = fake_handshake();
    greet(peer, handshake);
  });
  Connecting connecting;
  const auto db = connecting.add(server.endpoint());
  const ConnectOutcome outcome = connecting.connect();
  CHECK(db->reachability() == Reachability::unknown);
  CHECK_THAT(err_text(outcome), Contains("db1: it closed the connection during the login"));
}

TEST_CASE("a server that is full has others tried, and its own words go on", "[connect]") {
  FakeServer full([](Peer& peer) {
    peer.put(
        mysqlwire::as_bytes(std::string_view("\x17\0\0\0\xff\x10\x04Too many connections", 27)));
  });
  Connecting connecting;
  const auto db = connecting.add(full.endpoint());
  SECTION("it is the only one") {
    const ConnectOutcome outcome = connecting.connect();
    CHECK(err_text(outcome) == "1040 Too many connections");
  }
  SECTION("there is another") {
    FakeServer server([](Peer& peer) { let_in(peer); });
    connecting.add(server.endpoint());
    connecting.connect();
    CHECK(connecting.connected);
  }
  CHECK(db->reachability() == Reachability::unknown);
}

TEST_CASE("an account of a plugin that can't be passed on says so", "[connect]") {
  const bool closes = GENERATE(false, true);
  FakeServer server([closes](Peer& peer) {
    auto handshake = fake_handshake();
    greet(peer, handshake);
    mysqlwire::Buffer out;
    const std::string salt(20, 'x');
    handshake.switch_plugin("caching_sha2_password", mysqlwire::as_bytes(salt), out);
    peer.put(out);
    peer.packet();
    if (closes) return;
    out.clear();
    handshake.reject(err_payload(1045, "28000", "Access denied"), out);
    peer.put(out);
  });
  Connecting connecting;
  const auto db = connecting.add(server.endpoint());
  const ConnectOutcome outcome = connecting.connect();
  CHECK_THAT(err_text(outcome), Contains("1251 user 'app' can't be logged in to server db1: the "
                                         "server wants caching_sha2_password, and"));
  CHECK(outcome.refused);
  CHECK(db->reachability() != Reachability::down);
}

TEST_CASE("a limit on connections is for sessions, not for checks", "[connect]") {
  FakeServer server([](Peer& peer) { let_in(peer); });
  Connecting connecting;
  const auto db = connecting.add(server.endpoint(), 1);
  const ServerSlot taken = ServerSlot::take(db);
  SECTION("a session finds no room") {
    const ConnectOutcome outcome = connecting.connect();
    CHECK_FALSE(connecting.connected);
    CHECK_THAT(err_text(outcome), Contains("db1 has all of its 1 connections in use"));
  }
  SECTION("a check needs none") {
    connecting.connect(true);
    CHECK(connecting.connected);
  }
  CHECK(db->connections() == 1);
}

TEST_CASE("nobody connects for a client that has left", "[connect]") {
  FakeServer server([](Peer& peer) { peer.packet(); });
  Connecting connecting;
  const auto db = connecting.add(server.endpoint());
  connecting.client_leaves = true;
  const ConnectOutcome outcome = connecting.connect();
  CHECK(outcome.client_gone);
  CHECK(db->reachability() == Reachability::unknown);
}

TEST_CASE("a shortage of descriptors is not held against servers", "[connect]") {
  Connecting connecting;
  FakeServer server([](Peer& peer) { let_in(peer); });
  const auto db = connecting.add(server.endpoint());
  connecting.no_descriptors = true;
  const ConnectOutcome outcome = connecting.connect();
  CHECK_FALSE(connecting.connected);
  CHECK(db->reachability() == Reachability::unknown);
  CHECK_THAT(err_text(outcome), Contains("db1: Too many open files"));
}
