#include "capture/frames.hpp"

#include <mysqlwire/capture/onlooker.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <utility>

using namespace mysqlwire;
using namespace mysqlwire::capture;
using namespace mysqlwire::test;

namespace {

class Nothing final : public Toolbox {
 public:
  bool inflate(Compression, Bytes, std::size_t, Buffer&) override { return false; }
  std::unique_ptr<TlsReader> tls() override { return nullptr; }
};

const std::string greeting = [] {
  std::string packet(
      "\x0a"
      "8.0.36\0"
      "\1\0\0\0"
      "saltsalt\0"
      "\0\x82"
      "\x21"
      "\2\0"
      "\x08\0"
      "\x15",
      30);
  packet += std::string(10, '\0') + "saltsaltsalt" + '\0' + "mysql_native_password" + '\0';
  return std::string{static_cast<char>(packet.size()), 0, 0, 0} + packet;
}();

// Connections of the same two ports; counts the greetings that are seen.
class Wire final : public Observer {
 public:
  explicit Wire(Onlooker::Options options = {}) : onlooker_(std::move(options), *this, tools_) {}

  void on_message(const Conversation&, const SeenMessage&) override { ++messages; }
  void on_connection(const Conversation&) override { ++connections; }
  void on_problem(const Conversation&, const Problem&, const Origin&) override { ++problems; }

  void client(std::uint32_t sequence, std::uint32_t acknowledged, std::uint8_t flags) {
    send(ipv4(tcp(40000, 3306, sequence, acknowledged, flags, "")), 0);
  }
  void server(std::uint32_t sequence, std::uint32_t acknowledged, std::uint8_t flags,
              std::string_view bytes = {}, std::size_t cut = 0) {
    send(ipv4(tcp(3306, 40000, sequence, acknowledged, flags, bytes), 0, true), cut);
  }
  /// From the SYN, or the SYN-ACK, to both FINs; the server's first byte is `start` + 1.
  void talk(std::uint32_t start, bool with_syn = true) {
    using namespace tcp_flags;
    if (with_syn) client(start, 0, syn);
    server(start, start + 1, syn | ack);
    server(start + 1, start + 1, ack, greeting);
    const auto end = start + 1 + static_cast<std::uint32_t>(greeting.size());
    client(start + 1, end, ack | fin);
    server(end, start + 2, ack | fin);
  }
  void finish() { onlooker_.finish(); }

  int messages = 0;
  int connections = 0;
  int problems = 0;

 private:
  void send(const Buffer& packet, std::size_t cut) {
    const Buffer frame = ethernet(packet);
    (void)onlooker_.add(LinkType::ethernet, Bytes(frame).first(frame.size() - cut), frame.size(),
                        {++frame_, 0});
  }

  Nothing tools_;
  Onlooker onlooker_;
  std::uint64_t frame_ = 0;
};

Onlooker::Options on_any_port() {
  Onlooker::Options options;
  options.ports.clear();
  options.any_port = true;
  return options;
}

}  // namespace

TEST_CASE("ports are used again") {
  using namespace tcp_flags;
  Wire wire;
  wire.talk(1000);
  SECTION("with a SYN") { wire.talk(900'000); }
  SECTION("with its SYN-ACK alone") { wire.talk(900'000, false); }
  SECTION("after its handshake") { wire.server(900'001, 900'001, ack, greeting); }
  wire.finish();
  CHECK(wire.connections == 2);
  CHECK(wire.messages == 2);
}

TEST_CASE("what comes late is no other connection") {
  using namespace tcp_flags;
  Wire wire;
  wire.talk(1000);
  wire.server(1001, 1001, ack, greeting);
  wire.server(1000, 1001, syn | ack);
  wire.finish();
  CHECK(wire.connections == 1);
  CHECK(wire.messages == 1);
}

TEST_CASE("a greeting cut by the snap length is one on any port") {
  using namespace tcp_flags;
  Wire wire(on_any_port());
  wire.client(1000, 0, syn);
  wire.server(1000, 1001, syn | ack);
  wire.server(1001, 1001, ack, greeting, greeting.size() - 6);
  wire.finish();
  CHECK(wire.connections == 1);
  CHECK(wire.problems == 1);
}

TEST_CASE("a greeting in pieces is one on any port") {
  using namespace tcp_flags;
  enum class How { in_order, other_way_round, again_as_a_whole };
  const std::string_view whole = greeting;
  const How how = GENERATE(How::in_order, How::other_way_round, How::again_as_a_whole);
  for (std::size_t at = 1; at < whole.size(); ++at) {
    INFO(at);
    const auto second = 1001 + static_cast<std::uint32_t>(at);
    Wire wire(on_any_port());
    wire.client(1000, 0, syn);
    wire.server(1000, 1001, syn | ack);
    if (how == How::other_way_round) wire.server(second, 1001, ack, whole.substr(at));
    wire.server(1001, 1001, ack, whole.substr(0, at));
    if (how == How::in_order) wire.server(second, 1001, ack, whole.substr(at));
    if (how == How::again_as_a_whole) wire.server(1001, 1001, ack, whole);
    wire.finish();
    CHECK(wire.connections == 1);
    CHECK(wire.messages == 1);
    CHECK(wire.problems == 0);
  }
}

TEST_CASE("what begins like a greeting and is none is nobody's on any port") {
  using namespace tcp_flags;
  std::string other = greeting;
  SECTION("the protocol's version") { other[4] = 9; }
  SECTION("no text") { other[6] = '\x01'; }
  SECTION("another number") { other[3] = 1; }
  SECTION("more than there can be") { other[1] = 0x10; }
  SECTION("nothing but a version") { other.replace(5, other.size() - 5, other.size() - 5, 'x'); }
  Wire wire(on_any_port());
  wire.client(1000, 0, syn);
  wire.server(1000, 1001, syn | ack);
  wire.server(1001, 1001, ack, std::string_view(other).substr(0, 4));
  wire.server(1005, 1001, ack, std::string_view(other).substr(4));
  // Too late: it is not listened to any more.
  wire.server(1001 + static_cast<std::uint32_t>(other.size()), 1001, ack, greeting);
  wire.finish();
  CHECK(wire.connections == 0);
  CHECK(wire.messages == 0);
}
