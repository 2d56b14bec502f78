#include <mysqlwire/capture/segment.hpp>

#include <capture/frames.hpp>
#include <catch2/catch.hpp>
#include <support/hex.hpp>

using namespace mysqlwire;
using namespace mysqlwire::capture;
using namespace mysqlwire::test;

namespace {

const Buffer hello = tcp(4000, 3306, 100, 200, tcp_flags::ack, "hello");

std::string payload_of(LinkType type, const Buffer& frame) {
  Dissector dissector;
  Segment segment;
  const ExactBytes bytes{Bytes(frame)};
  if (dissector.dissect(type, bytes, frame.size(), segment) != FrameKind::tcp) return "no TCP";
  CHECK(segment.cut == 0);
  return std::string(as_text(segment.payload));
}

Buffer behind(std::initializer_list<int> header, const Buffer& content) {
  Buffer out;
  for (const int byte : header) out.push_back(static_cast<std::uint8_t>(byte));
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

}  // namespace

TEST_CASE("TCP is found behind each link layer") {
  const Buffer v4 = ipv4(hello), v6 = ipv6(hello);
  CHECK(payload_of(LinkType::raw, v4) == "hello");
  CHECK(payload_of(LinkType::raw, v6) == "hello");
  CHECK(payload_of(LinkType::ethernet, ethernet(v4)) == "hello");
  CHECK(payload_of(LinkType::ethernet, ethernet(v6, 0x86dd)) == "hello");
  CHECK(payload_of(LinkType::ethernet, ethernet(v4, 0x0800, 1)) == "hello");
  CHECK(payload_of(LinkType::ethernet, ethernet(v4, 0x0800, 2)) == "hello");
  CHECK(payload_of(LinkType::null, behind({2, 0, 0, 0}, v4)) == "hello");
  CHECK(payload_of(LinkType::loop, behind({0, 0, 0, 2}, v4)) == "hello");
  CHECK(payload_of(LinkType::linux_sll,
                   behind({0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0}, v4)) == "hello");
  CHECK(payload_of(LinkType::linux_sll2,
                   behind({8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0}, v4)) ==
        "hello");
}

TEST_CASE("what is no TCP is said to be something else") {
  Dissector dissector;
  Segment segment;
  const Buffer arp = ethernet(Buffer(28), 0x0806);
  CHECK(dissector.dissect(LinkType::ethernet, arp, arp.size(), segment) == FrameKind::other);
  Buffer udp = ipv4(hello);
  udp[9] = 17;
  CHECK(dissector.dissect(LinkType::raw, udp, udp.size(), segment) == FrameKind::other);
  CHECK(dissector.dissect(LinkType::ethernet, Bytes(), 0, segment) == FrameKind::other);
}

TEST_CASE("a segment has its ends, numbers and flags") {
  Dissector dissector;
  Segment segment;
  const Buffer frame = ipv4(tcp(4000, 3306, 0xfffffff0, 7, tcp_flags::syn, ""));
  REQUIRE(dissector.dissect(LinkType::raw, frame, frame.size(), segment) == FrameKind::tcp);
  CHECK(to_string(segment.source) == "10.0.0.1:4000");
  CHECK(to_string(segment.destination) == "10.0.0.2:3306");
  CHECK(segment.sequence == 0xfffffff0);
  CHECK(segment.acknowledged == 7);
  CHECK(segment.flags == tcp_flags::syn);
}

TEST_CASE("IPv6 addresses are written as RFC 5952 has them") {
  Endpoint endpoint;
  endpoint.is_v6 = true;
  endpoint.port = 3306;
  CHECK(to_string(endpoint) == "[::]:3306");
  endpoint.address = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x0a};
  CHECK(to_string(endpoint) == "[2001:db8::1:0:0:a]:3306");
  endpoint.address = {0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
  CHECK(to_string(endpoint) == "[1:0:1:1:1:1:1:1]:3306");
}

TEST_CASE("extension headers are stepped over") {
  const Buffer options = behind({6, 0, 1, 4, 0, 0, 0, 0}, hello);
  CHECK(payload_of(LinkType::raw, ipv6(options, 0)) == "hello");
  const Buffer routing = behind({60, 0, 0, 0, 0, 0, 0, 0}, options);
  CHECK(payload_of(LinkType::raw, ipv6(routing, 43)) == "hello");
}

TEST_CASE("padding behind the IP packet is no payload") {
  Buffer frame = ethernet(ipv4(hello));
  frame.resize(frame.size() + 9);
  CHECK(payload_of(LinkType::ethernet, frame) == "hello");
}

TEST_CASE("fragments are put together in any order") {
  const std::string text(40, 'x');
  const Buffer whole = tcp(4000, 3306, 1, 1, tcp_flags::ack, text);
  const Buffer first(whole.begin(), whole.begin() + 24);
  const Buffer second(whole.begin() + 24, whole.begin() + 48);
  const Buffer third(whole.begin() + 48, whole.end());
  const Buffer frames[] = {ipv4(first, 0x2000), ipv4(second, 0x2000 | 3), ipv4(third, 6)};
  const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
  for (const auto& order : orders) {
    Dissector dissector;
    Segment segment;
    for (int i = 0; i < 3; ++i) {
      const Buffer& frame = frames[order[i]];
      const auto kind = dissector.dissect(LinkType::raw, frame, frame.size(), segment);
      CHECK(kind == (i == 2 ? FrameKind::tcp : FrameKind::fragment));
    }
    CHECK(as_text(segment.payload) == text);
  }
}

TEST_CASE("fragments of an IPv6 packet are put together") {
  const Buffer whole = tcp(4000, 3306, 1, 1, tcp_flags::ack, "0123456789");
  const Buffer first = behind({6, 0, 0, 1, 0, 0, 0, 9}, Buffer(whole.begin(), whole.begin() + 16));
  const Buffer second = behind({6, 0, 0, 16, 0, 0, 0, 9}, Buffer(whole.begin() + 16, whole.end()));
  Dissector dissector;
  Segment segment;
  const Buffer frames[] = {ipv6(first, 44), ipv6(second, 44)};
  CHECK(dissector.dissect(LinkType::raw, frames[0], frames[0].size(), segment) ==
        FrameKind::fragment);
  CHECK(dissector.dissect(LinkType::raw, frames[1], frames[1].size(), segment) == FrameKind::tcp);
  CHECK(as_text(segment.payload) == "0123456789");
}

TEST_CASE("fragments that are never completed take bounded room") {
  Dissector dissector;
  Segment segment;
  Buffer frame = ipv4(Buffer(24), 0x2000);
  for (unsigned id = 0; id < 1000; ++id) {
    frame[4] = static_cast<std::uint8_t>(id >> 8);
    frame[5] = static_cast<std::uint8_t>(id);
    CHECK(dissector.dissect(LinkType::raw, frame, frame.size(), segment) == FrameKind::fragment);
  }
}

TEST_CASE("a frame cut by the snap length says how much is missing") {
  const Buffer frame = ethernet(ipv4(hello));
  for (std::size_t size = 0; size < frame.size(); ++size) {
    Dissector dissector;
    Segment segment;
    const ExactBytes bytes(Bytes(frame).first(size));
    const auto kind = dissector.dissect(LinkType::ethernet, bytes, frame.size(), segment);
    if (size < frame.size() - 5) {
      CHECK(kind != FrameKind::tcp);
    } else {
      REQUIRE(kind == FrameKind::tcp);
      CHECK(segment.payload.size() + segment.cut == 5);
      CHECK(segment.cut == frame.size() - size);
    }
  }
}

TEST_CASE("lengths that contradict the frame are broken") {
  Dissector dissector;
  Segment segment;
  Buffer frame = ipv4(hello);
  frame[0] = 0x44;  // a header of 16 bytes
  CHECK(dissector.dissect(LinkType::raw, frame, frame.size(), segment) == FrameKind::broken);
  frame = ipv4(hello);
  frame[3] = 10;  // shorter than its header
  CHECK(dissector.dissect(LinkType::raw, frame, frame.size(), segment) == FrameKind::broken);
  frame = ipv4(hello);
  frame[20 + 12] = 0xf0;  // a TCP header of 60 bytes
  CHECK(dissector.dissect(LinkType::raw, frame, frame.size(), segment) == FrameKind::broken);
}
