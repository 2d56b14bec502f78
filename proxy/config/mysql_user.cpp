#include "proxy/config/mysql_user.hpp"

#include "proxy/config/create_user.hpp"
#include "proxy/config/user.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace mysqlproxy {
namespace {

using Json = nlohmann::json;
using mysqlwire::crypto::AuthPlugin;

constexpr std::string_view role = "it is a role, which nobody logs in as";

std::string set_host(std::string_view host, UserConfig& account) {
  const auto pattern = HostPattern::parse(host);
  if (!pattern) return "its host is no host pattern";
  account.host = *pattern;
  return {};
}

/// From mysql.user's word, or MariaDB's number for it.
std::string set_transport(std::string_view type, UserConfig& account) {
  using Kind = TransportRule::Kind;
  if (type.empty() || type == "NONE")
    account.require.kind = Kind::none;
  else if (type == "ANY")
    account.require.kind = Kind::ssl;
  else if (type == "X509")
    account.require.kind = Kind::x509;
  else if (type != "SPECIFIED")
    return "its ssl_type is none that is known";
  else  // A cipher alone asks for no certificate.
    account.require.kind =
        account.require.subject.empty() && account.require.issuer.empty() ? Kind::ssl : Kind::x509;
  return {};
}

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_true(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

std::int64_t number_of(const Json& json, const char* key, std::int64_t standard) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : standard;
}

/// Where the columns of `SELECT * FROM mysql.user` are, seen from `plugin`. MySQL 5.7 and 8 and
/// MariaDB's view have the same there.
constexpr std::size_t ssl_type_before_plugin = 8;
constexpr std::size_t least_columns = 40;

std::vector<std::string_view> split(std::string_view line, char separator) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t end = line.find(separator);
    fields.push_back(line.substr(0, end));
    if (end == line.npos) return fields;
    line.remove_prefix(end + 1);
  }
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// A line of a table as the command line client draws it, or with tabs.
std::vector<std::string_view> columns_of(std::string_view line) {
  if (line.starts_with('|') && line.ends_with('|') && line.size() > 1) {
    auto fields = split(line.substr(1, line.size() - 2), '|');
    for (auto& field : fields) field = trimmed(field);
    return fields;
  }
  return split(line, '\t');
}

bool is_plugin(std::string_view text) {
  constexpr std::string_view others[] = {"unix_socket", "auth_socket", "pam", "gssapi"};
  return mysqlwire::crypto::find_auth_plugin(text) != AuthPlugin::unknown ||
         std::ranges::find(others, text) != std::end(others) || text.starts_with("authentication_");
}

std::string read_columns(const std::vector<std::string_view>& columns, UserConfig& account) {
  constexpr std::string_view unknown =
      "neither SHOW CREATE USER's output nor a line of mysql.user or mysql.global_priv: expected "
      "the columns Host, User, plugin, authentication_string, or all";
  if (columns.size() == 3 && columns[2].starts_with('{'))
    return read_global_priv(columns[0], columns[1], columns[2], account);
  MysqlUserRow row{};
  if (columns.size() == 4) {
    row = {columns[0], columns[1], columns[2], columns[3]};
  } else if (columns.size() >= least_columns) {
    const auto plugin = static_cast<std::size_t>(
        std::ranges::find_if(columns.begin() + 30, columns.end(), is_plugin) - columns.begin());
    if (plugin + 2 >= columns.size()) return std::string(unknown);
    const std::size_t ssl = plugin - ssl_type_before_plugin;
    // MySQL: password_last_changed, password_lifetime, account_locked. MariaDB: is_role, ….
    const bool mysql = plugin + 5 < columns.size();
    row = {.host = columns[0],
           .user = columns[1],
           .plugin = columns[plugin],
           .authentication_string = columns[plugin + 1],
           .ssl_type = columns[ssl],
           .ssl_cipher = columns[ssl + 1],
           .x509_issuer = columns[ssl + 2],
           .x509_subject = columns[ssl + 3],
           .account_locked = mysql ? columns[plugin + 5] : "N",
           .password_expired = columns[plugin + 2]};
  } else {
    return std::string(unknown);
  }
  return read_row(row, account);
}

