// An onlooker's tools where there are none: nothing inflates, and TLS stays closed.
#pragma once

#include <mysqlwire/capture/conversation.hpp>

#include <cstddef>
#include <memory>

namespace mysqlwire::fuzz {

class NoTools final : public capture::Toolbox {
 public:
  bool inflate(capture::Compression, Bytes, std::size_t, Buffer&) override { return false; }
  std::unique_ptr<capture::TlsReader> tls() override { return nullptr; }
};

}  // namespace mysqlwire::fuzz
