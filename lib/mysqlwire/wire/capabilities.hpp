// Capability flags of both vendors, as one 64-bit set.
#pragma once

#include <mysqlwire/wire/flags.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mysqlwire {

/// What client and server can do. Bits 0 to 31 are MySQL's CLIENT_* flags; bits 32 and up are
/// MariaDB's extended capabilities, which travel in the filler of the greeting and of the
/// handshake response and are valid only while `long_password` (MariaDB's CLIENT_MYSQL) is clear.
///
/// Source:
/// https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__capabilities__flags.html and
/// https://mariadb.com/kb/en/connection/#capabilities
enum class Capability : std::uint64_t {
  long_password = 1ULL << 0,  ///< MariaDB: CLIENT_MYSQL; clear means "look at the extended bits"
  found_rows = 1ULL << 1,
  long_flag = 1ULL << 2,
  connect_with_db = 1ULL << 3,
  no_schema = 1ULL << 4,
  compress = 1ULL << 5,
  odbc = 1ULL << 6,
  local_files = 1ULL << 7,
  ignore_space = 1ULL << 8,
  protocol_41 = 1ULL << 9,
  interactive = 1ULL << 10,
  ssl = 1ULL << 11,
  ignore_sigpipe = 1ULL << 12,
  transactions = 1ULL << 13,
  reserved = 1ULL << 14,
  secure_connection = 1ULL << 15,  ///< CLIENT_RESERVED2 in newer headers
  multi_statements = 1ULL << 16,
  multi_results = 1ULL << 17,
  ps_multi_results = 1ULL << 18,
  plugin_auth = 1ULL << 19,
  connect_attrs = 1ULL << 20,
  plugin_auth_lenenc_client_data = 1ULL << 21,
  can_handle_expired_passwords = 1ULL << 22,
  session_track = 1ULL << 23,
  deprecate_eof = 1ULL << 24,
  optional_resultset_metadata = 1ULL << 25,
  zstd_compression_algorithm = 1ULL << 26,
  query_attributes = 1ULL << 27,
  multi_factor_authentication = 1ULL << 28,
  capability_extension = 1ULL << 29,  ///< MariaDB: CLIENT_PROGRESS, obsolete
  ssl_verify_server_cert = 1ULL << 30,
  remember_options = 1ULL << 31,
  mariadb_progress = 1ULL << 32,
  mariadb_com_multi = 1ULL << 33,  ///< removed from the servers; never offered
  mariadb_stmt_bulk_operations = 1ULL << 34,
  mariadb_extended_metadata = 1ULL << 35,
  mariadb_cache_metadata = 1ULL << 36,
  mariadb_bulk_unit_results = 1ULL << 37,
};

using Capabilities = Flags<Capability>;

constexpr Capabilities operator|(Capability a, Capability b) noexcept {
  return Capabilities(a) | Capabilities(b);
}

/// Whether a connection is compressed behind its login, by what client and server agreed on. The
/// sequence ids inside compressed frames mean nothing, and nobody checks them.
constexpr bool compresses(Capabilities negotiated) noexcept {
  return negotiated.has(Capability::compress) ||
         negotiated.has(Capability::zstd_compression_algorithm);
}

/// The header's name of one flag, such as "CLIENT_DEPRECATE_EOF"; empty for an unknown bit.
std::string_view to_string(Capability capability) noexcept;

/// The flag with that name, with or without the CLIENT_ or MARIADB_CLIENT_ prefix, in any case.
std::optional<Capability> parse_capability(std::string_view name) noexcept;

/// Every known flag, lowest bit first.
std::span<const Capability> all_capabilities() noexcept;

}  // namespace mysqlwire
