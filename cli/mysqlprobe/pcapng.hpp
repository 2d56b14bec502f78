// One TCP connection as a pcapng file, its headers made up.
#pragma once

#include "cli/common/pcapng.hpp"

#include <mysqlwire/capture/segment.hpp>
#include <mysqlwire/session/packet_kind.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlprobe {

/// Raw IP packets with nanosecond times. Secrets have to be added before packets.
class PcapngWriter {
 public:
  PcapngWriter(const mysqlwire::capture::Endpoint& client,
               const mysqlwire::capture::Endpoint& server);
  PcapngWriter(const PcapngWriter&) = delete;
  PcapngWriter& operator=(const PcapngWriter&) = delete;

  /// Lines of a TLS key log.
  void add_secrets(std::string_view key_log) { blocks_.add_secrets(key_log); }
  /// The three packets of a TCP handshake.
  void open(std::int64_t time);
  /// What one side sent; becomes as many segments as it takes.
  void add(mysqlwire::Direction direction, mysqlwire::Bytes bytes, std::int64_t time);
  void close(std::int64_t time);

  const mysqlwire::Buffer& bytes() const noexcept { return out_; }
  /// Writes the file, readable by its owner only. Throws std::runtime_error.
  void save(const std::string& path) const;

 private:
  void packet(mysqlwire::Direction direction, std::uint8_t flags, mysqlwire::Bytes payload,
              std::int64_t time);

  mysqlwire::Buffer out_;
  cli::PcapngBlocks blocks_{out_};
  mysqlwire::capture::Endpoint ends_[2];
  std::array<std::uint32_t, 2> sequence_{1000, 5000};
};

}  // namespace mysqlprobe
