#include <mysqlwire/capture/torn_packet.hpp>

#include <catch2/catch.hpp>

#include <algorithm>

using namespace mysqlwire;
using namespace mysqlwire::capture;

namespace {

Buffer packet_of(std::size_t size, std::uint8_t sequence = 7) {
  Buffer bytes;
  append_packet(bytes, Buffer(size, 1), sequence);
  return bytes;
}

}  // namespace

TEST_CASE("a torn packet ends where its header says") {
  const Buffer bytes = packet_of(100);
  TornPacket torn(Bytes(bytes).first(44));
  CHECK(torn.length() == 40);
  CHECK(torn.skip_missing(30));
  CHECK(torn.length() == 70);
  CHECK_FALSE(torn.is_complete());
  CHECK(torn.skip(Bytes(bytes).first(31)) == 30);
  REQUIRE(torn.is_complete());
  CHECK(torn.length() == 100);
  CHECK(torn.packet().payload.size() == 40);
  CHECK(torn.packet().first_sequence_id == 7);
  CHECK(torn.packet().last_sequence_id == 7);
  CHECK(torn.skip(bytes) == 0);
}

TEST_CASE("what is missing behind a torn packet's frame is not followed") {
  const Buffer bytes = packet_of(100);
  TornPacket torn(Bytes(bytes).first(44));
  CHECK_FALSE(torn.skip_missing(61));
  CHECK(torn.is_complete());

  const Buffer two = packet_of(max_frame_payload);
  TornPacket longer(Bytes(two).first(44));
  CHECK_FALSE(longer.skip_missing(max_frame_payload - 40 + 1));
  CHECK_FALSE(longer.is_complete());
}

TEST_CASE("a torn packet of several frames ends with the last of them, however it is split") {
  const Buffer bytes = packet_of(2 * std::size_t{max_frame_payload} + 5);
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{1} << 20}) {
    const std::size_t end = packet_header_size + max_frame_payload;
    TornPacket torn(Bytes(bytes).first(50));
    REQUIRE(torn.skip_missing(end - 50));
    std::size_t at = end;
    // The second frame's payload is missing, too.
    for (const std::size_t stop : {at + 10, bytes.size()}) {
      while (at < stop) {
        const std::size_t some = std::min(step, stop - at);
        REQUIRE(torn.skip(Bytes(bytes).subspan(at, some)) == some);
        at += some;
      }
      if (at == bytes.size()) break;
      REQUIRE(torn.skip_missing(max_frame_payload - 6));
      at += max_frame_payload - 6;
      REQUIRE_FALSE(torn.is_complete());
    }
    CHECK(torn.is_complete());
    CHECK(torn.length() == 2 * std::uint64_t{max_frame_payload} + 5);
    CHECK(torn.packet().last_sequence_id == 9);
  }
}
