#include "proxy/config/config.hpp"

#include <algorithm>

namespace mysqlproxy {
namespace {

template <class Item>
const Item* find_named(const std::vector<Item>& items, std::string_view name) noexcept {
  const auto found =
      std::ranges::find_if(items, [name](const Item& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

std::vector<Network> LoginLimits::standard_exempt() {
  return {*parse_network("127.0.0.0/8"), *parse_network("::1")};
}

const ServerConfig* Config::find_server(std::string_view name) const noexcept {
  return find_named(servers, name);
}

const PoolConfig* Config::find_pool(std::string_view name) const noexcept {
  return find_named(pools, name);
}

const UserConfig* Config::find_user(std::string_view name) const noexcept {
  return find_named(users, name);
}

std::string_view to_string(PoolRole role) noexcept {
  switch (role) {
    case PoolRole::any: return "any";
    case PoolRole::primary: return "primary";
    case PoolRole::replica: return "replica";
  }
  return "?";
}

std::string_view to_string(PrimaryReads reads) noexcept {
  switch (reads) {
    case PrimaryReads::never: return "never";
    case PrimaryReads::fallback: return "fallback";
    case PrimaryReads::always: return "always";
  }
  return "?";
}

std::string_view to_string(Pooling pooling) noexcept {
  switch (pooling) {
    case Pooling::session: return "session";
    case Pooling::transaction: return "transaction";
  }
  return {};
}

std::string_view to_string(CausalReads reads) noexcept {
  switch (reads) {
    case CausalReads::none: return "none";
    case CausalReads::session: return "session";
    case CausalReads::global: return "global";
  }
  return {};
}

std::string_view to_string(Failover mode) noexcept {
  switch (mode) {
    case Failover::follow: return "follow";
    case Failover::promote: return "promote";
  }
  return {};
}

std::string_view to_string(Balance balance) noexcept {
  switch (balance) {
    case Balance::least_connections: return "least_connections";
    case Balance::round_robin: return "round_robin";
    case Balance::first_available: return "first_available";
  }
  return {};
}

std::string_view to_string(Compression compression) noexcept {
  switch (compression) {
    case Compression::uncompressed: return "uncompressed";
    case Compression::zlib: return "zlib";
    case Compression::zstd: return "zstd";
  }
  return {};
}

std::string_view to_string(ProxyProtocol version) noexcept {
  switch (version) {
    case ProxyProtocol::disabled: return "disabled";
    case ProxyProtocol::v1: return "v1";
    case ProxyProtocol::v2: return "v2";
  }
  return {};
}

std::string_view to_string(TransportRule::Kind kind) noexcept {
  switch (kind) {
    case TransportRule::Kind::none: return "none";
    case TransportRule::Kind::ssl: return "ssl";
    case TransportRule::Kind::x509: return "x509";
  }
  return {};
}

std::string_view to_string(TlsMode mode) noexcept {
  switch (mode) {
    case TlsMode::disabled: return "disabled";
    case TlsMode::preferred: return "preferred";
    case TlsMode::required: return "required";
    case TlsMode::verify_ca: return "verify_ca";
    case TlsMode::verify_identity: return "verify_identity";
  }
  return {};
}

std::string_view to_string(TlsVersion version) noexcept {
  switch (version) {
    case TlsVersion::tls12: return "1.2";
    case TlsVersion::tls13: return "1.3";
  }
  return {};
}

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::error: return "error";
    case LogLevel::warn: return "warn";
    case LogLevel::info: return "info";
    case LogLevel::debug: return "debug";
  }
  return {};
}

std::string_view to_string(LogFormat format) noexcept {
  switch (format) {
    case LogFormat::text: return "text";
    case LogFormat::json: return "json";
  }
  return {};
}

}  // namespace mysqlproxy
