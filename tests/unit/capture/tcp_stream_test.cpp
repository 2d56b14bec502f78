#include <mysqlwire/capture/tcp_stream.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

// Writes down what comes out: "c:text s:text c-5".
class Script final : public StreamSink {
 public:
  void on_bytes(Direction direction, Bytes bytes, const Origin&) override {
    add(direction, ":" + std::string(as_text(bytes)));
  }
  void on_missing(Direction direction, std::uint64_t size, Missing why, const Origin&) override {
    add(direction, (why == Missing::gap ? "-" : "~") + std::to_string(size));
  }

  void client(std::uint32_t sequence, std::string_view bytes, std::uint32_t acknowledged = 1000,
              std::uint8_t flags = tcp_flags::ack, std::uint32_t cut = 0) {
    send(Direction::to_server, sequence, bytes, acknowledged, flags, cut);
  }
  void server(std::uint32_t sequence, std::string_view bytes, std::uint32_t acknowledged = 100,
              std::uint8_t flags = tcp_flags::ack) {
    send(Direction::to_client, sequence, bytes, acknowledged, flags, 0);
  }
  /// SYN, SYN and ACK, ACK: the client's first byte is 100, the server's 1000.
  void open() {
    client(99, "", 0, tcp_flags::syn);
    server(999, "", 100, tcp_flags::syn | tcp_flags::ack);
    client(100, "");
  }
  void finish() { stream.finish(*this); }

  TcpStream stream;
  std::string text;

 private:
  void send(Direction direction, std::uint32_t sequence, std::string_view bytes,
            std::uint32_t acknowledged, std::uint8_t flags, std::uint32_t cut) {
    Segment segment;
    segment.sequence = sequence;
    segment.acknowledged = acknowledged;
    segment.flags = flags;
    segment.payload = as_bytes(bytes);
    segment.cut = cut;
    stream.add(direction, segment, {++frame_, 0}, *this);
  }
  void add(Direction direction, const std::string& what) {
    if (!text.empty()) text += ' ';
    text += (direction == Direction::to_server ? "c" : "s") + what;
  }

  std::uint64_t frame_ = 0;
};

}  // namespace

TEST_CASE("segments in order come out at once") {
  Script script;
  script.open();
  script.server(1000, "hi");
  script.client(100, "abc", 1002);
  script.server(1002, "def", 103);
  CHECK(script.text == "s:hi c:abc s:def");
}

TEST_CASE("segments are sorted within a direction") {
  Script script;
  script.open();
  script.client(103, "def");
  script.client(106, "ghi");
  CHECK(script.text.empty());
  script.client(100, "abc");
  CHECK(script.text == "c:abc c:def c:ghi");
}

TEST_CASE("an answer captured before its request comes out behind it") {
  Script script;
  script.open();
  script.server(1000, "answer", 108);
  CHECK(script.text.empty());
  script.client(100, "question");
  CHECK(script.text == "c:question s:answer");
}

TEST_CASE("what was sent again is not delivered again") {
  Script script;
  script.open();
  script.client(100, "abc");
  script.client(100, "abc");
  script.client(102, "cde");  // overlaps by one byte
  script.client(99, "x");     // a keep-alive
  CHECK(script.text == "c:abc c:de");
}

TEST_CASE("what is held twice is delivered once") {
  Script script;
  script.open();
  for (int i = 0; i < 3; ++i) script.client(103, "def");
  script.client(100, "abcde");
  CHECK(script.text == "c:abcde c:f");
}

TEST_CASE("sequence numbers wrap") {
  Script script;
  script.client(0xfffffffd, "", 0, tcp_flags::syn);
  script.server(999, "", 0xfffffffe, tcp_flags::syn | tcp_flags::ack);
  script.client(0, "cd");
  script.client(0xfffffffe, "ab");
  CHECK(script.text == "c:ab c:cd");
}

TEST_CASE("a segment that the peer has but the capture has not becomes a gap") {
  Script script;
  script.open();
  script.client(110, "abc");
  for (std::uint64_t i = 0; i <= TcpStream::max_wait; ++i) script.server(1000, "", 113);
  CHECK(script.text == "c-10 c:abc");
}

TEST_CASE("a segment that may yet be sent again is waited for longer") {
  Script script;
  script.open();
  script.client(103, "def");
  for (std::uint64_t i = 0; i < 2 * TcpStream::max_wait; ++i) script.server(1000, "", 100);
  CHECK(script.text.empty());
  script.client(100, "abc");
  CHECK(script.text == "c:abc c:def");
}

TEST_CASE("held bytes are bounded") {
  Script script;
  script.open();
  const std::string block(1 << 20, 'x');
  std::uint32_t sequence = 200;
  for (int i = 0; i < 5; ++i, sequence += 1 << 20) script.client(sequence, block);
  CHECK(script.text.substr(0, 6) == "c-100 ");
}

TEST_CASE("what is missing at the end is a gap") {
  Script script;
  script.open();
  script.client(105, "abc");
  script.server(1000, "answer", 108);
  script.finish();
  CHECK(script.text == "c-5 c:abc s:answer");
}

TEST_CASE("a frame that was cut leaves a hole of its size") {
  Script script;
  script.open();
  script.client(100, "abc", 1000, tcp_flags::ack, 7);
  script.client(110, "def");
  CHECK(script.text == "c:abc c~7 c:def");
}

TEST_CASE("one direction alone is not kept waiting for the other") {
  Script script;
  script.client(99, "", 0, tcp_flags::syn);
  script.client(100, "abc", 5000);
  script.client(103, "def", 9000);
  CHECK(script.text == "c:abc c:def");
}

TEST_CASE("a connection that was open before begins anywhere") {
  Script script;
  script.server(7000, "abc", 500);
  script.client(500, "def", 7003);
  CHECK(script.text == "s:abc c:def");
}

TEST_CASE("both sides have to close") {
  Script script;
  script.open();
  script.client(100, "bye", 1000, tcp_flags::ack | tcp_flags::fin);
  CHECK(script.stream.end() == TcpStream::End::open);
  script.server(1000, "", 104, tcp_flags::ack | tcp_flags::fin);
  CHECK(script.stream.end() == TcpStream::End::fin);
  CHECK(script.text == "c:bye");
}

TEST_CASE("a reset ends the connection behind what is held") {
  Script script;
  script.open();
  script.client(102, "late");
  script.server(1000, "", 100, tcp_flags::rst);
  CHECK(script.stream.end() == TcpStream::End::rst);
  CHECK(script.text == "c-2 c:late");
}

TEST_CASE("a reset far off ends nothing") {
  Script script;
  script.open();
  script.server(1000U - 900'000'000U, "", 100, tcp_flags::rst);
  CHECK(script.stream.end() == TcpStream::End::open);
  script.client(100, "abc");
  script.finish();
  CHECK(script.text == "c:abc");
  CHECK(script.stream.end() == TcpStream::End::open);
}

TEST_CASE("a reset that is only near ends the connection unless it goes on") {
  Script script;
  script.open();
  script.client(100, "abc");
  script.server(1005, "", 103, tcp_flags::rst);
  CHECK(script.stream.end() == TcpStream::End::open);
  SECTION("nothing more") {
    script.finish();
    CHECK(script.stream.end() == TcpStream::End::rst);
  }
  SECTION("an answer") {
    script.server(1000, "def", 103);
    script.finish();
    CHECK(script.text == "c:abc s:def");
    CHECK(script.stream.end() == TcpStream::End::open);
  }
}

TEST_CASE("a segment far off is left out") {
  Script script;
  script.open();
  script.client(0x70000000, "stray");
  script.client(100, "abc");
  script.finish();
  CHECK(script.text == "c:abc");
}

TEST_CASE("many segments far off are where the stream is now") {
  Script script;
  script.open();
  for (std::uint32_t i = 0; i < TcpStream::max_strays + 1; ++i)
    script.client(0x50000000 + i, std::string(1, static_cast<char>('a' + i)));
  CHECK(script.text.find(":h") != std::string::npos);
  CHECK(script.text.find(":i") != std::string::npos);
}

TEST_CASE("a SYN sent again is the same") {
  Script script;
  script.open();
  CHECK(script.stream.is_same_syn(Direction::to_server, 99));
  CHECK_FALSE(script.stream.is_same_syn(Direction::to_server, 98));
}
