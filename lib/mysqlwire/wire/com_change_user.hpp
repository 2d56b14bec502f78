// The command that logs in again on the same connection.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/connection_attributes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire {

/// COM_CHANGE_USER. Its layout goes by the capabilities in force (client AND server), which it
/// does not change.
///
/// | type           | field |
/// |----------------|-------|
/// | int<1>         | 0x11 |
/// | string<NUL>    | user |
/// | string<lenenc> | auth_response; MariaDB with PLUGIN_AUTH_LENENC_CLIENT_DATA |
/// | int<1>, string | … else if SECURE_CONNECTION: length and bytes |
/// | string<NUL>    | … else |
/// | string<NUL>    | schema, empty for none |
/// | int<2>         | collation; may be missing at the end of the packet without PLUGIN_AUTH |
/// | string<NUL>    | auth_plugin_name, if PLUGIN_AUTH |
/// | lenenc, pairs  | attributes, if CONNECT_ATTRS; may be missing at the end of the packet |
///
/// The two forms of the auth response differ only from 251 bytes up. With PLUGIN_AUTH both servers
/// answer with an AuthSwitchRequest whatever the auth response is, so it is best left empty. The
/// views borrow from the payload. Errors: those of the reader; servers answer ERR 1047.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_change_user.html
/// and https://mariadb.com/kb/en/com_change_user/
struct ComChangeUser {
  static constexpr std::string_view name = "COM_CHANGE_USER";
  static constexpr std::uint8_t header = 0x11;

  std::string_view user;
  Bytes auth_response;
  std::string_view schema;
  std::uint16_t collation = 0;
  std::string_view auth_plugin_name;
  ConnectionAttributes attributes;

  static Result<ComChangeUser> decode(Bytes payload, const Context& context) noexcept;
  void encode(Writer& writer, const Context& context) const;
};

}  // namespace mysqlwire
