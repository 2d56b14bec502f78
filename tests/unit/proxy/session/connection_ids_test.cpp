#include "proxy/session/connection_ids.hpp"

#include "proxy/pool/server.hpp"

#include <catch2/catch.hpp>

using namespace mysqlproxy;

namespace {

std::shared_ptr<Server> make_server(Log& log, const std::string& name) {
  ServerConfig config;
  config.name = name;
  return std::make_shared<Server>(config, log);
}

LogConfig quiet() {
  LogConfig config;
  config.access.clear();
  config.level = LogLevel::error;
  return config;
}

}  // namespace

TEST_CASE("an id means a client, a thread of one's own server, or of the only other one", "[ids]") {
  Log log(quiet());
  const auto one = make_server(log, "one");
  const auto two = make_server(log, "two");
  const auto three = make_server(log, "three");
  ConnectionIds ids;
  auto a = ids.allocate();
  auto b = ids.allocate();
  auto c = ids.allocate();
  CHECK(a.id() >= 0x40000000);
  CHECK(b.id() == a.id() + 1);
  a.attach(one, 7);
  b.attach(two, 7);

  SECTION("a client's id") {
    const auto found = ids.find(b.id(), one.get());
    REQUIRE(found);
    CHECK(found->server == two);
    CHECK(found->thread_id == 7);
  }
  SECTION("a thread id of one's own server first") {
    CHECK(ids.find(7, one.get())->server == one);
    CHECK(ids.find(7, two.get())->server == two);
  }
  SECTION("a thread id that two other servers have names none") {
    CHECK_FALSE(ids.find(7, three.get()));
  }
  SECTION("a thread id that one other server has") {
    b.detach();
    CHECK(ids.find(7, three.get())->server == one);
  }
  SECTION("a client without a server, or one that has left, is nobody") {
    CHECK_FALSE(ids.find(c.id(), one.get()));
    const std::uint32_t left = a.id();
    {
      const ConnectionIds::Ticket leaving = std::move(a);
    }
    CHECK_FALSE(ids.find(left, one.get()));
    CHECK_FALSE(ids.find(7, one.get()) == std::nullopt);  // b's, on the other server
  }
  SECTION("ids beyond 32 bits and unknown ones") {
    CHECK_FALSE(ids.find(std::uint64_t{1} << 32 | 7, one.get()));
    CHECK_FALSE(ids.find(8, one.get()));
  }
}

TEST_CASE("an id is not given out twice while its client lives", "[ids]") {
  ConnectionIds ids;
  auto a = ids.allocate();
  auto b = ids.allocate();
  {
    const ConnectionIds::Ticket leaving = std::move(a);
  }
  CHECK(ids.allocate().id() != b.id());
}

TEST_CASE("who was killed is known until the connection is another one", "[ids]") {
  Log log(quiet());
  const auto one = make_server(log, "one");
  const auto two = make_server(log, "two");
  ConnectionIds ids;
  auto a = ids.allocate();
  auto b = ids.allocate();
  a.attach(one, 7);
  b.attach(two, 7);
  ids.note_kill({one, 7});
  CHECK(a.killed());
  CHECK_FALSE(b.killed());
  a.attach(two, 8);
  CHECK_FALSE(a.killed());
}
