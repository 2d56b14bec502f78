// Compressor and Decompressor, against each other and against what real servers sent.
#include <mysqlwire/compress/compressor.hpp>
#include <mysqlwire/compress/decompressor.hpp>
#include <mysqlwire/compress/frame_builder.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <algorithm>
#include <string>
#include <utility>

using namespace mysqlwire;
using namespace mysqlwire::compress;
using namespace mysqlwire::test;

namespace {

/// Everything that comes of `frames` fed in pieces, and how it ended.
struct Unpacked {
  Buffer bytes;
  errc error = errc::ok;
  std::string field;
  std::size_t largest_piece = 0;
};

Unpacked unpack(Decompressor& decompressor, Bytes frames, std::size_t piece = 1 << 30) {
  Unpacked result;
  while (!frames.empty()) {
    const ExactBytes input(frames.first(std::min(piece, frames.size())));
    frames = frames.subspan(input.size());
    decompressor.feed(input);
    for (;;) {
      const auto next = decompressor.next();
      if (!next) {
        result.error = next.error().code;
        result.field = next.error().field;
        CHECK(decompressor.next().error() == next.error());
        return result;
      }
      if (next->empty()) break;
      result.largest_piece = std::max(result.largest_piece, next->size());
      result.bytes.insert(result.bytes.end(), next->begin(), next->end());
    }
  }
  return result;
}

Unpacked unpack(Algorithm algorithm, Bytes frames, std::size_t piece = 1 << 30) {
  Decompressor decompressor(algorithm);
  return unpack(decompressor, frames, piece);
}

/// Text that gets smaller, and bytes that don't.
Buffer compressible(std::size_t size) {
  Buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>("abcdefgh"[i / 7 % 8]);
  return bytes;
}
Buffer noise(std::size_t size) {
  Buffer bytes(size);
  std::uint32_t state = 1;
  for (auto& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

Buffer frames_of(Algorithm algorithm, Bytes packets, std::size_t max_body = 128 << 10,
                 std::uint8_t id = 0) {
  Compressor compressor(algorithm, default_level(algorithm), max_body);
  Buffer out;
  compressor.append(packets, id, out);
  return out;
}

/// One compressed frame with its header changed, and perhaps its body.
template <class Change>
Unpacked with(Algorithm algorithm, Bytes packets, Change change) {
  Buffer frame = frames_of(algorithm, packets, max_compressed_body);
  CompressedHeader header = read_compressed_header(frame.data());
  REQUIRE(header.uncompressed_length == packets.size());
  Buffer body(frame.begin() + compressed_header_size, frame.end());
  change(header, body);
  frame.resize(compressed_header_size);
  write_compressed_header(frame.data(), header);
  frame.insert(frame.end(), body.begin(), body.end());
  const Unpacked whole = unpack(algorithm, frame);
  const Unpacked in_pieces = unpack(algorithm, frame, 1);
  CHECK(whole.error == in_pieces.error);
  return whole;
}

constexpr Algorithm both[] = {Algorithm::zlib, Algorithm::zstd};

}  // namespace

TEST_CASE("CompressedHeader", "[compress]") {
  const ExactBytes bytes = hex("35000001380000");
  const CompressedHeader header = read_compressed_header(bytes.get().data());
  CHECK(header == CompressedHeader{0x35, 1, 0x38});
  std::uint8_t again[compressed_header_size];
  write_compressed_header(again, {0xfffffe, 255, 0xffffff});
  CHECK(to_hex(again) == "feffffffffffff");
  CHECK(read_compressed_header(again) == CompressedHeader{0xfffffe, 255, 0xffffff});
}

TEST_CASE("what is agreed on", "[compress]") {
  CHECK_FALSE(agreed_algorithm({}));
  CHECK(agreed_algorithm(Capability::compress) == Algorithm::zlib);
  CHECK(agreed_algorithm(Capability::zstd_compression_algorithm) == Algorithm::zstd);
  CHECK(agreed_algorithm(Capability::compress | Capability::zstd_compression_algorithm) ==
        Algorithm::zlib);
}

TEST_CASE("frames of a real server and its client", "[compress]") {
  Decompressor from_client(Algorithm::zlib);
  Decompressor from_server(Algorithm::zlib);
  from_client.expect_sequence(0);
  auto request = unpack(from_client, hex("0d000000000000090000000373656c6563742031"));
  CHECK(to_hex(request.bytes) == "090000000373656c6563742031");
  CHECK(from_client.next_sequence_id() == 1);
  from_server.expect_sequence(1);
  auto reply = unpack(
      from_server, hex("35000001380000"
                       "789c636460606414676060624e494d6300720c1978ec1918812c8e4620c1c0cac0c0fc0f28"
                       "0d840c2c8c86402e2b980b0079bb04a0"));
  CHECK(reply.error == errc::ok);
  CHECK(reply.bytes.size() == 0x38);
  CHECK(to_hex(Bytes(reply.bytes).first(5)) == "0100000101");

  from_client.expect_sequence(0);
  request = unpack(from_client,
                   hex("1e000000530000"
                       "789cf3676060602e4ecd494d2e51504fa410a82b24162b540000966d1d0d"),
                   3);
  CHECK(request.bytes.size() == 0x53);
  CHECK(as_text(Bytes(request.bytes).subspan(4)) ==
        "\x03select '" + std::string(64, 'a') + "' as x");
  CHECK_FALSE(from_client.mid_frame());
}

TEST_CASE("what is compressed comes out as it went in", "[compress]") {
  for (const Algorithm algorithm : both) {
    for (const std::size_t size : {1, 49, 50, 51, 1000, 16384, 16385, 300'000}) {
      for (const Buffer& packets : {compressible(size), noise(size)}) {
        for (const std::size_t max_body : {64UL, 10'000UL, 128UL << 10}) {
          const Buffer frames = frames_of(algorithm, packets, max_body, 250);
          for (const std::size_t piece : {1UL, 7UL, 4096UL, 1UL << 30}) {
            if (size / piece > 20'000) continue;
            Decompressor decompressor(algorithm);
            decompressor.expect_sequence(250);
            const Unpacked result = unpack(decompressor, frames, piece);
            REQUIRE(result.error == errc::ok);
            REQUIRE(result.bytes == packets);
            CHECK_FALSE(decompressor.mid_frame());
            const std::size_t count = (size + max_body - 1) / max_body;
            CHECK(decompressor.next_sequence_id() == static_cast<std::uint8_t>(250 + count));
          }
        }
      }
    }
  }
}

TEST_CASE("small bodies and those that don't shrink are stored", "[compress]") {
  for (const Algorithm algorithm : both) {
    const auto stored = [&](const Buffer& packets) {
      const Buffer frames = frames_of(algorithm, packets);
      const CompressedHeader header = read_compressed_header(frames.data());
      CHECK(header.length == frames.size() - compressed_header_size);
      return header.uncompressed_length == 0;
    };
    CHECK(stored(compressible(49)));
    CHECK_FALSE(stored(compressible(50)));
    CHECK(stored(noise(1000)));
    CHECK(frames_of(algorithm, {}).empty());
  }
}

TEST_CASE("levels", "[compress]") {
  Buffer text;
  for (int i = 0; i < 4000; ++i) {
    const std::string line = "insert into t values (" + std::to_string(i * i % 977) + ", 'v');";
    text.insert(text.end(), line.begin(), line.end());
  }
  for (const Algorithm algorithm : both) {
    const auto size_at = [&](int level) {
      Compressor compressor(algorithm, level);
      Buffer out;
      std::uint8_t id = 0;
      compressor.append(text, id, out);
      CHECK(unpack(algorithm, out).bytes == text);
      return out.size();
    };
    const std::size_t fast = size_at(1);
    const std::size_t small = size_at(max_level(algorithm));
    CHECK(small < fast);
    CHECK(size_at(-5) == fast);
    CHECK(size_at(100) == small);
  }
}

TEST_CASE("one object serves many frames, and gives its memory back", "[compress]") {
  for (const Algorithm algorithm : both) {
    Compressor compressor(algorithm);
    Decompressor decompressor(algorithm);
    std::uint8_t id = 255;
    for (std::size_t round = 0; round < 5; ++round) {
      const Buffer packets = compressible(1000 * round + 100);
      Buffer out;
      compressor.append(packets, id, out);
      CHECK(id == static_cast<std::uint8_t>(round));
      CHECK(unpack(decompressor, out).bytes == packets);
      if (round % 2 == 0) {
        compressor.release();
        decompressor.release();
      }
    }
    // Not in the middle of a frame.
    const Buffer packets = compressible(5000);
    Buffer out;
    compressor.append(packets, id, out);
    Buffer got = unpack(decompressor, Bytes(out).first(20)).bytes;
    CHECK(decompressor.mid_frame());
    decompressor.release();
    const Unpacked rest = unpack(decompressor, Bytes(out).subspan(20));
    got.insert(got.end(), rest.bytes.begin(), rest.bytes.end());
    CHECK(got == packets);
    Compressor moved = std::move(compressor);
    moved.append(packets, id, out);
  }
}

TEST_CASE("sequence ids of frames", "[compress]") {
  const Buffer three = frames_of(Algorithm::zlib, compressible(300), 100);
  Decompressor decompressor(Algorithm::zlib);
  CHECK(unpack(decompressor, three).error == errc::ok);  // nothing was expected yet
  CHECK(unpack(decompressor, three).error == errc::packets_out_of_order);

  Decompressor second(Algorithm::zlib);
  second.expect_sequence(1);
  CHECK(unpack(second, three).error == errc::packets_out_of_order);
  CHECK(unpack(second, three).bytes.empty());

  // An empty frame is legal, and uses up an id.
  Decompressor third(Algorithm::zlib);
  third.expect_sequence(0);
  const Unpacked result = unpack(third, hex("00000000000000"
                                            "02000001000000aabb"));
  CHECK(result.error == errc::ok);
  CHECK(to_hex(result.bytes) == "aabb");
  CHECK(unpack(third, hex("00000003000000")).error == errc::packets_out_of_order);
}

TEST_CASE("lengths that lie, and bodies that are none", "[compress]") {
  for (const Algorithm algorithm : both) {
    INFO(static_cast<int>(algorithm));
    for (const std::size_t size : {100, 40'000}) {
      const Buffer packets = compressible(size);
      using Header = CompressedHeader;
      CHECK(with(algorithm, packets, [](Header&, Buffer&) {}).bytes == packets);
      CHECK(with(algorithm, packets, [](Header& h, Buffer&) { --h.uncompressed_length; }).error ==
            errc::bad_value);
      CHECK(with(algorithm, packets, [](Header& h, Buffer&) { ++h.uncompressed_length; }).error ==
            errc::bad_value);
      CHECK(with(algorithm, packets, [](Header& h, Buffer&) { h.uncompressed_length = 1; }).error ==
            errc::bad_value);
      CHECK(with(algorithm, packets, [](Header& h, Buffer&) {
              h.uncompressed_length = 0xffffff;
            }).error == errc::bad_value);
      // The body is cut, goes on, or is empty.
      CHECK(with(algorithm, packets, [](Header& h, Buffer&) { --h.length; }).error ==
            errc::bad_value);
      CHECK(with(algorithm, packets, [](Header& h, Buffer& body) {
              ++h.length;
              body.push_back(0);
            }).error == errc::bad_value);
      CHECK(with(algorithm, packets, [](Header& h, Buffer& body) {
              h.length = 0;
              body.clear();
            }).error == errc::bad_value);
      CHECK(with(algorithm, packets, [](Header&, Buffer& body) {
              std::ranges::fill(body, std::uint8_t{0x55});
            }).error == errc::bad_value);
    }
  }
  // The checksum at the end.
  CHECK(with(Algorithm::zlib, compressible(100), [](CompressedHeader&, Buffer& body) {
          body.back() ^= 1;
        }).error == errc::bad_value);
  // One algorithm's body for the other.
  CHECK(unpack(Algorithm::zstd, frames_of(Algorithm::zlib, compressible(100))).error ==
        errc::bad_value);
  CHECK(unpack(Algorithm::zlib, frames_of(Algorithm::zstd, compressible(100))).error ==
        errc::bad_value);
}

TEST_CASE("bombs", "[compress]") {
  for (const Algorithm algorithm : both) {
    // 16 MiB of zeros are a legal body.
    const Buffer zeros(max_compressed_body);
    const Buffer frame = frames_of(algorithm, zeros, max_compressed_body);
    CHECK(frame.size() < 20'000);
    const Unpacked result = unpack(algorithm, frame);
    CHECK(result.error == errc::ok);
    CHECK(result.bytes == zeros);
    if (algorithm == Algorithm::zlib) CHECK(result.largest_piece == Decompressor::piece_size);
    // Not where less was to be expected, and then before anything is made of it.
    Decompressor small(algorithm, 1 << 20);
    const Unpacked refused = unpack(small, Bytes(frame).first(compressed_header_size));
    CHECK(refused.error == errc::packet_too_large);
    CHECK(refused.bytes.empty());
  }
  Decompressor stored(Algorithm::zlib, 10);
  CHECK(unpack(stored, hex("0b000000000000")).error == errc::packet_too_large);
  // More than zstd can make of so few bytes.
  const Unpacked lie = unpack(Algorithm::zstd, hex("0a000000ffffff"));
  CHECK(lie.error == errc::bad_value);
  CHECK(lie.field == "uncompressed_length");
}

TEST_CASE("a frame whose body comes in pieces", "[compress]") {
  const Algorithm algorithm = GENERATE(Algorithm::zlib, Algorithm::zstd);
  const Buffer body = GENERATE(compressible(300'000), noise(300'000));
  FrameBuilder builder(algorithm, 1);
  for (std::size_t at = 0; at < body.size(); at += 70'001) {
    const Bytes piece = Bytes(body).subspan(at, std::min<std::size_t>(70'001, body.size() - at));
    REQUIRE(builder.add(piece) == piece.size());
  }
  Buffer frames;
  std::uint8_t sequence_id = 255;
  builder.finish(sequence_id, frames);
  CHECK(sequence_id == 0);
  const auto header = read_compressed_header(frames.data());
  CHECK(header.sequence_id == 255);
  CHECK(header.uncompressed_length == body.size());
  CHECK(header.length == frames.size() - compressed_header_size);
  CHECK((unpack(algorithm, frames).bytes == body));
}

TEST_CASE("a frame takes no more than fits, not even of noise", "[compress]") {
  const Algorithm algorithm = GENERATE(Algorithm::zlib, Algorithm::zstd);
  const Buffer body = noise(FrameBuilder::max_body + 100);
  FrameBuilder builder(algorithm, 1);
  CHECK(builder.add(body) == FrameBuilder::max_body);
  CHECK(builder.full());
  CHECK(builder.add(body) == 0);
  Buffer frames;
  std::uint8_t sequence_id = 0;
  builder.finish(sequence_id, frames);
  CHECK(frames.size() - compressed_header_size <= max_compressed_body);
  const Unpacked unpacked = unpack(algorithm, frames);
  CHECK((unpacked.bytes == Buffer(body.begin(), body.begin() + FrameBuilder::max_body)));
}

TEST_CASE("no frame of nothing", "[compress]") {
  FrameBuilder builder(Algorithm::zlib, 6);
  Buffer frames;
  std::uint8_t sequence_id = 3;
  builder.finish(sequence_id, frames);
  CHECK(frames.empty());
  CHECK(sequence_id == 3);
}
