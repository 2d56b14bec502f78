// The compressed protocol: any frames in any pieces, and what was compressed comes out again.
//
// Input: algorithm and level 1, size of the pieces 1, the largest body 1 (0: the real one), then
// the frames; the same bytes are compressed too.
#include "proportion.hpp"
#include "round_trip.hpp"

#include <mysqlwire/compress/compressor.hpp>
#include <mysqlwire/compress/decompressor.hpp>

#include <algorithm>
#include <optional>

using namespace mysqlwire;
using namespace mysqlwire::compress;
using namespace mysqlwire::fuzz;

namespace {

struct Outcome {
  Buffer bytes;
  std::optional<Error> error;
  bool operator==(const Outcome&) const = default;
};

Outcome unpack(Decompressor decompressor, Bytes frames, std::size_t piece) {
  // Enough to see that it is right, and no more: the input may be a bomb.
  constexpr std::size_t enough = 1 << 20;
  Outcome outcome;
  in_pieces(frames, piece, [&](Bytes input) {
    decompressor.feed(input);
    for (;;) {
      const auto next = decompressor.next();
      if (!next) {
        outcome.error = next.error();
        return false;
      }
      if (next->empty()) return outcome.bytes.size() < enough;
      outcome.bytes.insert(outcome.bytes.end(), next->begin(), next->end());
    }
  });
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A frame may inflate to 16 MiB, which is done twice here, and zstd has tables.
  const Proportion proportion(size, {.bytes = std::size_t{64} << 20});
  constexpr std::size_t parameters = 3;
  if (size < parameters || size > (1 << 16)) return 0;
  const Algorithm algorithm = (data[0] & 128) != 0 ? Algorithm::zstd : Algorithm::zlib;
  const int level = data[0] & 3;
  const std::size_t piece = std::size_t{data[1]} + 1;
  const std::uint32_t max_body = data[2] == 0 ? max_compressed_body : data[2] * 16U;
  const Bytes bytes(data + parameters, size - parameters);

  const Outcome whole = unpack(Decompressor(algorithm, max_body), bytes, bytes.size());
  const Outcome in_pieces = unpack(Decompressor(algorithm, max_body), bytes, piece);
  if (whole.bytes.size() < (1 << 20)) {
    require(in_pieces.error == whole.error);
    // How far a body got before it turned out bad depends on the pieces.
    if (!whole.error) require(in_pieces.bytes == whole.bytes);
  }

  Compressor compressor(algorithm, level, max_body);
  Buffer frames;
  std::uint8_t id = data[1];
  compressor.append(bytes, id, frames);
  Decompressor decompressor(algorithm, max_body);
  decompressor.expect_sequence(data[1]);
  const Outcome again = unpack(std::move(decompressor), frames, piece);
  require(!again.error && std::ranges::equal(again.bytes, bytes));
  return 0;
}
