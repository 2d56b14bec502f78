// EOF_Packet.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/status.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mysqlwire {

/// Ends definitions and rows where DEPRECATE_EOF is not in force.
///
/// | type   | field |
/// |--------|-------|
/// | int<1> | 0xfe |
/// | int<2> | warnings, with PROTOCOL_41 |
/// | int<2> | status, with PROTOCOL_41 |
///
/// Warnings stand before the status, the other way round than in an OK. A payload of 9 bytes or
/// more that begins with 0xfe is not an EOF. Errors: those of the reader. A lone header with
/// PROTOCOL_41, as servers of series 4.1 send it, is noted.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_eof_packet.html
struct EofPacket {
  static constexpr std::string_view name = "EofPacket";
  static constexpr std::uint8_t header = 0xfe;
  /// An EOF's payload is shorter than this.
  static constexpr std::size_t size_limit = 9;

  std::uint16_t warnings = 0;
  StatusFlags status;

  static Result<EofPacket> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire
