// The server's greeting, and what can be read from the version it announces.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/salt.hpp>
#include <mysqlwire/wire/status.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire {

/// The announced version without the `5.5.5-` that MariaDB puts in front of it for old replicas.
/// MySQL's own 5.5.5 milestone ("5.5.5-m3") is left alone.
std::string_view strip_version_prefix(std::string_view announced) noexcept;

/// Whose server this is, by what it announces. MariaDB shows itself by its name in the version, by
/// the `5.5.5-` prefix, or by a clear `long_password` bit; any of them can be missing (version
/// overridden, newer series).
Flavor detect_flavor(std::string_view announced, Capabilities capabilities) noexcept;

/// The first packet of a server (sequence id 0).
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | protocol_version, 10 |
/// | string<NUL> | server_version |
/// | int<4>      | connection_id |
/// | string[8]   | auth_plugin_data_part1 |
/// | int<1>      | 0 |
/// | int<2>      | capabilities, bits 0 to 15; old servers may end here |
/// | int<1>      | collation, low 8 bits |
/// | int<2>      | status |
/// | int<2>      | capabilities, bits 16 to 31 |
/// | int<1>      | auth_plugin_data_len if PLUGIN_AUTH, else 0 |
/// | string[6]   | filler |
/// | int<4>      | MariaDB: capabilities, bits 32 and up, if LONG_PASSWORD is clear; else filler |
/// | string[max(13, auth_plugin_data_len - 8)] | auth_plugin_data_part2, closing NUL included; if
///   SECURE_CONNECTION or PLUGIN_AUTH |
/// | string<NUL> | auth_plugin_name if PLUGIN_AUTH; some 5.5 and 5.6 servers leave out the NUL |
///
/// The views borrow from the payload. Errors: `unsupported` for protocol 9 (3.20 servers), else
/// those of the reader. An ERR packet may stand in place of the greeting (first byte 0xff): ask
/// before decoding.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
/// and https://mariadb.com/kb/en/connection/#initial-handshake-packet
struct HandshakeV10 {
  static constexpr std::string_view name = "HandshakeV10";

  std::string_view server_version;
  std::uint32_t connection_id = 0;
  /// The first 8 bytes of plugin data.
  Bytes auth_plugin_data_part1;
  /// Written without its extended bits when `long_password` is set: they would not be read.
  Capabilities capabilities;
  std::uint8_t collation = 0;
  StatusFlags status;
  /// What follows part 1: 12 bytes for every salt in use today, empty when the server sends none.
  /// The closing NUL of the field is no part of it: decode takes one off, encode adds one.
  Bytes auth_plugin_data_part2;
  std::string_view auth_plugin_name;

  /// Both parts put together: 20 bytes, never the closing NUL. Short data is filled up with NULs.
  Salt salt() const noexcept;
  Flavor flavor() const noexcept { return detect_flavor(server_version, capabilities); }

  static Result<HandshakeV10> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire
