#include "cli/common/inflate.hpp"

#include <zlib.h>
#include <zstd.h>

#include <new>

namespace cli {

using namespace mysqlwire;

Inflater::Inflater() : zlib_(std::make_unique<z_stream_s>()), zstd_(ZSTD_createDCtx()) {
  if (zstd_ == nullptr || inflateInit(zlib_.get()) != Z_OK) throw std::bad_alloc();
}

Inflater::~Inflater() {
  inflateEnd(zlib_.get());
  ZSTD_freeDCtx(zstd_);
}

bool Inflater::inflate(capture::Compression compression, Bytes input, std::size_t size,
                       Buffer& out) {
  const std::size_t start = out.size();
  out.resize(start + size);
  if (compression == capture::Compression::zstd) {
    const std::size_t got =
        ZSTD_decompressDCtx(zstd_, out.data() + start, size, input.data(), input.size());
    return ZSTD_isError(got) == 0 && got == size;
  }
  inflateReset(zlib_.get());
  zlib_->next_in = const_cast<Bytef*>(input.data());
  zlib_->avail_in = static_cast<uInt>(input.size());
  zlib_->next_out = out.data() + start;
  zlib_->avail_out = static_cast<uInt>(size);
  return ::inflate(zlib_.get(), Z_FINISH) == Z_STREAM_END && zlib_->avail_out == 0;
}

}  // namespace cli
