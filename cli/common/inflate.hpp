// Bodies of the compressed protocol, for an onlooker.
#pragma once

#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <memory>

struct z_stream_s;
struct ZSTD_DCtx_s;

namespace cli {

/// Inflates one body at a time, by zlib or zstd. Keeps its working memory.
class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Appends what `input` inflates to, exactly `size` bytes (16 MiB at most, which is what the
  /// length in a frame can say); false when it does not.
  bool inflate(mysqlwire::capture::Compression compression, mysqlwire::Bytes input,
               std::size_t size, mysqlwire::Buffer& out);

 private:
  std::unique_ptr<z_stream_s> zlib_;
  ZSTD_DCtx_s* zstd_;
};

}  // namespace cli
