// Decompression and TLS for the onlooker.
#pragma once

#include "cli/common/inflate.hpp"
#include "cli/pcapdecode/key_log.hpp"

#include <mysqlwire/capture/conversation.hpp>

#include <memory>

namespace pcapdecode {

class Tools final : public mysqlwire::capture::Toolbox {
 public:
  bool inflate(mysqlwire::capture::Compression compression, mysqlwire::Bytes input,
               std::size_t size, mysqlwire::Buffer& out) override {
    return inflater_.inflate(compression, input, size, out);
  }
  std::unique_ptr<mysqlwire::capture::TlsReader> tls() override;

  KeyLog& key_log() noexcept { return key_log_; }

 private:
  cli::Inflater inflater_;
  KeyLog key_log_;
};

}  // namespace pcapdecode
