// The ERR packets that the proxy speaks on its own behalf.
#pragma once

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// An error number of the server's and the SQLSTATE that drivers expect with it. Numbers from 2000
/// to 2999 belong to client libraries and are never sent.
struct SqlError {
  std::uint16_t code;
  std::string_view sqlstate;
};

inline constexpr SqlError too_many_connections{1040, "08004"};
inline constexpr SqlError access_denied{1045, "28000"};
inline constexpr SqlError unknown_command{1047, "08S01"};
inline constexpr SqlError server_shutdown{1053, "08S01"};
inline constexpr SqlError packet_too_large{1153, "08S01"};
inline constexpr SqlError packets_out_of_order{1156, "08S01"};
inline constexpr SqlError cannot_uncompress{1157, "08S01"};
inline constexpr SqlError read_error{1158,
                                     "08S01"};  ///< a server connection broke, or can't be had
inline constexpr SqlError read_timeout{1159, "08S01"};  ///< the other side was silent for too long
inline constexpr SqlError too_many_statements{1461, "42000"};
inline constexpr SqlError not_owner{1095, "HY000"};  ///< of a thread that is to be killed
inline constexpr SqlError auth_not_supported{1251, "08004"};
inline constexpr SqlError bad_handshake{1043, "08S01"};
inline constexpr SqlError malformed_packet{1835, "HY000"};

/// What rules say, unless they have words of their own.
inline constexpr SqlError statement_refused{1148, "42000"};
inline constexpr SqlError limit_reached{1226, "42000"};
inline constexpr SqlError compression_refused{3922, "HY000"};
inline constexpr SqlError compression_level_refused{3923, "HY000"};
inline constexpr SqlError host_blocked{1129, "HY000"};
inline constexpr SqlError password_expired{1862, "HY000"};
inline constexpr SqlError account_locked{3118, "HY000"};          ///< MySQL's
inline constexpr SqlError account_locked_mariadb{4151, "HY000"};  ///< MariaDB's
inline constexpr SqlError insecure_transport{3159, "HY000"};

/// How a server was lost, as its client is told.
struct Loss {
  SqlError error;
  std::string reason;
};

/// The payload of an ERR packet. The message is cut at 512 bytes, as servers do.
mysqlwire::Buffer error_payload(SqlError error, std::string_view message);

/// The same for a client that has not seen a greeting yet: no SQLSTATE.
mysqlwire::Buffer early_error_payload(SqlError error, std::string_view message);

/// "Access denied for user 'app'@'10.0.0.9' (using password: YES)".
std::string access_denied_message(std::string_view user, std::string_view host,
                                  bool using_password);

/// What servers say to a host that has failed too often: "Host '10.0.0.9' is blocked because of …".
std::string host_blocked_message(std::string_view host, mysqlwire::Flavor flavor);

}  // namespace mysqlproxy
