// ERR_Packet.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mysqlwire {

/// Ends a command, or the login, with an error.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0xff |
/// | int<2>      | code |
/// | string[1]   | '#', with PROTOCOL_41; absent in what is sent before the login is read |
/// | string[5]   | sql_state, likewise |
/// | string<EOF> | message, at most 512 bytes from a server |
///
/// Whether there is an SQLSTATE is told by the '#' and not by the capabilities: servers leave it
/// out of errors in place of the greeting, and sometimes during the login. The views borrow from
/// the payload. Errors: those of the reader. Code 0xffff may be a ProgressReport of MariaDB's.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_err_packet.html
struct ErrPacket {
  static constexpr std::string_view name = "ErrPacket";
  static constexpr std::uint8_t header = 0xff;
  /// Bytes of message that servers send at most; encode cuts what is longer.
  static constexpr std::size_t max_message = 512;

  std::uint16_t code = 0;
  std::string_view sql_state;  ///< empty when the packet has none: then HY000 is meant
  std::string_view message;

  static Result<ErrPacket> decode(Bytes payload, const Context& context) noexcept;
  /// Writes an SQLSTATE when there is one and PROTOCOL_41 is in force.
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire
