// The effective configuration as TOML.
#include "proxy/config/load.hpp"
#include "proxy/config/mysql_user.hpp"
#include "proxy/config/print_rules.hpp"
#include "proxy/config/table_reader.hpp"
#include "proxy/config/units.hpp"
#include "proxy/config/user.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace mysqlproxy {
namespace {

std::string quoted(std::string_view text) { return quote_value(text); }

std::string key_of(std::string_view name) {
  return is_bare_key(name) ? std::string(name) : quoted(name);
}

// A value as it stands in the file.
std::string text_of(std::uint32_t value) { return fmt::to_string(value); }
std::string text_of(milliseconds value) { return quoted(format_duration(value)); }
std::string text_of(const std::string& value) { return quoted(value); }
std::string text_of(bool value) { return value ? "true" : "false"; }
template <class Enum>
  requires std::is_enum_v<Enum>
std::string text_of(Enum value) {
  return quoted(to_string(value));
}

class Printer {
 public:
  void table(std::string_view kind) { start(std::string(kind)); }
  void table(std::string_view kind, std::string_view name) {
    start(fmt::format("{}.{}", kind, key_of(name)));
  }
  void table(std::string_view kind, std::string_view name, std::string_view part) {
    start(fmt::format("{}.{}.{}", kind, key_of(name), part));
  }

  void line(std::string_view key, const std::string& value) {
    fmt::format_to(std::back_inserter(text_), "{} = {}\n", key, value);
  }

  void standard_line(std::string_view key, const std::string& value) { entry(key, value, true); }

  /// Marks what stands there when the file does not say.
  template <class T>
  void optional(std::string_view key, const T& value, const T& standard) {
    entry(key, text_of(value), value == standard);
  }
  void size(std::string_view key, std::uint64_t value, std::uint64_t standard) {
    entry(key, quoted(format_size(value)), value == standard);
  }
  void optional_line(std::string_view key, const std::string& value, bool is_standard) {
    entry(key, value, is_standard);
  }
  void comment(std::string_view text) { fmt::format_to(std::back_inserter(text_), "# {}\n", text); }

  /// A table that is text already.
  void block(std::string_view text) {
    if (!text_.empty()) text_ += '\n';
    text_ += text;
  }

  std::string take() && { return std::move(text_); }

 private:
  void start(const std::string& path) {
    fmt::format_to(std::back_inserter(text_), "{}[{}]\n", text_.empty() ? "" : "\n", path);
  }
  void entry(std::string_view key, const std::string& value, bool is_standard) {
    const std::string text = fmt::format("{} = {}", key, value);
    text_ += is_standard ? fmt::format("{:<38}  # default\n", text) : text + "\n";
  }

  std::string text_;
};

template <class Range, class Function>
std::string list_of(const Range& items, Function text) {
  std::string result;
  for (const auto& item : items) {
    result += fmt::format("{}{}", result.empty() ? "" : ", ", quoted(text(item)));
  }
  return fmt::format("[{}]", result);
}

void print(Printer& out, const ProxySettings& proxy) {
  const ProxySettings standard;
  out.table("proxy");
  out.optional("threads", proxy.threads, standard.threads);
  out.optional("max_connections", proxy.max_connections, standard.max_connections);
  out.optional("connect_timeout", proxy.connect_timeout, standard.connect_timeout);
  out.optional("handshake_timeout", proxy.handshake_timeout, standard.handshake_timeout);
  out.optional("idle_timeout", proxy.idle_timeout, standard.idle_timeout);
  out.optional("server_timeout", proxy.server_timeout, standard.server_timeout);
  out.optional("drain_timeout", proxy.drain_timeout, standard.drain_timeout);
  out.size("max_allowed_packet", proxy.max_allowed_packet, standard.max_allowed_packet);
  if (!proxy.users_file.empty())
    out.comment(fmt::format("users_file = {}; its users stand below", quoted(proxy.users_file)));
  out.optional("data_dir", proxy.data_dir, standard.data_dir);
  out.optional("tls_keylog", proxy.tls_keylog, standard.tls_keylog);
  const std::string usual = proxy.data_dir.empty() ? "" : proxy.data_dir + "/control";
  out.optional("control", proxy.control, usual);
}

void print(Printer& out, const LoginLimits& limits) {
  const LoginLimits standard;
  const auto text = [](const Network& one) { return to_string(one); };
  out.table("login_limits");
  out.optional("max_failures", limits.max_failures, standard.max_failures);
  out.optional("free_failures", limits.free_failures, standard.free_failures);
  out.optional("first_delay", limits.first_delay, standard.first_delay);
  out.optional("longest_delay", limits.longest_delay, standard.longest_delay);
  out.optional("block_time", limits.block_time, standard.block_time);
  out.optional_line("exempt", list_of(limits.exempt, text), limits.exempt == standard.exempt);
}

void print(Printer& out, const TlsFiles& files) {
  const TlsFiles standard;
  out.optional("tls_certificate", files.certificate, standard.certificate);
  out.optional("tls_key", files.key, standard.key);
  out.optional("tls_ca", files.ca, standard.ca);
  out.optional("tls_min_version", files.min_version, standard.min_version);
  out.optional("tls_ciphers", files.ciphers, standard.ciphers);
  out.optional("tls_ciphersuites", files.ciphersuites, standard.ciphersuites);
}

void print(Printer& out, const CompressionConfig& compression, const CompressionConfig& standard) {
  const auto text = list_of(compression.allowed, [](Compression one) { return to_string(one); });
  if (compression.allowed == standard.allowed)
    out.standard_line("compression", text);
  else
    out.line("compression", text);
  out.optional("zlib_compression_level", compression.zlib_level, standard.zlib_level);
}

void print(Printer& out, const ListenerConfig& listener) {
  out.table("listen", listener.name);
  out.line("bind", list_of(listener.bind, [](const Endpoint& bind) { return to_string(bind); }));
  if (listener.server_version) {
    out.line("server_version", quoted(*listener.server_version));
  } else {
    out.comment("server_version: the lowest common version of the pools' servers (default)");
  }
  if (!listener.proxy_protocol_from.empty())
    out.line("proxy_protocol_from", list_of(listener.proxy_protocol_from,
                                            [](const Network& one) { return to_string(one); }));
  out.optional("max_handshakes", listener.max_handshakes, ListenerConfig{}.max_handshakes);
  out.optional("mysql_clear_password", listener.mysql_clear_password, false);
  const ListenerTls standard;
  out.optional("tls", listener.tls.mode, standard.mode);
  print(out, listener.tls.files);
  out.optional("tls_self_signed", listener.tls.self_signed, standard.self_signed);
  out.optional("tls_require_client_certificate", listener.tls.require_client_certificate,
               standard.require_client_certificate);
  print(out, listener.compression, listener_compression());
}

void print(Printer& out, const ServerConfig& server) {
  const ServerConfig standard;
  out.table("server", server.name);
  out.line("address", quoted(to_string(server.address)));
  out.optional("weight", server.weight, standard.weight);
  out.optional("max_connections", server.max_connections, standard.max_connections);
  out.optional("tls", server.tls.mode, standard.tls.mode);
  print(out, server.tls.files);
  out.optional("tls_server_name", server.tls.name, standard.tls.name);
  out.optional("get_server_public_key", server.get_server_public_key,
               standard.get_server_public_key);
  out.optional("mysql_clear_password", server.mysql_clear_password, standard.mysql_clear_password);
  print(out, server.compression, standard.compression);
  out.optional("zstd_compression_level", server.compression.zstd_level,
               standard.compression.zstd_level);
  out.optional("proxy_protocol", server.proxy_protocol, standard.proxy_protocol);
  out.optional("client_address_attribute", server.client_address_attribute,
               standard.client_address_attribute);
  if (server.replication_address)
    out.line("replication_address", quoted(to_string(*server.replication_address)));
}

void print(Printer& out, const FailoverConfig& failover) {
  const FailoverConfig standard;
  out.optional("failover", failover.mode, standard.mode);
  out.optional("failover_dry_run", failover.dry_run, standard.dry_run);
  out.optional("switchover_max_lag", failover.most_lag, standard.most_lag);
  if (!failover.command.empty()) {
    out.line("on_failover",
             list_of(failover.command, [](const std::string& part) { return part; }));
    out.optional("on_failover_timeout", failover.command_timeout, standard.command_timeout);
  }
  out.optional("replication_user", failover.replication_user, standard.replication_user);
  if (failover.replication_user.empty()) return;
  out.optional("replication_password_file", failover.replication_password_file,
               standard.replication_password_file);
  out.optional("replication_tls", failover.replication_tls, standard.replication_tls);
}

void print(Printer& out, const LendingConfig& lending) {
  const LendingConfig standard;
  out.optional("min_idle", lending.min_idle, standard.min_idle);
  out.optional("max_idle", lending.max_idle, standard.max_idle);
  out.optional("idle_timeout", lending.idle_timeout, standard.idle_timeout);
  out.optional("max_lifetime", lending.max_lifetime, standard.max_lifetime);
  out.optional("max_uses", lending.max_uses, standard.max_uses);
  out.optional("queue_limit", lending.queue_limit, standard.queue_limit);
  out.optional("queue_timeout", lending.queue_timeout, standard.queue_timeout);
  out.optional("linger", lending.linger, standard.linger);
  out.optional("replay_reads", lending.replay_reads, standard.replay_reads);
}

void print(Printer& out, const SplitConfig& split) {
  const SplitConfig standard;
  out.line("read_pool", quoted(split.read_pool));
  out.optional("causal_reads", split.causal_reads, standard.causal_reads);
  if (split.causal_reads != CausalReads::none)
    out.optional("causal_wait", split.causal_wait, standard.causal_wait);
}

void print(Printer& out, const PoolConfig& pool) {
  out.table("pool", pool.name);
  out.line("servers", list_of(pool.servers, [](const std::string& name) { return name; }));
  const PoolConfig standard;
  out.optional("balance", pool.balance, standard.balance);
  if (pool.balance == Balance::first_available)
    out.optional("failback", pool.failback, standard.failback);
  out.optional("role", pool.role, standard.role);
  if (pool.role == PoolRole::primary) {
    out.optional("primary_wait", pool.primary_wait, standard.primary_wait);
    print(out, pool.failover);
  }
  if (pool.role == PoolRole::replica) {
    out.optional("max_lag", pool.max_lag, standard.max_lag);
    out.optional("primary_reads", pool.primary_reads, standard.primary_reads);
  }
  out.optional("pooling", pool.pooling, standard.pooling);
  if (pool.pooling != Pooling::transaction) return;
  print(out, pool.lending);
  if (!pool.split.read_pool.empty()) print(out, pool.split);
}

void print(Printer& out, const PoolConfig& pool, const LoadUsers& load) {
  const LoadUsers standard;
  out.table("pool", pool.name, "load_users");
  out.optional("user", load.user, standard.user);
  out.optional("password_file", load.password_file, standard.password_file);
  out.optional("interval", load.interval, standard.interval);
  out.optional("pause", load.pause, standard.pause);
  out.optional("timeout", load.timeout, standard.timeout);
}

std::string shown_hash(const std::string& hash, bool whole) {
  return whole ? hash : hash.substr(0, 5) + "…";
}

void print(Printer& out, const TransportRule& rule) {
  const TransportRule standard;
  if (rule == standard) return;
  out.optional("require", rule.kind, standard.kind);
  out.optional("require_subject", rule.subject, standard.subject);
  out.optional("require_issuer", rule.issuer, standard.issuer);
  out.optional("require_cipher", rule.cipher, standard.cipher);
}

/// What [user.NAME] says of one account, or of several that only differ in their host.
void print_account(Printer& out, std::span<const UserConfig> accounts, bool with_hashes) {
  const UserConfig& user = accounts.front();
  const auto hashes = format_hashes(user.hashes);
  const auto shown = [&](const std::string& hash) { return shown_hash(hash, with_hashes); };
  if (user.passthrough)
    out.line("passthrough", "true");
  else if (user.hashes.native && hashes.size() == 1)
    out.line("native_hash", quoted(shown(hashes.front())));
  else
    out.line("hash", list_of(hashes, shown));
  if (accounts.size() > 1 || user.host != HostPattern())
    out.line("host", list_of(accounts, [](const UserConfig& one) { return one.host.text(); }));
  print(out, user.require);
  if (user.locked) out.line("locked", "true");
  if (user.expired) out.line("expired", "true");
}

/// The accounts of one name.
void print(Printer& out, std::span<const UserConfig> accounts, bool with_hashes) {
  const UserConfig& user = accounts.front();
  out.table("user", user.name);
  out.line("pool", quoted(user.pool));
  if (user.pooling) out.line("pooling", text_of(*user.pooling));
  if (user.causal_reads) out.line("causal_reads", text_of(*user.causal_reads));
  const bool alike = std::ranges::all_of(accounts, [&](UserConfig one) {
    one.host = user.host;
    return one == user;
  });
  if (alike) {
    print_account(out, accounts, with_hashes);
  } else {
    out.line("mysql_user", list_of(accounts, [&](const UserConfig& one) {
               return format_create_user(one, with_hashes);
             }));
  }
  if (!user.server.user.empty()) out.line("server_user", quoted(user.server.user));
  if (!user.server.secret_file.empty())
    out.line("server_secret_file", quoted(user.server.secret_file));
}

void print(Printer& out, const CheckConfig& check, const CheckConfig& standard) {
  out.optional("interval", check.interval, standard.interval);
  out.optional("timeout", check.timeout, standard.timeout);
  out.optional("rise", check.needs.rise, standard.needs.rise);
  out.optional("fall", check.needs.fall, standard.needs.fall);
}

void print(Printer& out, const HealthConfig& health) {
  const HealthConfig standard;
  out.table("health");
  print(out, health.all, standard.all);
  out.optional("user", health.user, standard.user);
  out.optional("password_file", health.password_file, standard.password_file);
  CheckConfig threads = health.all;
  threads.interval = milliseconds(0);
  const auto kind = [&](std::string_view name, const CheckConfig& check, const CheckConfig& usual) {
    if (check == usual) return;
    out.table("health", name);
    print(out, check, usual);
  };
  kind("reachable", health.reachable, health.all);
  kind("read_only", health.read_only, health.all);
  kind("replication", health.replication, health.all);
  kind("threads", health.threads, threads);
}

void print(Printer& out, const LogConfig& log) {
  const LogConfig standard;
  out.table("log");
  out.optional("level", log.level, standard.level);
  out.optional("format", log.format, standard.format);
  out.optional("access", log.access, standard.access);
}

void print(Printer& out, const GuardSettings& guard, const GuardSettings& standard) {
  const auto same = [](const std::string& text) { return text; };
  GuardMode limits = GuardMode::off;
  for (std::size_t i = 0; i < guard_checks; ++i) {
    const auto check = static_cast<GuardCheck>(i);
    if (check < GuardCheck::statement_size)
      out.optional(to_string(check), guard.mode(check), standard.mode(check));
    else if (guard.mode(check) != GuardMode::off)
      limits = guard.mode(check);
  }
  if (!guard.limit_tables.empty()) out.line("limit_tables", list_of(guard.limit_tables, same));
  if (!guard.deny.empty()) out.line("deny", list_of(guard.deny, same));
  out.size("max_statement_size", guard.max_statement_size, standard.max_statement_size);
  out.optional("max_result_rows", static_cast<std::uint32_t>(guard.max_result_rows),
               static_cast<std::uint32_t>(standard.max_result_rows));
  out.size("max_result_bytes", guard.max_result_bytes, standard.max_result_bytes);
  out.optional("max_running_time", guard.max_running_time, standard.max_running_time);
  // Without one the key is refused.
  if (guard.has_limits()) out.optional("limits", limits, GuardMode::enforce);
}

/// A configuration without a guard does not show one.
void print(Printer& out, const GuardConfig& guard) {
  const GuardConfig standard;
  if (guard == standard) return;
  out.table("guard");
  out.optional("allow_file", guard.allow_file, standard.allow_file);
  out.optional("learn", guard.learn, standard.learn);
  out.optional("audit_log", guard.audit_log, standard.audit_log);
  print(out, guard.settings, standard.settings);
  for (const GuardProfile& profile : guard.profiles) {
    out.table("guard", profile.name);
    out.line("users", list_of(profile.users, [](const std::string& name) { return name; }));
    print(out, profile.settings, guard.settings);
  }
}

void print(Printer& out, const StatisticsConfig& statistics) {
  const StatisticsConfig standard;
  if (statistics == standard) return;
  out.table("statistics");
  out.optional("enabled", statistics.enabled, true);
  out.optional("max_statements", statistics.max_statements, standard.max_statements);
  out.optional("file", statistics.file, standard.file);
  out.optional("slow_log", statistics.slow_log, standard.slow_log);
  if (statistics.slow_log.empty()) return;
  out.optional("slow_time", statistics.slow_time, standard.slow_time);
  out.optional("slow_sample", statistics.slow_sample, standard.slow_sample);
  out.optional("slow_values", statistics.slow_values, standard.slow_values);
}

}  // namespace

std::string to_toml(const Config& config, bool with_hashes) {
  Printer out;
  print(out, config.proxy);
  print(out, config.login_limits);
  for (const auto& listener : config.listeners) print(out, listener);
  for (const auto& server : config.servers) print(out, server);
  for (const auto& pool : config.pools) {
    print(out, pool);
    if (pool.load_users) print(out, pool, *pool.load_users);
  }
  // The accounts of one name stand side by side.
  for (std::span<const UserConfig> rest(config.users); !rest.empty();) {
    const auto end = std::ranges::find_if(
        rest, [&](const UserConfig& one) { return one.name != rest.front().name; });
    const auto count = static_cast<std::size_t>(end - rest.begin());
    print(out, rest.first(count), with_hashes);
    rest = rest.subspan(count);
  }
  for (const auto& rule : config.rules) out.block(to_toml(rule));
  print(out, config.health);
  print(out, config.log);
  print(out, config.guard);
  print(out, config.statistics);
  return std::move(out).take();
}

}  // namespace mysqlproxy
