#include "proxy/users/account_query.hpp"

#include "proxy/config/mysql_user.hpp"

#include <utility>

namespace mysqlproxy {
namespace {

constexpr std::size_t priv_columns = 3;
constexpr std::size_t user_columns = 10;

}  // namespace

std::vector<AccountQuery> queries_for(mysqlwire::Flavor flavor) {
  if (flavor == mysqlwire::Flavor::mysql) return {AccountQuery::mysql};
  return {AccountQuery::global_priv, AccountQuery::mariadb_view};
}

std::string_view statement(AccountQuery query) noexcept {
  switch (query) {
    // Salts hold any byte, which the connection's character set would not let pass.
    case AccountQuery::mysql:
      return "SELECT Host, User, plugin, "
             "IF(plugin IN ('caching_sha2_password', 'sha256_password'), "
             "HEX(authentication_string), authentication_string), "
             "ssl_type, ssl_cipher, x509_issuer, x509_subject, account_locked, password_expired "
             "FROM mysql.user";
    case AccountQuery::global_priv: return "SELECT Host, User, Priv FROM mysql.global_priv";
    case AccountQuery::mariadb_view:
      return "SELECT Host, User, plugin, authentication_string, "
             "ssl_type, ssl_cipher, x509_issuer, x509_subject, 'N', password_expired "
             "FROM mysql.user WHERE is_role = 'N'";
  }
  return {};
}

ServerAccounts accounts_of(AccountQuery query, const std::vector<TextResult::Row>& rows,
                           std::string_view pool) {
  ServerAccounts found;
  const std::size_t columns = query == AccountQuery::global_priv ? priv_columns : user_columns;
  for (const TextResult::Row& row : rows) {
    if (row.size() != columns || row[1].empty()) continue;
    UserConfig account;
    std::string fault;
    if (query == AccountQuery::global_priv) {
      fault = read_global_priv(row[0], row[1], row[2], account);
    } else {
      fault =
          read_row({row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9]},
                   account);
    }
    // What is no account, or of no host, can't stand in the way of another one either.
    const auto host = HostPattern::parse(row[0]);
    if (!host || account.name != row[1]) continue;
    // One that can't be read takes nobody in.
    if (!fault.empty()) account.hashes = {};
    account.host = *host;
    account.pool = pool;
    account.expired = false;
    if (account.hashes.empty()) ++found.unusable;
    found.accounts.push_back(std::move(account));
  }
  return found;
}

}  // namespace mysqlproxy
