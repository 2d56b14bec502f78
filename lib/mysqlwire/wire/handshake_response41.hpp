// The client's login.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/connection_attributes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire {

/// The client's answer to HandshakeV10.
///
/// | type           | field |
/// |----------------|-------|
/// | 32 bytes       | capabilities, max_packet_size, collation, filler: as in SslRequest |
/// | string<NUL>    | user |
/// | string<lenenc> | auth_response, if PLUGIN_AUTH_LENENC_CLIENT_DATA; |
/// | int<1>, string | … else if SECURE_CONNECTION: length and bytes; |
/// | string<NUL>    | … else |
/// | string<NUL>    | schema, if CONNECT_WITH_DB |
/// | string<NUL>    | auth_plugin_name, if PLUGIN_AUTH; its NUL, or all of it, may be missing at
/// the
///   end of the packet |
/// | lenenc, pairs  | attributes, if CONNECT_ATTRS |
/// | int<1>         | zstd_compression_level, if ZSTD_COMPRESSION_ALGORITHM |
///
/// The layout goes by the capabilities in this packet, masked with nothing: the client laid it out
/// by what it set. What is in force afterwards is client AND server. The views borrow from the
/// payload. Errors: `unsupported` when PROTOCOL_41 is clear (see HandshakeResponse320), `too_long`
/// for attributes over the limit, else those of the reader. Missing tails after the auth response
/// are noted.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_response.html
/// and https://mariadb.com/kb/en/connection/#client-handshake-response
struct HandshakeResponse41 {
  static constexpr std::string_view name = "HandshakeResponse41";

  /// As the client sent them. Written without the extended bits when `long_password` is set.
  Capabilities capabilities;
  std::uint32_t max_packet_size = 0;  ///< bytes; binds what the server sends, not the client
  std::uint8_t collation = 0;         ///< ids above 255 can't be said here
  std::string_view user;
  Bytes auth_response;
  std::string_view schema;
  std::string_view auth_plugin_name;
  ConnectionAttributes attributes;
  std::uint8_t zstd_compression_level = 0;

  static Result<HandshakeResponse41> decode(Bytes payload, const Context& context) noexcept;
  /// Fields whose capability is clear are left out. Fails for an auth_response that its length
  /// form can't carry, and for NULs in the NUL-terminated fields.
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire
