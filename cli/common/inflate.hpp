// Bodies of the compressed protocol, for an onlooker.
#pragma once

#include <mysqlwire/capture/conversation.hpp>
#include <mysqlwire/compress/decompressor.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>

namespace cli {

/// Inflates one body at a time, by zlib or zstd. Keeps its working memory.
class Inflater {
 public:
  /// Appends what `input` inflates to, exactly `size` bytes (16 MiB at most, which is what the
  /// length in a frame can say); false when it does not. Memory grows with what comes out, not with
  /// `size`.
  bool inflate(mysqlwire::capture::Compression compression, mysqlwire::Bytes input,
               std::size_t size, mysqlwire::Buffer& out);

 private:
  mysqlwire::compress::Decompressor zlib_{mysqlwire::compress::Algorithm::zlib};
  mysqlwire::compress::Decompressor zstd_{mysqlwire::compress::Algorithm::zstd};
};

}  // namespace cli
