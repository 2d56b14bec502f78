#include <mysqlwire/session/packet_scanner.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <string>
#include <vector>

using namespace mysqlwire;
using mysqlwire::test::ExactBytes;
using mysqlwire::test::hex;
using mysqlwire::test::to_hex;

namespace {

using Kind = PacketScanner::Step::Kind;

Buffer numbered(std::size_t size) {
  Buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return bytes;
}

// Runs one piece of the stream through the scanner; every step but need_more becomes a line.
void scan(PacketScanner& scanner, Bytes input, std::vector<std::string>& out) {
  for (;;) {
    const auto step = scanner.next(input);
    if (!step) {
      out.push_back(to_string(step.error()));
      return;
    }
    REQUIRE(step->consumed <= input.size());
    input = input.subspan(step->consumed);
    if (step->kind == Kind::need_more) {
      REQUIRE(input.empty());
      return;
    }
    if (step->kind == Kind::head) {
      out.push_back("head " + std::to_string(step->sequence_id) + " " +
                    std::to_string(step->frame_length) + " " + to_hex(step->prefix));
    } else {
      out.push_back("end " + std::to_string(step->sequence_id) + " " +
                    std::to_string(step->payload_size));
    }
  }
}

}  // namespace

TEST_CASE("head and end of each packet, at every split of the input", "[packet_scanner]") {
  Buffer stream;
  std::uint8_t sequence_id = 252;
  for (const std::size_t size : {1, 0, 23, 24, 25, 63, 64, 65, 128, 200})
    append_packet(stream, numbered(size), sequence_id, 64);

  PacketScanner whole(64);
  std::vector<std::string> expected;
  scan(whole, stream, expected);
  REQUIRE(expected.size() == 20);
  CHECK(expected[0] == "head 252 1 01");
  CHECK(expected[1] == "end 252 1");
  CHECK(expected[2] == "head 253 0 ");
  CHECK(expected[3] == "end 253 0");
  CHECK(expected[12].substr(0, 10) == "head 2 64 ");
  CHECK(expected[13] == "end 3 64");
  CHECK(expected[17] == "end 8 128");
  CHECK(expected[19] == "end 12 200");
  CHECK(whole.at_boundary());

  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
      const std::size_t second = std::min(first + size, stream.size());
      PacketScanner scanner(64);
      std::vector<std::string> seen;
      scan(scanner, ExactBytes(Bytes(stream).first(first)), seen);
      scan(scanner, ExactBytes(Bytes(stream).subspan(first, second - first)), seen);
      scan(scanner, ExactBytes(Bytes(stream).subspan(second)), seen);
      CHECK(seen == expected);
    }
  }

  PacketScanner drip(64);
  std::vector<std::string> seen;
  for (const std::uint8_t byte : stream) scan(drip, Bytes(&byte, 1), seen);
  CHECK(seen == expected);
}

TEST_CASE("a prefix in one piece points into the input", "[packet_scanner]") {
  const auto stream = hex("03000000 036162 0100000101");
  PacketScanner scanner;
  const auto head = scanner.next(stream);
  REQUIRE(head->kind == Kind::head);
  CHECK(head->consumed == 7);
  CHECK(head->prefix.data() == stream.get().data() + 4);
  CHECK_FALSE(scanner.at_boundary());
  const auto end = scanner.next(stream.get().subspan(7));
  REQUIRE(end->kind == Kind::end);
  CHECK(end->consumed == 0);
  CHECK(scanner.at_boundary());
}

TEST_CASE("what was held back of a head can be seen", "[packet_scanner]") {
  PacketScanner scanner;
  CHECK(scanner.next(hex("0300"))->kind == Kind::need_more);
  CHECK_FALSE(scanner.at_boundary());
  CHECK(scanner.next(hex("00 05 03"))->kind == Kind::need_more);
  CHECK(to_hex(scanner.pending()) == "0300000503");
  const auto head = scanner.next(hex("6162 ff"));
  REQUIRE(head->kind == Kind::head);
  CHECK(head->consumed == 2);
  CHECK(to_hex(head->prefix) == "036162");
  CHECK(scanner.pending().empty());
}

TEST_CASE("whole small packets are passed over without steps", "[packet_scanner]") {
  const auto stream = hex("02000005 0161 00000006 02000007 01");
  PacketScanner scanner;
  PacketScanner::Whole found;
  REQUIRE(scanner.whole(stream, found));
  CHECK(found.size == 6);
  CHECK(found.sequence_id == 5);
  CHECK(to_hex(found.payload) == "0161");
  REQUIRE(scanner.whole(stream.get().subspan(6), found));
  CHECK(found.size == 4);
  CHECK(found.payload.empty());
  CHECK_FALSE(scanner.whole(stream.get().subspan(10), found));

  // Not for a packet of several frames, and not inside one.
  PacketScanner small(2);
  CHECK_FALSE(small.whole(stream, found));
  CHECK(small.next(hex("02000005 0161"))->kind == Kind::head);
  CHECK_FALSE(small.whole(hex("01000000 61"), found));
}

TEST_CASE("frames of one packet must continue its sequence", "[packet_scanner]") {
  PacketScanner scanner(2);
  std::vector<std::string> seen;
  scan(scanner, hex("020000ff 0161 02000000 6161 01000002 61"), seen);
  REQUIRE(seen.size() == 2);
  CHECK(seen[0] == "head 255 2 0161");
  CHECK(seen[1] == "Packet.sequence_id: packets out of order at offset 4");
  CHECK(scanner.next(hex("00")).error().code == errc::packets_out_of_order);
}

TEST_CASE("a frame above the frame limit is refused", "[packet_scanner]") {
  PacketScanner scanner(2);
  CHECK(scanner.next(hex("03000000")).error().code == errc::packet_too_large);
  PacketScanner drip(2);
  CHECK(drip.next(hex("0300"))->kind == Kind::need_more);
  CHECK(drip.next(hex("0000")).error().code == errc::packet_too_large);
  PacketScanner later(2);
  CHECK(later.next(hex("02000000 6161"))->kind == Kind::head);
  CHECK(later.next(hex("03000001")).error().code == errc::packet_too_large);
}

TEST_CASE("a payload far above 4 GiB is counted", "[packet_scanner]") {
  PacketScanner scanner;
  const Buffer frame(max_frame_payload);
  Buffer header = {0xff, 0xff, 0xff, 0};
  std::uint64_t total = 0;
  for (int i = 0; i < 300; ++i) {
    header[3] = static_cast<std::uint8_t>(i);
    auto step = scanner.next(header);
    Bytes body = frame;
    if (i == 0) {
      REQUIRE(step->kind == Kind::need_more);
      step = scanner.next(body);
      REQUIRE(step->kind == Kind::head);
      body = body.subspan(step->consumed);
    }
    REQUIRE(scanner.next(body)->consumed == body.size());
    total += max_frame_payload;
  }
  header = {0, 0, 0, static_cast<std::uint8_t>(300)};
  const auto end = scanner.next(header);
  REQUIRE(end->kind == Kind::end);
  CHECK(end->payload_size == total);
  CHECK(end->sequence_id == static_cast<std::uint8_t>(300));
}
