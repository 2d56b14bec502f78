#include <mysqlwire/session/frame_reader.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace mysqlwire;
using mysqlwire::test::ExactBytes;
using mysqlwire::test::hex;
using mysqlwire::test::to_hex;

namespace {

Buffer numbered(std::size_t size) {
  Buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return bytes;
}

// Everything that next() gives, as "first-last:payload" lines; an error ends the list.
void drain(FrameReader& reader, std::vector<std::string>& out) {
  for (;;) {
    const auto packet = reader.next();
    if (!packet) {
      out.push_back(std::string(to_string(packet.error().code)));
      return;
    }
    if (!packet.value()) return;
    const Packet& found = *packet.value();
    out.push_back(std::to_string(found.first_sequence_id) + "-" +
                  std::to_string(found.last_sequence_id) + ":" + to_hex(found.payload));
  }
}

Buffer stream_of(const std::vector<std::size_t>& sizes, std::uint32_t max_frame) {
  Buffer stream;
  std::uint8_t sequence_id = 250;
  for (const std::size_t size : sizes)
    append_packet(stream, numbered(size), sequence_id, max_frame);
  return stream;
}

}  // namespace

TEST_CASE("packets come out whole at every split of the input", "[frame_reader]") {
  const Buffer stream = stream_of({1, 0, 63, 64, 65, 128, 130, 5}, 64);
  FrameReader whole(64);
  whole.feed(stream);
  std::vector<std::string> expected;
  drain(whole, expected);
  REQUIRE(expected.size() == 8);
  CHECK(expected[0] == "250-250:01");
  CHECK(expected[3].substr(0, 8) == "253-254:");
  CHECK(expected[3].size() == 8 + 128);
  CHECK(whole.buffered() == 0);

  for (std::size_t split = 0; split <= stream.size(); ++split) {
    FrameReader reader(64);
    std::vector<std::string> seen;
    reader.feed(ExactBytes(Bytes(stream).first(split)));
    drain(reader, seen);
    reader.feed(ExactBytes(Bytes(stream).subspan(split)));
    drain(reader, seen);
    CHECK(seen == expected);
  }

  FrameReader drip(64);
  std::vector<std::string> seen;
  for (const std::uint8_t byte : stream) {
    drip.prepare(1)[0] = byte;
    drip.commit(1);
    drain(drip, seen);
  }
  CHECK(seen == expected);
  CHECK(drip.capacity() < 4 * stream.size());
}

TEST_CASE("a payload of 2^24-1 bytes needs its empty trailing frame", "[frame_reader]") {
  Buffer stream;
  std::uint8_t sequence_id = 0;
  append_packet(stream, Buffer(max_frame_payload, 0x61), sequence_id);
  FrameReader reader;
  reader.feed(Bytes(stream).first(stream.size() - packet_header_size));
  CHECK_FALSE(reader.next().value());
  CHECK(reader.buffered() == max_frame_payload);
  reader.feed(Bytes(stream).last(packet_header_size));
  const auto packet = reader.next();
  REQUIRE(packet.value());
  CHECK(packet.value()->payload.size() == max_frame_payload);
  CHECK(packet.value()->first_sequence_id == 0);
  CHECK(packet.value()->last_sequence_id == 1);
}

TEST_CASE("a gap in the sequence inside a packet is fatal and stays", "[frame_reader]") {
  FrameReader reader(2);
  reader.feed(hex("02000007 0102 01000009 03"));
  CHECK(reader.next().error().code == errc::packets_out_of_order);
  reader.feed(hex("01000008 03"));
  CHECK(reader.next().error().code == errc::packets_out_of_order);
}

TEST_CASE("the first sequence id is checked when asked for, once", "[frame_reader]") {
  FrameReader reader;
  reader.expect_sequence(1);
  reader.feed(hex("01000001 61 01000007 62"));
  CHECK(reader.next().value().has_value());
  CHECK(reader.next().value().has_value());
  reader.expect_sequence(8);
  reader.feed(hex("01000009 63"));
  const auto wrong = reader.next();
  REQUIRE_FALSE(wrong);
  CHECK(to_string(wrong.error()) == "Packet.sequence_id: packets out of order at offset 0");
}

TEST_CASE("the payload limit is known from the header and counted over frames", "[frame_reader]") {
  FrameReader reader(64, 100);
  reader.feed(hex("65000000"));
  CHECK(reader.next().error().code == errc::packet_too_large);

  // 64 + 36 is the limit; 64 + 37 is over it, with none of the 37 bytes there.
  for (const std::uint8_t second : {std::uint8_t{36}, std::uint8_t{37}}) {
    FrameReader joined(64, 100);
    Buffer stream = {64, 0, 0, 0};
    stream.resize(4 + 64);
    stream.insert(stream.end(), {second, 0, 0, 1});
    joined.feed(stream);
    const auto packet = joined.next();
    CHECK(packet.has_value() == (second == 36));
  }

  FrameReader small(16);
  small.feed(hex("11000000"));
  CHECK(small.next().error().code == errc::packet_too_large);
}

TEST_CASE("memory follows the bytes that came, not the announced length", "[frame_reader]") {
  FrameReader reader(max_frame_payload, std::uint64_t{1} << 30);
  reader.feed(hex("ffffff00 61"));
  CHECK_FALSE(reader.next().value());
  CHECK(reader.capacity() <= 1024);
  CHECK_FALSE(reader.release_if_idle());
  CHECK(reader.buffered() == 5);
}

TEST_CASE("an idle reader holds nothing", "[frame_reader]") {
  FrameReader reader;
  CHECK(reader.capacity() == 0);
  reader.feed(hex("01000000 0e"));
  CHECK(reader.next().value().has_value());
  CHECK(reader.buffered() == 0);
  CHECK(reader.release_if_idle());
  CHECK(reader.capacity() == 0);
  reader.feed(hex("01000000 0e"));
  CHECK(reader.next().value().has_value());
}

TEST_CASE("bytes behind a packet are counted and shown", "[frame_reader]") {
  FrameReader reader;
  reader.feed(hex("01000001 61 160301"));
  CHECK(reader.next().value().has_value());
  CHECK(reader.buffered() == 3);
  CHECK(to_hex(reader.unread()) == "160301");
  reader.drop_unread();
  CHECK(reader.buffered() == 0);
  CHECK_FALSE(reader.next().value());
}

TEST_CASE("the buffer is used again and does not creep", "[frame_reader]") {
  FrameReader reader;
  Buffer stream = stream_of({90, 90, 90}, max_frame_payload);
  // Always a part of the next packet behind what is taken out.
  Buffer carry;
  std::size_t packets = 0;
  for (int round = 0; round < 1000; ++round) {
    const std::size_t cut = 40 + static_cast<std::size_t>(round) % 7;
    carry.insert(carry.end(), stream.begin(), stream.end());
    reader.feed(Bytes(carry).first(carry.size() - cut));
    carry.erase(carry.begin(), carry.end() - static_cast<std::ptrdiff_t>(cut));
    while (reader.next().value()) ++packets;
  }
  CHECK(packets == 2999);
  CHECK(reader.capacity() <= 2048);
}

TEST_CASE("a moved reader goes on where it was", "[frame_reader]") {
  FrameReader reader(4);
  reader.feed(hex("04000000 01020304 020000"));
  CHECK_FALSE(reader.next().value());
  FrameReader moved(std::move(reader));
  moved.feed(hex("01 0506"));
  const auto packet = moved.next();
  REQUIRE(packet.value());
  CHECK(to_hex(packet.value()->payload) == "010203040506");
}

TEST_CASE("FrameReader overwrites what may have been a password", "[session]") {
  const std::string secret = "a secret of 27 characters..";
  Buffer packets;
  std::uint8_t id = 0;
  for (int i = 0; i < 3; ++i) append_packet(packets, as_bytes(secret), id);
  // The room behind an empty reader's buffered bytes is all of its memory.
  const auto left_over = [&](FrameReader& reader) {
    const auto room = reader.prepare(1);
    return as_text(Bytes(room)).find("secret") != std::string_view::npos;
  };
  const auto read_all = [&](FrameReader& reader) {
    reader.feed(packets);
    int count = 0;
    for (auto packet = reader.next(); *packet; packet = reader.next()) {
      CHECK(as_text((*packet)->payload) == secret);
      ++count;
    }
    CHECK(count == 3);
  };
  FrameReader reader;
  read_all(reader);
  CHECK(left_over(reader));
  reader.set_wiping(true);
  CHECK_FALSE(left_over(reader));
  read_all(reader);
  CHECK_FALSE(left_over(reader));
  // What is buffered stays, with the current packet gone.
  reader.feed(packets);
  REQUIRE(*reader.next());
  reader.set_wiping(false);
  const auto packet = reader.next();
  REQUIRE(*packet);
  CHECK(as_text((*packet)->payload) == secret);
  CHECK(as_text(reader.unread()).substr(packet_header_size) == secret);
}

TEST_CASE("FrameReader overwrites when bytes move", "[session]") {
  const std::string secret = "secret";
  FrameReader reader;
  reader.set_wiping(true);
  Buffer big;
  std::uint8_t id = 0;
  append_packet(big, Buffer(400), id);
  append_packet(big, as_bytes(secret), id);
  reader.feed(Bytes(big).first(big.size() - 1));
  REQUIRE(*reader.next());
  // Moves the incomplete packet down, over what is retired.
  const auto room = reader.prepare(400);
  CHECK(as_text(Bytes(room)).find("secre") == std::string_view::npos);
  room[0] = 't';
  reader.commit(1);
  const auto packet = reader.next();
  REQUIRE(*packet);
  CHECK(as_text((*packet)->payload) == secret);
}
