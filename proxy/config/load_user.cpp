#include "proxy/config/load_user.hpp"

#include "proxy/config/files.hpp"
#include "proxy/config/mysql_user.hpp"
#include "proxy/config/suggest.hpp"
#include "proxy/config/user.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mysqlproxy {
namespace {

constexpr std::size_t largest_file = 64U << 20;

/// [user.jo.doe] is to TOML a table "doe" inside [user.jo]. True when there is nothing else in it.
bool hint_at_dots(TableReader& reader, const Named& item) {
  bool only = !item.table->empty();
  for (const auto& [key, child] : *item.table) {
    only = only && child.is_table();
    if (!child.is_table()) continue;
    reader.hint(key.str(), fmt::format("a user's name with a dot stands in quotes: [user.{}]",
                                       quote_key(fmt::format("{}.{}", item.name, key.str()))));
  }
  return only;
}

/// Names would have to be looked up backwards; such an account is legal, and useless.
void check_host(Report& report, const toml::source_region& at, std::string_view path,
                const HostPattern& host) {
  if (host.wants_name())
    report.warn(at, fmt::format("{}: {} matches no client: addresses are not looked up by name",
                                path, shown(host.text())));
}

}  // namespace

void UserReader::read(TableReader& top, Report& report, std::string_view without) {
  for (const Named& item : named_tables(top, report, "user", without)) read_user(item, report);
}

void UserReader::read_user(const Named& item, Report& report) {
  TableReader reader(*item.table, fmt::format("user.{}", quote_key(item.name)), report);
  UserConfig user;
  user.name = item.name;
  if (const auto why = user_name_fault(item.name); !why.empty())
    report.error(item.at, fmt::format("{}: {}", reader.path(), why));
  if (std::ranges::find(users_, item.name, &UserConfig::name) != users_.end())
    report.error(item.at,
                 fmt::format("{}: the configuration has this user already", reader.path()));
  if (hint_at_dots(reader, item)) return reader.reject_unknown();
  read_pool(reader, user);
  read_pooling(reader, user);
  read_server_account(reader, report, user);
  reader.hint("password",
              "passwords are not stored: put SELECT PASSWORD('...') or the server's "
              "authentication_string into hash");
  if (item.table->contains("mysql_user")) {
    read_pasted(reader, report, user);
    return reader.reject_unknown();
  }
  reader.take("mysql_user");  // for the list of keys
  read_hashes(reader, *item.table, user);
  read_requirement(reader, user);
  reader.read("locked", user.locked);
  reader.read("expired", user.expired);
  for (const HostPattern& host : read_hosts(reader)) {
    check_host(report, reader.source(), reader.path() + ".host", host);
    users_.push_back(user);
    users_.back().host = host;
  }
  reader.reject_unknown();
}

void UserReader::read_pool(TableReader& reader, UserConfig& user) {
  const auto pool = reader.required_text("pool", "a pool's name");
  if (!pool) return;
  user.pool = pool->text;
  used_pools_.push_back(pool->text);
  if (std::ranges::find(pools_, pool->text) == pools_.end()) {
    reader.fault(
        pool->at, "pool",
        fmt::format("there is no pool {}{}", shown(pool->text), did_you_mean(pool->text, pools_)));
  }
}

/// What the pool says is for those who say nothing.
void UserReader::read_pooling(TableReader& reader, UserConfig& user) {
  Pooling pooling = Pooling::session;
  CausalReads reads = CausalReads::none;
  const bool own_pooling = reader.take("pooling") != nullptr;
  const bool own_reads = reader.take("causal_reads") != nullptr;
  reader.read("pooling", pooling, {Pooling::session, Pooling::transaction});
  reader.read("causal_reads", reads,
              {CausalReads::none, CausalReads::session, CausalReads::global});
  if (own_pooling) user.pooling = pooling;
  if (own_reads) user.causal_reads = reads;
}

void UserReader::read_hashes(TableReader& reader, const toml::table& table, UserConfig& user) {
  if (const auto hash = reader.text("native_hash", "40 hex digits, as the server stores")) {
    const std::string why = add_native_hash(hash->text, user.hashes);
    if (!why.empty()) reader.fault(hash->at, "native_hash", why);
  }
  std::optional<std::vector<Located>> hashes;
  if (reader.take("hash") != nullptr)
    hashes = reader.texts("hash", "a hash as servers store it", true);
  for (const Located& hash : hashes.value_or(std::vector<Located>())) {
    const std::string why = add_hash(hash.text, user.hashes);
    if (!why.empty()) reader.fault(hash.at, "hash", why);
  }
  reader.read("passthrough", user.passthrough);
  const bool stored = table.contains("native_hash") || table.contains("hash");
  if (user.passthrough && stored)
    reader.fault(reader.source(), "passthrough",
                 "the server decides, so nothing is stored: take the hash out");
  if (!user.passthrough && !stored)
    reader.missing("hash", "40 hex digits, or another hash as the server stores it");
  if (user.passthrough && user.server.secret)
    reader.fault(reader.source(), "server_secret_file",
                 "with passthrough nobody would have to know a password: give the user a hash");
}

