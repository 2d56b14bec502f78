#include <mysqlwire/wire/ascii_detail.hpp>
#include <mysqlwire/wire/collation.hpp>

#include <algorithm>
#include <array>

namespace mysqlwire {

using detail::equal_ignoring_case;

namespace {

enum class Servers : std::uint8_t { none, both, mysql, mariadb };

constexpr bool with_mysql(Servers servers) {
  return servers == Servers::both || servers == Servers::mysql;
}
constexpr bool with_mariadb(Servers servers) {
  return servers == Servers::both || servers == Servers::mariadb;
}

constexpr CollationInfo line(Servers servers, std::uint16_t id, std::string_view name,
                             std::string_view charset, Servers default_of) {
  return {id,
          with_mysql(servers),
          with_mariadb(servers),
          with_mysql(default_of),
          with_mariadb(default_of),
          name,
          charset};
}

// No std::array: clang limits the arguments that its deduction may have.
constexpr CollationInfo table[] = {
#define MYSQLWIRE_COLLATION(servers, id, constant, name, charset, default_of) \
  line(Servers::servers, id, #name, #charset, Servers::default_of),
#include <mysqlwire/wire/collation.def>
#undef MYSQLWIRE_COLLATION
};

static_assert(std::ranges::is_sorted(table, {}, &CollationInfo::id));

struct CharsetWidth {
  std::string_view name;
  unsigned bytes;
};

/// Character sets with more than one byte a character.
constexpr std::array wide{
    CharsetWidth{"big5", 2},  CharsetWidth{"cp932", 2},   CharsetWidth{"eucjpms", 3},
    CharsetWidth{"euckr", 2}, CharsetWidth{"gb18030", 4}, CharsetWidth{"gb2312", 2},
    CharsetWidth{"gbk", 2},   CharsetWidth{"sjis", 2},    CharsetWidth{"ucs2", 2},
    CharsetWidth{"ujis", 3},  CharsetWidth{"utf16", 4},   CharsetWidth{"utf16le", 4},
    CharsetWidth{"utf32", 4}, CharsetWidth{"utf8mb3", 3}, CharsetWidth{"utf8mb4", 4},
};

bool has(const CollationInfo& info, Flavor flavor) noexcept {
  return flavor == Flavor::mysql ? info.in_mysql : info.in_mariadb;
}

const CollationInfo* find(std::uint16_t id, Flavor flavor) noexcept {
  const auto found = std::ranges::equal_range(table, id, {}, &CollationInfo::id);
  if (found.empty()) return nullptr;
  return has(found.front(), flavor) ? &found.front() : &found.back();
}

/// Whether `name` is `known`, which may be written with "utf8" for "utf8mb3".
bool names(std::string_view name, std::string_view known) noexcept {
  constexpr std::string_view long_form = "utf8mb3";
  constexpr std::string_view short_form = "utf8";
  if (equal_ignoring_case(name, known)) return true;
  if (!known.starts_with(long_form) ||
      !equal_ignoring_case(name.substr(0, short_form.size()), short_form))
    return false;
  return equal_ignoring_case(name.substr(short_form.size()), known.substr(long_form.size()));
}

}  // namespace

std::string_view collation_name(std::uint16_t id, Flavor flavor) noexcept {
  const CollationInfo* info = find(id, flavor);
  return info == nullptr ? std::string_view{} : info->name;
}

std::string_view charset_name(std::uint16_t id) noexcept {
  const CollationInfo* info = find(id, Flavor::mysql);
  return info == nullptr ? std::string_view{} : info->charset;
}

bool is_client_collation(std::uint16_t id) noexcept {
  const std::string_view charset = charset_name(id);
  return !charset.empty() && charset != "ucs2" && charset != "utf16" && charset != "utf16le" &&
         charset != "utf32";
}

unsigned max_bytes_per_character(std::uint16_t id) noexcept {
  const std::string_view charset = charset_name(id);
  if (charset.empty()) return 0;
  const auto* found = std::ranges::find(wide, charset, &CharsetWidth::name);
  return found == wide.end() ? 1 : found->bytes;
}

std::optional<std::uint16_t> parse_collation(std::string_view name, Flavor flavor) noexcept {
  std::optional<std::uint16_t> elsewhere;
  for (const CollationInfo& info : table) {
    if (!names(name, info.name)) continue;
    if (has(info, flavor)) return info.id;
    if (!elsewhere) elsewhere = info.id;
  }
  return elsewhere;
}

std::optional<std::uint16_t> default_collation(std::string_view charset, Flavor flavor) noexcept {
  for (const CollationInfo& info : table) {
    const bool is_default =
        flavor == Flavor::mysql ? info.default_in_mysql : info.default_in_mariadb;
    if (is_default && names(charset, info.charset)) return info.id;
  }
  return std::nullopt;
}

std::span<const CollationInfo> all_collations() noexcept { return table; }

}  // namespace mysqlwire
