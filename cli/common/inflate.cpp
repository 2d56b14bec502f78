#include "cli/common/inflate.hpp"

#include <mysqlwire/wire/compressed_frame.hpp>

#include <array>

namespace cli {

using namespace mysqlwire;

bool Inflater::inflate(capture::Compression compression, Bytes input, std::size_t size,
                       Buffer& out) {
  if (size == 0 || size > max_compressed_body || input.size() > max_compressed_body) return false;
  const bool is_zstd = compression == capture::Compression::zstd;
  compress::Decompressor& decompressor = is_zstd ? zstd_ : zlib_;
  decompressor.expect_any_sequence();
  std::array<std::uint8_t, compressed_header_size> header{};
  write_compressed_header(header.data(), {static_cast<std::uint32_t>(input.size()), 0,
                                          static_cast<std::uint32_t>(size)});
  for (const Bytes piece : {Bytes(header), input}) {
    decompressor.feed(piece);
    for (;;) {
      const auto inflated = decompressor.next();
      if (!inflated) {
        // An error stays: the next body starts with a fresh one.
        decompressor =
            compress::Decompressor(is_zstd ? compress::Algorithm::zstd : compress::Algorithm::zlib);
        return false;
      }
      if (inflated->empty()) break;
      out.insert(out.end(), inflated->begin(), inflated->end());
    }
  }
  return !decompressor.mid_frame();
}

}  // namespace cli
