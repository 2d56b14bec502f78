#include <mysqlwire/wire/ascii_detail.hpp>
#include <mysqlwire/wire/error_code.hpp>

#include <algorithm>

namespace mysqlwire {
namespace {

enum class Servers : std::uint8_t { both, mysql, mariadb };

constexpr ErrorCodeInfo line(Servers servers, std::uint16_t code, std::string_view name,
                             std::string_view sql_state) {
  return {code, servers != Servers::mariadb, servers != Servers::mysql, name, sql_state};
}

// No std::array: clang limits the arguments that its deduction may have.
constexpr ErrorCodeInfo table[] = {
#define MYSQLWIRE_ERROR(servers, code, constant, name, sql_state) \
  line(Servers::servers, code, #name, sql_state),
#include <mysqlwire/wire/error_code.def>
#undef MYSQLWIRE_ERROR
};

static_assert(std::ranges::is_sorted(table, {}, &ErrorCodeInfo::code));

bool has(const ErrorCodeInfo& info, Flavor flavor) noexcept {
  return flavor == Flavor::mysql ? info.in_mysql : info.in_mariadb;
}

/// The lines of one code: none, one, or MySQL's and MariaDB's.
std::span<const ErrorCodeInfo> lines(std::uint16_t code) noexcept {
  const auto found = std::ranges::equal_range(table, code, {}, &ErrorCodeInfo::code);
  return {found.begin(), found.end()};
}

const ErrorCodeInfo* find(std::uint16_t code, Flavor flavor) noexcept {
  const auto found = lines(code);
  if (found.empty()) return nullptr;
  return has(found.front(), flavor) ? &found.front() : &found.back();
}

/// Codes that the servers agree about but for the SQLSTATE: MariaDB's.
std::string_view mariadb_sql_state(std::uint16_t code) noexcept {
  switch (code) {
    case error_codes::er_password_no_match: return "28000";
    case error_codes::er_truncated_wrong_value_for_field: return "22007";
    case error_codes::er_view_check_failed: return "44000";
    case error_codes::er_malformed_definer: return "0L000";
    default: return {};
  }
}

}  // namespace

std::string_view error_name(std::uint16_t code, Flavor flavor) noexcept {
  const ErrorCodeInfo* info = find(code, flavor);
  return info == nullptr ? std::string_view{} : info->name;
}

std::string_view error_sql_state(std::uint16_t code, Flavor flavor) noexcept {
  if (flavor == Flavor::mariadb) {
    const std::string_view own = mariadb_sql_state(code);
    if (!own.empty()) return own;
  }
  const ErrorCodeInfo* info = find(code, flavor);
  return info == nullptr ? std::string_view{"HY000"} : info->sql_state;
}

bool is_ambiguous(std::uint16_t code) noexcept { return lines(code).size() > 1; }

std::optional<std::uint16_t> parse_error_name(std::string_view name, Flavor flavor) noexcept {
  std::optional<std::uint16_t> elsewhere;
  for (const ErrorCodeInfo& info : table) {
    if (!detail::equal_ignoring_case(name, info.name)) continue;
    if (has(info, flavor)) return info.code;
    if (!elsewhere) elsewhere = info.code;
  }
  return elsewhere;
}

std::span<const ErrorCodeInfo> all_error_codes() noexcept { return table; }

}  // namespace mysqlwire
