#include "proxy/config/load.hpp"

#include "proxy/config/files.hpp"
#include "proxy/config/load_compression.hpp"
#include "proxy/config/load_guard.hpp"
#include "proxy/config/load_lending.hpp"
#include "proxy/config/load_rules.hpp"
#include "proxy/config/load_statistics.hpp"
#include "proxy/config/load_tls.hpp"
#include "proxy/config/load_user.hpp"
#include "proxy/config/named_tables.hpp"
#include "proxy/config/suggest.hpp"
#include "proxy/config/table_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace mysqlproxy {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t largest_file = 16U << 20;
constexpr std::size_t longest_name = 64;  // of servers, pools and listeners
constexpr std::size_t longest_version = 64;
constexpr std::size_t longest_attribute = 32;  // what session_connect_attrs has room for

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Three numbers with dots, as drivers parse it, and then anything that can be printed.
bool is_server_version(std::string_view text) noexcept {
  if (text.size() > longest_version) return false;
  if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) return false;
  for (int part = 0; part < 3; ++part) {
    if (part > 0 && (!text.starts_with('.'))) return false;
    if (part > 0) text.remove_prefix(1);
    const auto end =
        static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
    if (end == 0) return false;
    text.remove_prefix(end);
  }
  return true;
}

/// Reads a whole file's tables into a Config, one member function per kind of table.
class Loader {
 public:
  Loader(const toml::table& root, Report& report) : top_(root, "", report), report_(report) {}

  Config load() {
    proxy();
    login_limits();
    listeners();
    servers();
    health();
    pools();
    users();
    rules();
    log();
    read_guard(top_, report_, config_.guard);
    read_statistics(top_, report_, config_.statistics);
    top_.reject_unknown();
    if (report_.clean()) unused();
    return std::move(config_);
  }
  /// What is wrong with the users file.
  LoadResult& users_file() noexcept { return users_; }

 private:
  void proxy();
  void login_limits();
  std::vector<Network> networks(TableReader& reader, std::string_view key);
  void listeners();
  void listener(const Named& item);
  void servers();
  void server(const Named& item);
  void replication_address(TableReader& reader, ServerConfig& server);
  static void client_address_attribute(TableReader& reader, ServerConfig& server);
  void pools();
  void pool(const Named& item);
  void role(TableReader& reader, PoolConfig& pool);
  void failover(TableReader& reader, FailoverConfig& failover);
  void load_users(const Named& item, TableReader& pool_reader, PoolConfig& pool);
  void users();
  void rules();
  void health();
  static void check(TableReader& reader, CheckConfig& check, milliseconds least_interval);
  void check_kind(TableReader& health, std::string_view kind, CheckConfig& out,
                  milliseconds least_interval);
  void log();
  void unused();

  const toml::table* table(std::string_view key);
  std::vector<Named> named(std::string_view kind, std::string_view without) {
    return named_tables(top_, report_, kind, without);
  }
  bool check_name(std::string_view kind, const Named& item);
  std::optional<Endpoint> endpoint(TableReader& reader, std::string_view key, const Located& text);
  void check_bind(TableReader& reader, const Endpoint& bind, const Located& text);
  std::string path(std::string_view kind, const Named& item) const {
    return fmt::format("{}.{}", kind, quote_key(item.name));
  }

  TableReader top_;
  Report& report_;
  Config config_;
  LendingReader lending_;
  LoadResult users_;
  // Every name that the file defines, good or bad, so that one fault is reported once.
  std::vector<std::string> server_names_;
  std::vector<std::string> pool_names_;
  std::vector<std::pair<Endpoint, std::string>> binds_;  // with "listen.main", the first user
  std::vector<std::string> used_servers_;
  std::vector<std::string> used_pools_;
  std::vector<std::pair<std::string, toml::source_region>> placed_servers_;
  std::vector<std::pair<std::string, toml::source_region>> placed_pools_;
};

const toml::table* Loader::table(std::string_view key) {
  const toml::node* node = top_.take(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) top_.expected(key, *node, fmt::format("a table [{}]", key));
  return node->as_table();
}

