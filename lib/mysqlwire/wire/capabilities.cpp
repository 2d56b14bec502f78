#include <mysqlwire/wire/ascii_detail.hpp>
#include <mysqlwire/wire/capabilities.hpp>

#include <array>
#include <bit>

namespace mysqlwire {

using detail::equal_ignoring_case;

namespace {

constexpr unsigned known = 38;

/// Indexed by bit number.
constexpr std::array<std::string_view, known> names{
    "CLIENT_LONG_PASSWORD",
    "CLIENT_FOUND_ROWS",
    "CLIENT_LONG_FLAG",
    "CLIENT_CONNECT_WITH_DB",
    "CLIENT_NO_SCHEMA",
    "CLIENT_COMPRESS",
    "CLIENT_ODBC",
    "CLIENT_LOCAL_FILES",
    "CLIENT_IGNORE_SPACE",
    "CLIENT_PROTOCOL_41",
    "CLIENT_INTERACTIVE",
    "CLIENT_SSL",
    "CLIENT_IGNORE_SIGPIPE",
    "CLIENT_TRANSACTIONS",
    "CLIENT_RESERVED",
    "CLIENT_SECURE_CONNECTION",
    "CLIENT_MULTI_STATEMENTS",
    "CLIENT_MULTI_RESULTS",
    "CLIENT_PS_MULTI_RESULTS",
    "CLIENT_PLUGIN_AUTH",
    "CLIENT_CONNECT_ATTRS",
    "CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA",
    "CLIENT_CAN_HANDLE_EXPIRED_PASSWORDS",
    "CLIENT_SESSION_TRACK",
    "CLIENT_DEPRECATE_EOF",
    "CLIENT_OPTIONAL_RESULTSET_METADATA",
    "CLIENT_ZSTD_COMPRESSION_ALGORITHM",
    "CLIENT_QUERY_ATTRIBUTES",
    "CLIENT_MULTI_FACTOR_AUTHENTICATION",
    "CLIENT_CAPABILITY_EXTENSION",
    "CLIENT_SSL_VERIFY_SERVER_CERT",
    "CLIENT_REMEMBER_OPTIONS",
    "MARIADB_CLIENT_PROGRESS",
    "MARIADB_CLIENT_COM_MULTI",
    "MARIADB_CLIENT_STMT_BULK_OPERATIONS",
    "MARIADB_CLIENT_EXTENDED_METADATA",
    "MARIADB_CLIENT_CACHE_METADATA",
    "MARIADB_CLIENT_BULK_UNIT_RESULTS",
};

constexpr auto every = [] {
  std::array<Capability, known> all{};
  for (unsigned bit = 0; bit < known; ++bit) all[bit] = static_cast<Capability>(1ULL << bit);
  return all;
}();

std::string_view without_prefix(std::string_view name) noexcept {
  for (const std::string_view prefix : {"CLIENT_", "MARIADB_CLIENT_"}) {
    if (name.size() > prefix.size() && equal_ignoring_case(name.substr(0, prefix.size()), prefix))
      return name.substr(prefix.size());
  }
  return name;
}

}  // namespace

std::string_view to_string(Capability capability) noexcept {
  const auto bits = static_cast<std::uint64_t>(capability);
  if (!std::has_single_bit(bits)) return {};
  const auto bit = static_cast<unsigned>(std::countr_zero(bits));
  return bit < known ? names[bit] : std::string_view{};
}

std::optional<Capability> parse_capability(std::string_view name) noexcept {
  for (unsigned bit = 0; bit < known; ++bit) {
    if (equal_ignoring_case(without_prefix(name), without_prefix(names[bit]))) return every[bit];
  }
  return std::nullopt;
}

std::span<const Capability> all_capabilities() noexcept { return every; }

}  // namespace mysqlwire
