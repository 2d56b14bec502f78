// Decompression and TLS for the onlooker.
#pragma once

#include "cli/pcapdecode/key_log.hpp"

#include <mysqlwire/capture/conversation.hpp>

#include <memory>

struct z_stream_s;
struct ZSTD_DCtx_s;

namespace pcapdecode {

class Tools final : public mysqlwire::capture::Toolbox {
 public:
  Tools();
  ~Tools() override;

  bool inflate(mysqlwire::capture::Compression compression, mysqlwire::Bytes input,
               std::size_t size, mysqlwire::Buffer& out) override;
  std::unique_ptr<mysqlwire::capture::TlsReader> tls() override;

  KeyLog& key_log() noexcept { return key_log_; }

 private:
  std::unique_ptr<z_stream_s> zlib_;
  ZSTD_DCtx_s* zstd_;
  KeyLog key_log_;
};

}  // namespace pcapdecode
