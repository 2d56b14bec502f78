#include <mysqlwire/compress/compress_state_detail.hpp>
#include <mysqlwire/compress/frame_builder.hpp>

#include <algorithm>
#include <new>

namespace mysqlwire::compress {
namespace {

constexpr std::size_t step = 16 << 10;  // by which the output grows at least

}  // namespace

struct FrameBuilder::State : detail::CompressState {};

FrameBuilder::FrameBuilder(Algorithm algorithm, int level) : state_(std::make_unique<State>()) {
  level = std::clamp(level, 1, max_level(algorithm));
  if (algorithm == Algorithm::zlib) {
    if (deflateInit(&state_->zlib, level) != Z_OK) throw std::bad_alloc();
    state_->zlib_open = true;
    return;
  }
  state_->zstd = ZSTD_createCCtx();
  if (state_->zstd == nullptr) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(state_->zstd, ZSTD_c_compressionLevel, level);
}

FrameBuilder::FrameBuilder(FrameBuilder&&) noexcept = default;
FrameBuilder& FrameBuilder::operator=(FrameBuilder&&) noexcept = default;
FrameBuilder::~FrameBuilder() = default;

std::size_t FrameBuilder::add(Bytes body) {
  body = body.first(std::min(body.size(), max_body - size_));
  run(body, false);
  size_ += body.size();
  return body.size();
}

void FrameBuilder::finish(std::uint8_t& sequence_id, Buffer& out) {
  if (size_ == 0) return;
  run({}, true);
  CompressedHeader header;
  header.length = static_cast<std::uint32_t>(compressed_.size());
  header.sequence_id = sequence_id++;
  header.uncompressed_length = static_cast<std::uint32_t>(size_);
  const std::size_t start = out.size();
  out.resize(start + compressed_header_size);
  write_compressed_header(&out[start], header);
  out.insert(out.end(), compressed_.begin(), compressed_.end());
}

/// Compresses `body`, all of it; with `end` what is still inside comes out too.
void FrameBuilder::run(Bytes body, bool end) {
  bool done = body.empty() && !end;
  while (!done) {
    const std::size_t filled = compressed_.size();
    compressed_.resize(filled + std::max(step, filled / 2));
    std::uint8_t* const room = compressed_.data() + filled;
    const std::size_t room_size = compressed_.size() - filled;
    std::size_t made = 0;
    if (state_->zstd != nullptr) {
      ZSTD_inBuffer input{body.data(), body.size(), 0};
      ZSTD_outBuffer output{room, room_size, 0};
      const std::size_t left =
          ZSTD_compressStream2(state_->zstd, &output, &input, end ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left) != 0) throw std::bad_alloc();  // of correct calls no other is known
      made = output.pos;
      body = body.subspan(input.pos);
      done = end ? left == 0 : body.empty();
    } else {
      z_stream& stream = state_->zlib;
      stream.next_in = const_cast<Bytef*>(body.data());  // zlib does not write to it
      stream.avail_in = static_cast<uInt>(body.size());
      stream.next_out = room;
      stream.avail_out = static_cast<uInt>(room_size);
      const int code = deflate(&stream, end ? Z_FINISH : Z_NO_FLUSH);
      made = room_size - stream.avail_out;
      body = body.last(stream.avail_in);
      done = end ? code == Z_STREAM_END : body.empty();
    }
    compressed_.resize(filled + made);
  }
}

}  // namespace mysqlwire::compress
