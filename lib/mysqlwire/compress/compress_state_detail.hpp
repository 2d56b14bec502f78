// The libraries' working memory for one direction, whoever uses it.
#pragma once

#include <zlib.h>
#include <zstd.h>

namespace mysqlwire::compress::detail {

/// What was opened is freed; nothing is open at first.
struct CompressState {
  z_stream zlib{};
  bool zlib_open = false;
  ZSTD_CCtx* zstd = nullptr;

  CompressState() = default;
  CompressState(const CompressState&) = delete;
  CompressState& operator=(const CompressState&) = delete;
  ~CompressState() {
    if (zlib_open) deflateEnd(&zlib);
    ZSTD_freeCCtx(zstd);
  }
};

}  // namespace mysqlwire::compress::detail
