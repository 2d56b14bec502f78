// The login of a client from before 4.1, known only to be refused in its own terms.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire {

/// The answer to a greeting from a client without PROTOCOL_41. A reply to it is an ERR without
/// SQLSTATE.
///
/// | type        | field |
/// |-------------|-------|
/// | int<2>      | capabilities, bits 0 to 15; PROTOCOL_41 clear |
/// | int<3>      | max_packet_size |
/// | string<NUL> | user |
/// | string<NUL> | auth_response, if CONNECT_WITH_DB; else string<EOF>, with or without a NUL |
/// | string<NUL> | schema, if CONNECT_WITH_DB; its NUL may be missing |
///
/// The views borrow from the payload.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_response.html
struct HandshakeResponse320 {
  static constexpr std::string_view name = "HandshakeResponse320";

  Capabilities capabilities;
  std::uint32_t max_packet_size = 0;
  std::string_view user;
  Bytes auth_response;  ///< as it stands in the packet, a closing NUL of the EOF form included
  std::string_view schema;

  static Result<HandshakeResponse320> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire
