// Accounts as servers print them.
#pragma once

#include "proxy/config/config.hpp"

#include <string>
#include <string_view>

namespace mysqlproxy {

/// The columns of mysql.user that matter.
struct MysqlUserRow {
  std::string_view host;
  std::string_view user;
  std::string_view plugin;
  std::string_view authentication_string;  ///< raw, or as HEX() prints it
  std::string_view ssl_type{};             ///< "", "ANY", "X509", "SPECIFIED"
  std::string_view ssl_cipher{};
  std::string_view x509_issuer{};
  std::string_view x509_subject{};
  std::string_view account_locked{};    ///< "Y" or "N"
  std::string_view password_expired{};  ///< "Y" or "N"
};

// These set `account.name`, `host`, `hashes`, `require`, `locked` and `expired`, and return what is
// wrong, in words, or an empty text. What they were given is not repeated, for it may be a
// password.

/// A row of mysql.user, of MySQL or of MariaDB's view. A plugin whose passwords can't be checked
/// here is no fault: the account is there and has no hash.
std::string read_row(const MysqlUserRow& row, UserConfig& account);

/// A row of MariaDB's mysql.global_priv. Of plugins joined by OR all that can be checked are taken.
/// A role is a fault.
std::string read_global_priv(std::string_view host, std::string_view user, std::string_view priv,
                             UserConfig& account);

/// What people paste: the output of SHOW CREATE USER; a line of `SELECT Host, User, plugin,
/// authentication_string FROM mysql.user`, of `SELECT * FROM mysql.user` or of `SELECT * FROM
/// mysql.global_priv`, with tabs or bars between the columns; the JSON of mysql.global_priv alone,
/// which names nobody. Without a hash that can be checked it is a fault.
std::string read_mysql_user(std::string_view text, UserConfig& account);

/// As SHOW CREATE USER prints it; read_mysql_user() reads it, unless the hashes are to be cut after
/// a few characters.
std::string format_create_user(const UserConfig& account, bool with_hashes = true);

}  // namespace mysqlproxy
