#include "cli/mysqlprobe/pcapng.hpp"

#include <mysqlwire/capture/segment.hpp>

#include <catch2/catch.hpp>

#include <cstring>

using namespace mysqlprobe;
using namespace mysqlwire;

namespace {

std::uint32_t u32(Bytes bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, 4);
  return value;
}

}  // namespace

TEST_CASE("the file is a chain of blocks whose packets can be dissected") {
  for (const bool v6 : {false, true}) {
    capture::Endpoint client{{192, 0, 2, 1}, v6, 40000}, server{{192, 0, 2, 2}, v6, 3306};
    PcapngWriter writer(client, server);
    writer.add_secrets("CLIENT_RANDOM 00 11\n");
    writer.open(1);
    const Buffer large(100000, std::uint8_t{'x'});
    writer.add(Direction::to_server, large, 2);
    writer.add(Direction::to_client, as_bytes("abc"), 3);
    writer.close(4);

    const Bytes file = writer.bytes();
    REQUIRE(u32(file, 0) == 0x0a0d0d0a);
    capture::Dissector dissector;
    std::size_t packets = 0, to_server = 0;
    for (std::size_t at = 0; at < file.size();) {
      const std::uint32_t size = u32(file, at + 4);
      REQUIRE(size % 4 == 0);
      REQUIRE(size <= file.size() - at);
      CHECK(u32(file, at + size - 4) == size);
      if (u32(file, at) == 6) {
        const std::uint32_t length = u32(file, at + 20);
        capture::Segment segment;
        const Bytes frame = file.subspan(at + 28, length);
        REQUIRE(dissector.dissect(capture::LinkType::raw, frame, length, segment) ==
                capture::FrameKind::tcp);
        ++packets;
        if (segment.destination.port == 3306) to_server += segment.payload.size();
      }
      at += size;
    }
    CHECK(packets == 3 + 4 + 1 + 3);
    CHECK(to_server == large.size());
  }
}