/// Names of servers, pools and listeners stand in logs and in errors that clients see.
bool Loader::check_name(std::string_view kind, const Named& item) {
  const bool good = !item.name.empty() && item.name.size() <= longest_name &&
                    std::ranges::all_of(item.name, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
                             c == '_' || c == '-' || c == '.';
                    });
  if (!good) {
    report_.error(item.at, fmt::format("{}: a {}'s name has 1 to {} letters, digits, '_', '-', '.'",
                                       path(kind, item), noun(kind), longest_name));
  }
  return good;
}

std::optional<Endpoint> Loader::endpoint(TableReader& reader, std::string_view key,
                                         const Located& text) {
  std::string why;
  auto endpoint = parse_endpoint(text.text, &why);
  if (!endpoint) {
    reader.fault(text.at, key,
                 fmt::format("expected an address such as \"127.0.0.1:{}\", found {}: {}",
                             key == "bind" ? 6446 : 3306, shown(text.text), why));
  }
  return endpoint;
}

void Loader::proxy() {
  const toml::table* section = table("proxy");
  if (section == nullptr) return;
  TableReader reader(*section, "proxy", report_);
  ProxySettings& proxy = config_.proxy;
  reader.read("threads", proxy.threads, 0, 1'024);
  reader.read("max_connections", proxy.max_connections, 1, 1'000'000);
  reader.read("connect_timeout", proxy.connect_timeout, 1ms);
  reader.read("handshake_timeout", proxy.handshake_timeout, 1ms);
  reader.read("idle_timeout", proxy.idle_timeout, 0ms);
  reader.read("server_timeout", proxy.server_timeout, 0ms);
  reader.read("drain_timeout", proxy.drain_timeout, 0ms);
  // The limits that servers themselves have for the variable of this name.
  reader.read_size("max_allowed_packet", proxy.max_allowed_packet, 1ULL << 10, 1ULL << 30);
  for (const auto& [key, out] :
       {std::pair("data_dir", &proxy.data_dir), std::pair("tls_keylog", &proxy.tls_keylog),
        std::pair("users_file", &proxy.users_file)}) {
    const auto path = reader.text(key, "a path");
    if (path && !path->text.empty()) *out = beside(report_.file(), path->text);
  }
  if (!proxy.data_dir.empty()) proxy.control = proxy.data_dir + "/control";
  if (const auto path = reader.text("control", "a path"))
    proxy.control = path->text.empty() ? std::string() : beside(report_.file(), path->text);
  reader.reject_unknown();
}

std::vector<Network> Loader::networks(TableReader& reader, std::string_view key) {
  std::vector<Network> found;
  const toml::node* node = reader.take(key);
  if (node == nullptr || (node->is_array() && node->as_array()->empty())) return found;
  const auto texts = reader.texts(key, "a network such as \"10.0.0.0/8\"", true);
  for (const Located& text : texts.value_or(std::vector<Located>())) {
    if (const auto network = parse_network(text.text))
      found.push_back(*network);
    else
      reader.fault(
          text.at, key,
          fmt::format("expected a network such as \"10.0.0.0/8\", found {}", shown(text.text)));
  }
  return found;
}

void Loader::login_limits() {
  const toml::table* section = table("login_limits");
  if (section == nullptr) return;
  TableReader reader(*section, "login_limits", report_);
  LoginLimits& limits = config_.login_limits;
  reader.read("max_failures", limits.max_failures, 0, 1'000'000);
  reader.read("free_failures", limits.free_failures, 0, 1'000'000);
  reader.read("first_delay", limits.first_delay, 0ms);
  reader.read("longest_delay", limits.longest_delay, 0ms);
  reader.read("block_time", limits.block_time, 1ms);
  if (section->contains("exempt")) limits.exempt = networks(reader, "exempt");
  reader.reject_unknown();
}

void Loader::listeners() {
  for (const Named& item : named("listen", "the proxy would listen nowhere")) listener(item);
}

void Loader::listener(const Named& item) {
  check_name("listen", item);
  TableReader reader(*item.table, path("listen", item), report_);
  ListenerConfig listener{.name = item.name, .bind = {}, .server_version = {}};
  const auto addresses = reader.texts("bind", "an address such as \"127.0.0.1:6446\"", true);
  for (const Located& text : addresses.value_or(std::vector<Located>())) {
    const auto bind = endpoint(reader, "bind", text);
    if (!bind) continue;
    check_bind(reader, *bind, text);
    listener.bind.push_back(*bind);
  }
  if (const auto version = reader.text("server_version", "a version such as \"8.0.36\"")) {
    if (is_server_version(version->text)) {
      listener.server_version = version->text;
    } else {
      reader.fault(version->at, "server_version",
                   fmt::format("expected a version that starts like \"8.0.36\", in printable ASCII "
                               "of {} bytes at most, found {:?}",
                               longest_version, version->text.substr(0, longest_version)));
    }
  }
  listener.proxy_protocol_from = networks(reader, "proxy_protocol_from");
  reader.read("max_handshakes", listener.max_handshakes, 1, 1'000'000);
  reader.read("mysql_clear_password", listener.mysql_clear_password);
  read_tls(reader, report_.file(), listener.tls);
  read_compression(reader, listener.compression);
  reader.hint("zstd_compression_level", "the level of zstd is the client's to choose");
  reader.reject_unknown();
  config_.listeners.push_back(std::move(listener));
}

void Loader::check_bind(TableReader& reader, const Endpoint& bind, const Located& text) {
  for (const auto& [other, owner] : binds_) {
    if (!binds_clash(bind, other)) continue;
    reader.fault(
        text.at, "bind",
        fmt::format("{} is taken: {} listens on {:?}", shown(text.text), owner, to_string(other)));
    return;
  }
  binds_.emplace_back(bind, reader.path());
}

void Loader::servers() {
  for (const Named& item : named("server", "there is nothing to connect to")) server(item);
}

void Loader::server(const Named& item) {
  check_name("server", item);
  server_names_.push_back(item.name);
  placed_servers_.emplace_back(item.name, item.at);
  TableReader reader(*item.table, path("server", item), report_);
  ServerConfig server{.name = item.name, .address = {}};
  if (const auto text = reader.required_text("address", "an address such as \"127.0.0.1:3306\"")) {
    const auto address = endpoint(reader, "address", *text);
    if (address) server.address = *address;
    if (address && address->kind == Endpoint::Kind::tcp && address->port == 0) {
      reader.fault(text->at, "address", "a server's port is not 0");
    }
    for (const ServerConfig& other : config_.servers) {
      if (address && other.address == *address) {
        report_.warn(text->at, fmt::format("{} has the address of server.{}: {}", reader.path(),
                                           quote_key(other.name), to_string(*address)));
      }
    }
  }
  reader.read("weight", server.weight, 1, 1'000);
  reader.read("max_connections", server.max_connections, 0, 1'000'000);
  read_tls(reader, report_.file(), server.tls);
  read_compression(reader, server.compression);
  read_zstd_level(reader, server.compression);
  reader.read("proxy_protocol", server.proxy_protocol,
              {ProxyProtocol::disabled, ProxyProtocol::v1, ProxyProtocol::v2});
  client_address_attribute(reader, server);
  reader.read("get_server_public_key", server.get_server_public_key);
  reader.read("mysql_clear_password", server.mysql_clear_password);
  replication_address(reader, server);
  reader.reject_unknown();
  config_.servers.push_back(std::move(server));
}

void Loader::replication_address(TableReader& reader, ServerConfig& server) {
  constexpr std::string_view key = "replication_address";
  const auto text = reader.text(key, "an address such as \"10.0.0.5:3306\"");
  if (!text) return;
  server.replication_address = endpoint(reader, key, *text);
  const auto& address = server.replication_address;
  if (address && (address->kind != Endpoint::Kind::tcp || address->port == 0))
    reader.fault(text->at, key, "servers copy from each other by TCP, from a port that is not 0");
}

void Loader::client_address_attribute(TableReader& reader, ServerConfig& server) {
  constexpr std::string_view key = "client_address_attribute";
  const auto name = reader.text(key, "a connection attribute's name");
  if (!name) return;
  if (name->text.size() > longest_attribute)
    reader.fault(name->at, key,
                 fmt::format("a connection attribute's name has {} bytes at most, this one {}",
                             longest_attribute, name->text.size()));
  server.client_address_attribute = name->text;
}

void Loader::pools() {
  for (const Named& item : named("pool", "no user could be given a server")) pool(item);
  lending_.check(config_, report_, used_pools_);
}

void Loader::pool(const Named& item) {
  check_name("pool", item);
  pool_names_.push_back(item.name);
  placed_pools_.emplace_back(item.name, item.at);
  TableReader reader(*item.table, path("pool", item), report_);
  PoolConfig pool{.name = item.name, .servers = {}, .lending = {}, .split = {}, .load_users = {}};
  const auto names = reader.texts("servers", "a list of servers' names", false);
  for (const Located& name : names.value_or(std::vector<Located>())) {
    used_servers_.push_back(name.text);
    if (std::ranges::find(server_names_, name.text) == server_names_.end()) {
      reader.fault(name.at, "servers",
                   fmt::format("there is no server {}{}", shown(name.text),
                               did_you_mean(name.text, server_names_)));
    } else if (std::ranges::find(pool.servers, name.text) != pool.servers.end()) {
      reader.fault(name.at, "servers", fmt::format("{:?} is in the list already", name.text));
    } else {
      pool.servers.push_back(name.text);
    }
  }
  reader.read("balance", pool.balance,
              {Balance::least_connections, Balance::round_robin, Balance::first_available});
  const toml::node* const failback = reader.take("failback");
  if (failback != nullptr && pool.balance != Balance::first_available)
    reader.fault(failback->source(), "failback", "belongs to balance = \"first_available\"");
  reader.read("failback", pool.failback);
  role(reader, pool);
  lending_.read(reader, pool);
  load_users(item, reader, pool);
  reader.reject_unknown();
  config_.pools.push_back(std::move(pool));
}

/// Roles are found out by the health check, which has to be let in.
void Loader::role(TableReader& reader, PoolConfig& pool) {
  const toml::node* const node = reader.take("role");
  reader.read("role", pool.role, {PoolRole::any, PoolRole::primary, PoolRole::replica});
  if (node != nullptr && pool.role != PoolRole::any && config_.health.user.empty())
    reader.fault(node->source(), "role",
                 "the servers' roles are read by the health check, and health.user is not given");
  const auto belongs = [&](std::string_view key, PoolRole to) {
    const toml::node* const own = reader.take(key);
    if (own != nullptr && pool.role != to)
      reader.fault(own->source(), key,
                   fmt::format("belongs to a pool of role = \"{}\"", to_string(to)));
  };
  belongs("primary_wait", PoolRole::primary);
  belongs("max_lag", PoolRole::replica);
  belongs("primary_reads", PoolRole::replica);
  reader.read("primary_wait", pool.primary_wait, 0ms);
  reader.read("max_lag", pool.max_lag, 0ms);
  reader.read("primary_reads", pool.primary_reads,
              {PrimaryReads::never, PrimaryReads::fallback, PrimaryReads::always});
  for (const std::string_view key :
       {"failover", "failover_dry_run", "on_failover", "on_failover_timeout", "replication_user",
        "replication_password_file", "replication_tls", "switchover_max_lag"})
    belongs(key, PoolRole::primary);
  failover(reader, pool.failover);
}

void Loader::failover(TableReader& reader, FailoverConfig& failover) {
  reader.read("failover", failover.mode, {Failover::follow, Failover::promote});
  reader.read("failover_dry_run", failover.dry_run);
  reader.read("switchover_max_lag", failover.most_lag, 0ms);
  if (reader.take("on_failover") != nullptr) {
    const auto command = reader.texts("on_failover", "a command and its arguments", false);
    for (const Located& part : command.value_or(std::vector<Located>()))
      failover.command.push_back(part.text);
    if (!failover.command.empty() && !failover.command[0].starts_with('/'))
      reader.fault(
          command->front().at, "on_failover",
          fmt::format("expected a program's whole path, found {}", shown(failover.command[0])));
  }
  reader.read("on_failover_timeout", failover.command_timeout, 1ms);
  if (const auto user = reader.text("replication_user", "a user's name"))
    failover.replication_user = user->text;
  reader.read("replication_tls", failover.replication_tls);
  const auto file = reader.text("replication_password_file", "a file's name");
  if (!file || file->text.empty()) return;
  failover.replication_password_file = file->text;
  constexpr std::string_view key = "replication_password_file";
  if (failover.replication_user.empty())
    reader.fault(file->at, key, "there is no replication_user that it could belong to");
  auto password = read_password_file(file->text, report_.file());
  if (!password.fault.empty()) reader.fault(file->at, key, password.fault);
  if (!password.warning.empty())
    report_.warn(file->at, fmt::format("{}.{}: {}", reader.path(), key, password.warning));
  failover.replication_password =
      std::make_shared<const mysqlwire::crypto::SecretBytes>(std::move(password.value));
}

void Loader::load_users(const Named& item, TableReader& pool_reader, PoolConfig& pool) {
  const toml::node* node = pool_reader.take("load_users");
  if (node == nullptr) return;
  const std::string where = path("pool", item) + ".load_users";
  if (!node->is_table())
    return pool_reader.expected("load_users", *node, fmt::format("a table [{}]", where));
  used_pools_.push_back(item.name);
  TableReader reader(*node->as_table(), where, report_);
  LoadUsers load;
  if (const auto user = reader.text("user", "a user's name")) load.user = user->text;
  if (load.user.empty() && config_.health.user.empty())
    reader.missing("user", "the account to read mysql.user with, since [health] has none either");
  if (const auto file = reader.text("password_file", "a file's name");
      file && !file->text.empty()) {
    load.password_file = file->text;
    if (load.user.empty())
      reader.fault(file->at, "password_file", "there is no user that it could belong to");
    auto password = read_password_file(file->text, report_.file());
    if (!password.fault.empty()) reader.fault(file->at, "password_file", password.fault);
    if (!password.warning.empty())
      report_.warn(file->at, fmt::format("{}.password_file: {}", where, password.warning));
    load.password =
        std::make_shared<const mysqlwire::crypto::SecretBytes>(std::move(password.value));
  }
  reader.read("interval", load.interval, 100ms);
  reader.read("pause", load.pause, 0ms);
  reader.read("timeout", load.timeout, 1ms);
  reader.reject_unknown();
  pool.load_users = std::move(load);
}

/// Those of the file itself, then those of users_file.
void Loader::users() {
  const bool elsewhere = !config_.proxy.users_file.empty() ||
                         std::ranges::any_of(config_.pools, [](const PoolConfig& pool) {
                           return pool.load_users.has_value();
                         });
  UserReader reader(pool_names_, used_pools_, config_.users);
  reader.read(top_, report_, elsewhere ? "" : "nobody could log in");
  if (!config_.proxy.users_file.empty()) users_ = load_users_file(reader, config_.proxy.users_file);
}

void Loader::rules() {
  RuleReader reader(config_, server_names_, pool_names_, report_);
  config_.rules = reader.read(top_);
  std::ranges::copy(reader.used_pools(), std::back_inserter(used_pools_));
}

void Loader::check(TableReader& reader, CheckConfig& check, milliseconds least_interval) {
  constexpr std::uint32_t most = 100;
  reader.read("interval", check.interval, least_interval);
  reader.read("timeout", check.timeout, 1ms);
  reader.read("rise", check.needs.rise, 1, most);
  reader.read("fall", check.needs.fall, 1, most);
}

void Loader::check_kind(TableReader& health, std::string_view kind, CheckConfig& out,
                        milliseconds least_interval) {
  const toml::node* node = health.take(kind);
  if (node == nullptr) return;
  const std::string where = fmt::format("health.{}", kind);
  if (!node->is_table()) return health.expected(kind, *node, fmt::format("a table [{}]", where));
  TableReader reader(*node->as_table(), where, report_);
  check(reader, out, least_interval);
  reader.reject_unknown();
}

void Loader::health() {
  const toml::table* section = table("health");
  if (section == nullptr) return;
  TableReader reader(*section, "health", report_);
  HealthConfig& health = config_.health;
  check(reader, health.all, 100ms);
  health.threads = {.interval = 0ms, .timeout = health.all.timeout, .needs = health.all.needs};
  for (const auto& [kind, out] :
       {std::pair("reachable", &health.reachable), std::pair("read_only", &health.read_only),
        std::pair("replication", &health.replication)}) {
    *out = health.all;
    check_kind(reader, kind, *out, 100ms);
  }
  check_kind(reader, "threads", health.threads, 0ms);
  if (const auto user = reader.text("user", "a user's name")) health.user = user->text;
  if (const auto file = reader.text("password_file", "a file's name");
      file && !file->text.empty()) {
    health.password_file = file->text;
    if (health.user.empty()) {
      reader.fault(file->at, "password_file", "there is no health.user that it could belong to");
    }
    auto password = read_password_file(file->text, report_.file());
    if (!password.fault.empty()) reader.fault(file->at, "password_file", password.fault);
    if (!password.warning.empty()) {
      report_.warn(file->at, fmt::format("health.password_file: {}", password.warning));
    }
    health.password = std::move(password.value);
  }
  reader.reject_unknown();
}

void Loader::log() {
  const toml::table* section = table("log");
  if (section == nullptr) return;
  TableReader reader(*section, "log", report_);
  LogConfig& log = config_.log;
  reader.read("level", log.level,
              {LogLevel::error, LogLevel::warn, LogLevel::info, LogLevel::debug});
  reader.read("format", log.format, {LogFormat::text, LogFormat::json});
  if (const auto access = reader.text("access", "\"-\", \"\" or a file's name")) {
    log.access = access->text;
  }
  reader.reject_unknown();
}

/// What is defined and never referred to is legal, but mostly an oversight.
void Loader::unused() {
  for (const auto& [name, at] : placed_servers_) {
    if (std::ranges::find(used_servers_, name) == used_servers_.end()) {
      report_.warn(at, fmt::format("server.{} is in no pool", quote_key(name)));
    }
  }
  for (const auto& [name, at] : placed_pools_) {
    if (std::ranges::find(used_pools_, name) == used_pools_.end()) {
      report_.warn(at, fmt::format("pool.{} has no user", quote_key(name)));
    }
  }
}

LoadResult failed(std::string where, std::string text) {
  LoadResult result;
  result.errors.push_back({std::move(where), std::move(text)});
  return result;
}

}  // namespace

std::string to_string(const Problem& problem) {
  return fmt::format("{}: {}", problem.where, problem.text);
}

LoadResult load_text(std::string_view text, const std::string& name) {
  Report report(name);
  try {
    const toml::table root = toml::parse(text, name);
    Loader loader(root, report);
    Config config = loader.load();
    LoadResult result = std::move(report).finish(std::move(config));
    LoadResult& more = loader.users_file();
    std::ranges::move(more.warnings, std::back_inserter(result.warnings));
    std::ranges::move(more.errors, std::back_inserter(result.errors));
    if (!result.errors.empty()) result.config.reset();
    return result;
  } catch (const toml::parse_error& fault) {
    report.error(fault.source(), fmt::format("not TOML: {}", one_line(fault.description())));
    return std::move(report).finish({});
  }
}

LoadResult load_file(const std::string& path) {
  const auto content = read_whole_file(path, largest_file);
  if (!content.fault.empty()) return failed(path, content.fault);
  return load_text(content.text, path);
}

}  // namespace mysqlproxy
