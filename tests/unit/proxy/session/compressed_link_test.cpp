#include "proxy/session/compressed_link.hpp"

#include <mysqlwire/wire/frame.hpp>

#include <catch2/catch.hpp>

#include <algorithm>

using namespace mysqlproxy;
using mysqlwire::Buffer;
using mysqlwire::Bytes;
using mysqlwire::compress::Algorithm;
using Peer = CompressedLink::Peer;

namespace {

Buffer packet(std::size_t size, std::uint8_t sequence_id = 0) {
  Buffer payload(size);
  for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<std::uint8_t>(i * i >> 8);
  Buffer out;
  mysqlwire::append_packet(out, payload, sequence_id);
  return out;
}

Buffer joined(std::initializer_list<Buffer> parts) {
  Buffer all;
  for (const Buffer& one : parts) all.insert(all.end(), one.begin(), one.end());
  return all;
}

/// The ids of the frames in `stream`, and how long each body is once uncompressed.
std::vector<std::pair<int, std::size_t>> frames_of(Bytes stream) {
  std::vector<std::pair<int, std::size_t>> frames;
  while (!stream.empty()) {
    const auto header = mysqlwire::read_compressed_header(stream.data());
    const std::size_t size =
        header.uncompressed_length != 0 ? header.uncompressed_length : header.length;
    frames.emplace_back(header.sequence_id, size);
    stream = stream.subspan(mysqlwire::compressed_header_size + header.length);
  }
  return frames;
}

/// What the link makes of bytes that were received, `room` at a time.
Buffer received(CompressedLink& link, Bytes stream, std::size_t room = 100) {
  Buffer all;
  link.receive(stream);
  std::vector<std::uint8_t> into(room);
  for (;;) {
    const auto size = link.unpack(into);
    REQUIRE(size);
    if (*size == 0) break;
    all.insert(all.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(*size));
  }
  CHECK(link.drained());
  return all;
}

}  // namespace

TEST_CASE("both directions are numbered in one row", "[compressed_link]") {
  Compressors compressors;
  const Algorithm algorithm = GENERATE(Algorithm::zlib, Algorithm::zstd);
  CompressedLink client(Peer::server, algorithm, 6, compressors);  // what a client has
  CompressedLink server(Peer::client, algorithm, 6, compressors);
  for (int command = 0; command < 3; ++command) {
    client.begin_command();
    server.begin_command();
    Buffer sent;
    client.pack(packet(1000), sent);
    client.pack(packet(20), sent);
    CHECK(frames_of(sent) == std::vector<std::pair<int, std::size_t>>{{0, 1004}, {1, 24}});
    CHECK((received(server, sent) == joined({packet(1000), packet(20)})));
    Buffer reply;
    server.pack(packet(7), reply);
    CHECK(frames_of(reply).front().first == 2);
    CHECK((received(client, reply) == packet(7)));
    CHECK(client.next_frame_id() == 3);
    CHECK(server.next_frame_id() == 3);
  }
}

TEST_CASE("a client's frames have to count on", "[compressed_link]") {
  Compressors compressors;
  CompressedLink link(Peer::client, Algorithm::zlib, 6, compressors);
  link.begin_command();
  Buffer sent;
  std::uint8_t id = 1;
  mysqlwire::compress::Compressor(Algorithm::zlib).append(packet(10), id, sent);
  link.receive(sent);
  Buffer into(100);
  const auto size = link.unpack(into);
  REQUIRE_FALSE(size);
  CHECK(size.error().code == mysqlwire::errc::packets_out_of_order);
}

TEST_CASE("a server's may have any id", "[compressed_link]") {
  Compressors compressors;
  CompressedLink link(Peer::server, Algorithm::zlib, 6, compressors);
  for (const int number : {7, 0, 0}) {
    Buffer sent;
    auto id = static_cast<std::uint8_t>(number);
    mysqlwire::compress::Compressor(Algorithm::zlib).append(packet(10), id, sent);
    CHECK((received(link, sent) == packet(10)));
  }
}

TEST_CASE("clients get whole packets, one or two frames each", "[compressed_link]") {
  Compressors compressors;
  CompressedLink link(Peer::client, Algorithm::zlib, 6, compressors);
  link.begin_command();
  const std::size_t size = GENERATE(60, 3000, 400'000, 16'000'000, 16'900'000);
  const Buffer stream = joined({packet(100), packet(size), packet(5), packet(size), packet(1)});
  Buffer frames;
  const std::size_t chunk = 65'536;
  std::size_t packed = 0;
  while (packed < stream.size()) {
    const std::size_t more = std::min(chunk, stream.size() - packed);
    link.pack(Bytes(stream).subspan(packed, more), frames);
    packed += more;
  }
  // Frame ends that are no packet's end: only inside of what does not fit into a frame.
  std::vector<std::size_t> ends;
  std::size_t at = 0;
  for (const std::size_t one : {std::size_t{100}, size, std::size_t{5}, size, std::size_t{1}})
    ends.push_back(at += one + 4 + (one >= mysqlwire::max_frame_payload ? 4 : 0));
  std::size_t end = 0;
  int id = 0;
  std::size_t within = 0;
  for (const auto& [number, length] : frames_of(frames)) {
    CHECK(number == id++);
    end += length;
    if (std::ranges::find(ends, end) == ends.end()) ++within;
  }
  CHECK(end == stream.size());
  CHECK(within == (size > mysqlwire::compress::FrameBuilder::max_body ? 2 : 0));
  CompressedLink other(Peer::server, Algorithm::zlib, 6, compressors);
  CHECK((received(other, frames, 65'536) == stream));
}

TEST_CASE("compressors are shared by level", "[compressed_link]") {
  Compressors compressors;
  CHECK(&compressors.get(Algorithm::zlib, 6) == &compressors.get(Algorithm::zlib, 6));
  CHECK(&compressors.get(Algorithm::zlib, 6) != &compressors.get(Algorithm::zlib, 7));
  CHECK(&compressors.get(Algorithm::zlib, 6) != &compressors.get(Algorithm::zstd, 6));
}
