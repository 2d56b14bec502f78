// The blocks of a pcapng file.
#pragma once

#include <mysqlwire/capture/segment.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

namespace cli {

/// Appends blocks to a buffer, which must outlive it; the first is the section header. Times are
/// given in nanoseconds and written with so many decimals of a second.
///
/// Source: https://www.ietf.org/archive/id/draft-tuexen-opsawg-pcapng-05.html
class PcapngBlocks {
 public:
  explicit PcapngBlocks(mysqlwire::Buffer& out, unsigned digits = 9);

  /// An interface; they are counted from 0, in order.
  void add_interface(mysqlwire::capture::LinkType link);
  /// Lines of a TLS key log, for the packets that follow.
  void add_secrets(std::string_view key_log);
  /// `length`: of the frame on the wire, of which `frame` may be the beginning only.
  void add_packet(std::uint32_t interface, std::int64_t time, mysqlwire::Bytes frame,
                  std::uint64_t length);

 private:
  void block(std::uint32_t type, mysqlwire::Bytes body);

  mysqlwire::Buffer& out_;
  mysqlwire::Buffer body_;
  unsigned digits_;
  std::int64_t unit_ = 1;  // nanoseconds
};

}  // namespace cli
