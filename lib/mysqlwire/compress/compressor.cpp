#include <mysqlwire/compress/compress_state_detail.hpp>
#include <mysqlwire/compress/compressor.hpp>

#include <algorithm>
#include <new>
#include <span>

namespace mysqlwire::compress {

struct Compressor::State : detail::CompressState {};

Compressor::Compressor(Algorithm algorithm, int level, std::size_t max_body)
    : max_body_(std::clamp<std::size_t>(max_body, 1, max_compressed_body)),
      level_(std::clamp(level, 1, max_level(algorithm))),
      algorithm_(algorithm) {}

Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;
Compressor::~Compressor() = default;

void Compressor::release() noexcept { state_.reset(); }

void Compressor::append(Bytes packets, std::uint8_t& sequence_id, Buffer& out) {
  while (!packets.empty()) {
    const Bytes body = packets.first(std::min(packets.size(), max_body_));
    packets = packets.subspan(body.size());
    const std::size_t start = out.size();
    // What does not get smaller is stored: no more room than that is needed.
    out.resize(start + compressed_header_size + body.size());
    const auto room = std::span(out).subspan(start + compressed_header_size);
    CompressedHeader header;
    header.sequence_id = sequence_id++;
    const std::size_t size =
        body.size() < min_compressed_body ? 0 : compress(body, room.first(body.size() - 1));
    if (size != 0) {
      header.length = static_cast<std::uint32_t>(size);
      header.uncompressed_length = static_cast<std::uint32_t>(body.size());
      out.resize(start + compressed_header_size + size);
    } else {
      header.length = static_cast<std::uint32_t>(body.size());
      std::ranges::copy(body, room.begin());
    }
    write_compressed_header(&out[start], header);
  }
}

std::size_t Compressor::compress(Bytes body, std::span<std::uint8_t> room) {
  if (!state_) state_ = std::make_unique<State>();
  if (algorithm_ == Algorithm::zstd) {
    if (state_->zstd == nullptr) state_->zstd = ZSTD_createCCtx();
    if (state_->zstd == nullptr) throw std::bad_alloc();
    const std::size_t size =
        ZSTD_compressCCtx(state_->zstd, room.data(), room.size(), body.data(), body.size(), level_);
    return ZSTD_isError(size) != 0 ? 0 : size;
  }
  z_stream& stream = state_->zlib;
  if (!state_->zlib_open) {
    if (deflateInit(&stream, level_) != Z_OK) throw std::bad_alloc();
    state_->zlib_open = true;
  } else {
    deflateReset(&stream);
  }
  stream.next_in = const_cast<Bytef*>(body.data());  // zlib does not write to it
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = room.data();
  stream.avail_out = static_cast<uInt>(room.size());
  return deflate(&stream, Z_FINISH) == Z_STREAM_END ? stream.total_out : 0;
}

}  // namespace mysqlwire::compress