std::string sql_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

}  // namespace

std::string read_row(const MysqlUserRow& row, UserConfig& account) {
  account.name = row.user;
  if (auto why = set_host(row.host, account); !why.empty()) return why;
  account.require = {
      {}, std::string(row.x509_subject), std::string(row.x509_issuer), std::string(row.ssl_cipher)};
  if (auto why = set_transport(row.ssl_type, account); !why.empty()) return why;
  account.locked = row.account_locked == "Y";
  account.expired = row.password_expired == "Y";
  return add_hash_of(row.plugin, row.authentication_string, account.hashes);
}

std::string read_global_priv(std::string_view host, std::string_view user, std::string_view priv,
                             UserConfig& account) {
  const Json json = Json::parse(priv, nullptr, false);
  if (!json.is_object()) return "not the JSON of mysql.global_priv";
  if (is_true(json, "is_role")) return std::string(role);
  account.name = user;
  if (auto why = set_host(host, account); !why.empty()) return why;
  account.require = {
      {}, text_of(json, "x509_subject"), text_of(json, "x509_issuer"), text_of(json, "ssl_cipher")};
  constexpr std::string_view types[] = {"", "ANY", "X509", "SPECIFIED"};
  const std::int64_t type = number_of(json, "ssl_type", 0);
  if (type >= std::ssize(types)) return "its ssl_type is none that is known";
  if (auto why = set_transport(types[std::max<std::int64_t>(type, 0)], account); !why.empty())
    return why;
  account.locked = is_true(json, "account_locked");
  account.expired = number_of(json, "password_last_changed", 1) == 0;
  // One without any is mysql_native_password without a password.
  const auto add = [&](const Json& one) {
    return add_hash_of(text_of(one, "plugin"), text_of(one, "authentication_string"),
                       account.hashes);
  };
  const auto several = json.find("auth_or");
  if (several == json.end() || !several->is_array()) return add(json);
  std::string fault;
  for (const Json& one : *several) {
    if (!one.is_object()) return "auth_or is no list of objects";
    // An empty object stands for what is outside of the list.
    auto why = add(one.empty() ? json : one);
    if (!why.empty()) fault = std::move(why);
  }
  return account.hashes.empty() ? fault : std::string();
}

std::string read_mysql_user(std::string_view text, UserConfig& account) {
  text = trimmed(text);
  std::string why;
  if (text.starts_with('{')) {
    why = read_global_priv("%", {}, text, account);
  } else if (is_create_user(text)) {
    why = read_create_user(text, account);
  } else {
    why = read_columns(columns_of(text), account);
  }
  if (!why.empty()) return why;
  if (account.hashes.empty()) return "its plugin's passwords can't be checked by the proxy";
  return {};
}

std::string format_create_user(const UserConfig& account, bool with_hashes) {
  std::string text =
      fmt::format("CREATE USER {}@{}", sql_quoted(account.name), sql_quoted(account.host.text()));
  std::string_view between = " IDENTIFIED VIA";
  for (const auto& [plugin, hash] : hashes_by_plugin(account.hashes)) {
    text += fmt::format("{} {} USING '{}'", between, plugin,
                        with_hashes ? hash : hash.substr(0, 5) + "…");
    between = " OR";
  }
  const TransportRule& rule = account.require;
  const bool specified = !rule.subject.empty() || !rule.issuer.empty() || !rule.cipher.empty();
  if (!specified && rule.kind == TransportRule::Kind::ssl) text += " REQUIRE SSL";
  if (!specified && rule.kind == TransportRule::Kind::x509) text += " REQUIRE X509";
  if (specified) text += " REQUIRE";
  if (!rule.subject.empty()) text += " SUBJECT " + sql_quoted(rule.subject);
  if (!rule.issuer.empty()) text += " ISSUER " + sql_quoted(rule.issuer);
  if (!rule.cipher.empty()) text += " CIPHER " + sql_quoted(rule.cipher);
  if (account.locked) text += " ACCOUNT LOCK";
  if (account.expired) text += " PASSWORD EXPIRE";
  return text;
}

}  // namespace mysqlproxy
