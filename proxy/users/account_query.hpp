// What is asked of a server for its accounts, and what the answer means.
#pragma once

#include "proxy/config/config.hpp"
#include "proxy/session/text_result.hpp"

#include <mysqlwire/wire/context.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace mysqlproxy {

enum class AccountQuery : std::uint8_t {
  mysql,         ///< mysql.user of MySQL 5.7 and later
  global_priv,   ///< mysql.global_priv of MariaDB 10.4 and later
  mariadb_view,  ///< mysql.user of MariaDB: no lists of plugins, no locks
};

/// The ones to try, in this order, each after a refusal of the one before.
std::vector<AccountQuery> queries_for(mysqlwire::Flavor flavor);
std::string_view statement(AccountQuery query) noexcept;

struct ServerAccounts {
  std::vector<UserConfig> accounts;
  std::size_t unusable = 0;  ///< of them: there, but no password can be checked for them here
};

/// Roles and accounts without a name are left out. Expiry is left to the server, which knows what
/// to do about it.
ServerAccounts accounts_of(AccountQuery query, const std::vector<TextResult::Row>& rows,
                           std::string_view pool);

}  // namespace mysqlproxy
