// The client's wish to go on in TLS.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mysqlwire {

/// What a client sends in clear before TLS starts: exactly the first 32 bytes of its
/// HandshakeResponse41, which follows, whole, inside TLS with the next sequence id.
///
/// | type       | field |
/// |------------|-------|
/// | int<4>     | capabilities, bits 0 to 31; SSL and PROTOCOL_41 set |
/// | int<4>     | max_packet_size |
/// | int<1>     | collation, low 8 bits |
/// | string[19] | filler |
/// | int<4>     | MariaDB: capabilities, bits 32 and up, if LONG_PASSWORD is clear; else filler |
///
/// An old Connector/J sends the capabilities alone (4 bytes): accepted with a note.
/// Nothing here is authenticated: it may come from anyone on the way.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_ssl_request.html
struct SslRequest {
  static constexpr std::string_view name = "SSLRequest";
  static constexpr std::size_t size = 32;
  /// The capabilities-only form.
  static constexpr std::size_t short_size = 4;

  Capabilities capabilities;
  std::uint32_t max_packet_size = 0;
  std::uint8_t collation = 0;

  static Result<SslRequest> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// The 32 bytes themselves, which HandshakeResponse41 starts with too.
void read(Reader& reader, SslRequest& request) noexcept;
void write(Writer& writer, const SslRequest& request);

}  // namespace mysqlwire
