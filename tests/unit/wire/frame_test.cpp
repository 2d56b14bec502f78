#include <mysqlwire/wire/frame.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

using namespace mysqlwire;
using mysqlwire::test::hex;
using mysqlwire::test::to_hex;

namespace {

Buffer numbered(std::size_t size) {
  Buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return bytes;
}

// A message whose one field takes a byte.
struct OneByte {
  static constexpr std::string_view name = "OneByte";
  std::uint32_t value = 0;
  static Result<OneByte> decode(Bytes, const Context&) noexcept { return OneByte{}; }
  void encode(Writer& writer, const Context&) const { writer.u8(value, "value"); }
};

}  // namespace

TEST_CASE("a packet header is three bytes of length and the sequence id", "[frame]") {
  const auto bytes = hex("030201fe");
  CHECK(read_packet_header(bytes.get().data()) == PacketHeader{0x010203, 0xfe});
  std::uint8_t written[packet_header_size];
  write_packet_header(written, {max_frame_payload, 9});
  CHECK(to_hex(written) == "ffffff09");
}

TEST_CASE("a payload is cut into frames, the last one always shorter", "[frame]") {
  Buffer out = {0xaa};
  std::uint8_t sequence_id = 5;
  append_packet(out, hex("0102030405"), sequence_id, 4);
  CHECK(to_hex(out) ==
        "aa"
        "0400000501020304"
        "0100000605");
  CHECK(sequence_id == 7);

  out.clear();
  append_packet(out, hex("0102030405060708"), sequence_id, 4);
  CHECK(to_hex(out) ==
        "0400000701020304"
        "0400000805060708"
        "00000009");
  CHECK(sequence_id == 10);

  out.clear();
  append_packet(out, {}, sequence_id, 4);
  CHECK(to_hex(out) == "0000000a");
}

TEST_CASE("the sequence id wraps behind 255", "[frame]") {
  Buffer out;
  std::uint8_t sequence_id = 255;
  append_packet(out, hex("0102"), sequence_id, 1);
  CHECK(to_hex(out) ==
        "010000ff01"
        "0100000002"
        "00000001");
  CHECK(sequence_id == 2);
}

TEST_CASE("2^24-1 bytes are followed by an empty frame", "[frame]") {
  Buffer out;
  std::uint8_t sequence_id = 0;
  append_packet(out, Buffer(max_frame_payload, 0x20), sequence_id);
  REQUIRE(out.size() == packet_header_size + max_frame_payload + packet_header_size);
  CHECK(to_hex(Bytes(out).first(5)) == "ffffff0020");
  CHECK(to_hex(Bytes(out).last(5)) == "2000000001");
}

TEST_CASE("a packet written in place is cut the same way", "[frame]") {
  for (const std::uint32_t max_frame : {1u, 3u, 64u, max_frame_payload}) {
    for (const std::size_t size : {0u, 1u, 2u, 3u, 4u, 63u, 64u, 65u, 127u, 128u, 129u, 1000u}) {
      const Buffer payload = numbered(size);
      Buffer expected = {1, 2, 3};
      Buffer out = expected;
      std::uint8_t expected_id = 250;
      std::uint8_t sequence_id = 250;
      append_packet(expected, payload, expected_id, max_frame);
      const std::size_t start = begin_packet(out);
      out.insert(out.end(), payload.begin(), payload.end());
      end_packet(out, start, sequence_id, max_frame);
      CHECK(out == expected);
      CHECK(sequence_id == expected_id);
    }
  }
}

TEST_CASE("a message is encoded straight into the output, or not at all", "[frame]") {
  Buffer out = {0xaa};
  std::uint8_t sequence_id = 3;
  CHECK(append_message(out, OneByte{0x7f}, {}, sequence_id).value() == 1);
  CHECK(to_hex(out) == "aa010000037f");
  CHECK(sequence_id == 4);

  const auto failed = append_message(out, OneByte{0x100}, {}, sequence_id);
  REQUIRE_FALSE(failed);
  CHECK(to_string(failed.error()) == "OneByte.value: too long at offset 0");
  CHECK(to_hex(out) == "aa010000037f");
  CHECK(sequence_id == 4);
}