std::vector<HostPattern> UserReader::read_hosts(TableReader& reader) {
  std::vector<HostPattern> hosts;
  std::optional<std::vector<Located>> texts;
  constexpr std::string_view expected = "a host such as \"10.0.%\" or \"10.0.0.0/8\"";
  if (reader.take("host") != nullptr) texts = reader.texts("host", expected, true);
  for (const Located& text : texts.value_or(std::vector<Located>())) {
    const auto host = HostPattern::parse(text.text);
    if (!host) {
      reader.fault(text.at, "host",
                   fmt::format("expected {}, found {}", expected, shown(text.text)));
    } else if (std::ranges::find(hosts, *host) != hosts.end()) {
      reader.fault(text.at, "host", fmt::format("{} is in the list already", shown(text.text)));
    } else {
      hosts.push_back(*host);
    }
  }
  if (hosts.empty()) hosts.emplace_back();
  return hosts;
}

void UserReader::read_requirement(TableReader& reader, UserConfig& user) {
  using Kind = TransportRule::Kind;
  TransportRule& rule = user.require;
  reader.read("require", rule.kind, {Kind::none, Kind::ssl, Kind::x509});
  for (const auto& [key, out] :
       {std::pair("require_subject", &rule.subject), std::pair("require_issuer", &rule.issuer),
        std::pair("require_cipher", &rule.cipher)}) {
    if (const auto text = reader.text(key, "a text as REQUIRE of CREATE USER has it"))
      *out = text->text;
  }
  if (!rule.subject.empty() || !rule.issuer.empty())
    rule.kind = Kind::x509;
  else if (!rule.cipher.empty() && rule.kind == Kind::none)
    rule.kind = Kind::ssl;
}

void UserReader::read_server_account(TableReader& reader, Report& report, UserConfig& user) {
  if (const auto name = reader.text("server_user", "a user's name")) {
    user.server.user = name->text;
    if (const auto why = user_name_fault(name->text); !why.empty())
      reader.fault(name->at, "server_user", why);
  }
  const auto file = reader.text("server_secret_file", "a file's name");
  if (!file || file->text.empty()) return;
  user.server.secret_file = file->text;
  auto content = read_secret_file(file->text, report.file());
  if (!content.warning.empty())
    report.warn(file->at, fmt::format("{}.server_secret_file: {}", reader.path(), content.warning));
  if (content.fault.empty()) {
    auto secret = std::make_shared<mysqlwire::crypto::PasswordSecret>();
    content.fault = read_server_secret(mysqlwire::as_text(content.value.bytes()), *secret);
    user.server.secret = std::move(secret);
  }
  if (!content.fault.empty()) reader.fault(file->at, "server_secret_file", content.fault);
}

void UserReader::read_pasted(TableReader& reader, Report& report, const UserConfig& user) {
  const auto lines =
      reader.texts("mysql_user", "what SHOW CREATE USER prints, or a line of mysql.user", true);
  const std::size_t first = users_.size();
  for (const Located& line : lines.value_or(std::vector<Located>())) {
    UserConfig account = user;
    account.name.clear();
    const std::string why = read_mysql_user(line.text, account);
    const auto known = users_.begin() + static_cast<std::ptrdiff_t>(first);
    if (!why.empty()) {
      reader.fault(line.at, "mysql_user", why);
    } else if (!account.name.empty() && account.name != user.name) {
      reader.fault(line.at, "mysql_user", fmt::format("it is of the user {}", shown(account.name)));
    } else if (std::find_if(known, users_.end(), [&](const UserConfig& one) {
                 return one.host == account.host;
               }) != users_.end()) {
      reader.fault(line.at, "mysql_user",
                   fmt::format("host {} is in the list already", shown(account.host.text())));
    } else {
      check_host(report, line.at, reader.path() + ".mysql_user", account.host);
      account.name = user.name;
      users_.push_back(std::move(account));
    }
  }
}

LoadResult load_users_file(UserReader& reader, const std::string& path) {
  Report report(path);
  const auto content = read_whole_file(path, largest_file);
  if (!content.fault.empty()) {
    report.error({}, content.fault);
    return std::move(report).finish({});
  }
  if (const std::string why = exposure_of(path); !why.empty()) report.warn({}, why);
  try {
    const toml::table root = toml::parse(content.text, path);
    TableReader top(root, "", report);
    reader.read(top, report, "");
    top.reject_unknown();
  } catch (const toml::parse_error& fault) {
    report.error(fault.source(), fmt::format("not TOML: {}", one_line(fault.description())));
  }
  return std::move(report).finish({});
}

}  // namespace mysqlproxy
