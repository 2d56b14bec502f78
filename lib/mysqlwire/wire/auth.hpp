// What the server sends between login and verdict. Client replies are raw plugin data.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

// First byte of a server's packet while a login is under way:
//
// | byte  | packet |
// |-------|--------|
// | 0x00  | OkPacket: done |
// | 0x01  | AuthMoreData |
// | 0x02  | AuthNextFactor |
// | 0xfe  | OldAuthSwitchRequest if it is the whole payload, else AuthSwitchRequest |
// | 0xff  | ErrPacket: done |
// | other | MariaDB: raw plugin data, which it marks with 0x01 only if its first byte is < 2 or >
// 253 |

namespace mysqlwire {

/// Ask the client to authenticate with another plugin, or again. Clients that have no PLUGIN_AUTH
/// do not know it.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0xfe |
/// | string<NUL> | plugin_name |
/// | string<EOF> | plugin_provided_data |
///
/// mysql_native_password, caching_sha2_password and sha256_password: 20 bytes of salt and a NUL;
/// client_ed25519 and parsec: 32 bytes, no NUL; mysql_clear_password: nothing.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_auth_switch_request.html
struct AuthSwitchRequest {
  static constexpr std::string_view name = "AuthSwitchRequest";
  static constexpr std::uint8_t header = 0xfe;

  std::string_view plugin_name;
  Bytes plugin_provided_data;  ///< all of it, a closing NUL included

  static Result<AuthSwitchRequest> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// Ask the client for mysql_old_password, the broken hash from before 4.1. A client closes.
///
/// | type   | field |
/// |--------|-------|
/// | int<1> | 0xfe, and nothing more |
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_old_auth_switch_request.html
struct OldAuthSwitchRequest {
  static constexpr std::string_view name = "OldAuthSwitchRequest";
  static constexpr std::uint8_t header = 0xfe;

  static Result<OldAuthSwitchRequest> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// More data of the plugin in use, such as 0x03 or 0x04 of caching_sha2_password.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0x01 |
/// | string<EOF> | authentication_method_data |
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_auth_more_data.html
struct AuthMoreData {
  static constexpr std::string_view name = "AuthMoreData";
  static constexpr std::uint8_t header = 0x01;

  Bytes authentication_method_data;

  static Result<AuthMoreData> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

/// One factor is done, the next one begins. Only with MULTI_FACTOR_AUTHENTICATION.
///
/// | type        | field |
/// |-------------|-------|
/// | int<1>      | 0x02 |
/// | string<NUL> | plugin_name |
/// | string<EOF> | plugin_provided_data |
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_auth_next_factor_request.html
struct AuthNextFactor {
  static constexpr std::string_view name = "AuthNextFactor";
  static constexpr std::uint8_t header = 0x02;

  std::string_view plugin_name;
  Bytes plugin_provided_data;  ///< all of it, a closing NUL included

  static Result<AuthNextFactor> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire
