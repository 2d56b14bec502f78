#include "proxy/pool/common_ground.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace mysqlproxy {
namespace {

using mysqlwire::Capabilities;
using mysqlwire::Capability;
using mysqlwire::Flavor;

constexpr std::string_view mariadb_prefix = "5.5.5-";
constexpr std::uint8_t utf8mb4_general_ci = 45;

/// {10, 11, 19} of "5.5.5-10.11.19-MariaDB-log".
std::array<unsigned, 3> version_numbers(std::string_view version) {
  if (version.starts_with(mariadb_prefix)) version.remove_prefix(mariadb_prefix.size());
  std::array<unsigned, 3> numbers{};
  const char* at = version.data();
  const char* const end = at + version.size();
  for (auto& number : numbers) {
    const auto parsed = std::from_chars(at, end, number);
    if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '.') break;
    at = parsed.ptr + 1;
  }
  return numbers;
}

/// Mixed pools show themselves as MySQL: MariaDB answers what a MySQL client asks, not vice versa.
bool weaker(const ServerFacts& a, const ServerFacts& b) {
  if (a.flavor != b.flavor) return a.flavor == Flavor::mysql;
  return version_numbers(a.version) < version_numbers(b.version);
}

}  // namespace

Capabilities implemented_capabilities() noexcept {
  return {
      Capability::long_password,
      Capability::found_rows,
      Capability::long_flag,
      Capability::connect_with_db,
      Capability::no_schema,
      Capability::odbc,
      Capability::local_files,
      Capability::ignore_space,
      Capability::protocol_41,
      Capability::interactive,
      Capability::ignore_sigpipe,
      Capability::transactions,
      Capability::reserved,
      Capability::secure_connection,
      Capability::multi_statements,
      Capability::multi_results,
      Capability::ps_multi_results,
      Capability::plugin_auth,
      Capability::connect_attrs,
      Capability::plugin_auth_lenenc_client_data,
      Capability::can_handle_expired_passwords,
      Capability::session_track,
      Capability::deprecate_eof,
      Capability::optional_resultset_metadata,
      Capability::query_attributes,
      Capability::remember_options,
      Capability::mariadb_progress,
      Capability::mariadb_stmt_bulk_operations,
      Capability::mariadb_extended_metadata,
      Capability::mariadb_cache_metadata,
      Capability::mariadb_bulk_unit_results,
  };
}

CommonGround common_ground(std::span<const std::shared_ptr<const ServerFacts>> facts,
                           std::string_view version_override) {
  CommonGround ground;
  ground.capabilities = implemented_capabilities();
  const ServerFacts* weakest = nullptr;
  bool same_collation = true;
  for (const auto& one : facts) {
    if (!one) continue;
    // A clear long_password bit is how MariaDB says that extended bits follow; it clears the bit
    // of the whole pool only when all say so, and then the extended bits are in every set.
    Capabilities offered = one->capabilities;
    if (one->flavor == Flavor::mariadb) offered.set(Capability::long_password);
    ground.capabilities = ground.capabilities & offered;
    if (weakest != nullptr && weakest->collation != one->collation) same_collation = false;
    if (weakest == nullptr || weaker(*one, *weakest)) weakest = one.get();
  }
  if (weakest == nullptr) {
    ground.version = "8.0.0";
    ground.collation = utf8mb4_general_ci;
    ground.capabilities.clear(
        {Capability::optional_resultset_metadata, Capability::query_attributes});
    ground.capabilities = ground.capabilities & Capabilities(0xffffffffULL);
  } else {
    ground.version = weakest->version;
    ground.flavor = weakest->flavor;
    ground.collation = same_collation ? weakest->collation : utf8mb4_general_ci;
    if (ground.flavor == Flavor::mariadb) ground.capabilities.clear(Capability::long_password);
  }
  if (!version_override.empty()) ground.version = version_override;
  return ground;
}

}  // namespace mysqlproxy
