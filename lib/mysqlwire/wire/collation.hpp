// Collation ids, as they stand in greetings, login requests and column definitions.
#pragma once

#include <mysqlwire/wire/context.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mysqlwire {

/// Every collation id by its name: collations::utf8mb4_general_ci == 45. A name that stands for
/// different ids on the two servers is MySQL's; MariaDB's id then ends in _mariadb (the Croatian
/// ones: MySQL's have names with _mysql561_ at MariaDB).
///
/// The connection phase has room for one byte: ids over 255 are set by SET NAMES … COLLATE …, or
/// with COM_CHANGE_USER, which has two.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_character_set.html
/// and https://mariadb.com/kb/en/supported-character-sets-and-collations/
namespace collations {
#define MYSQLWIRE_COLLATION(servers, id, constant, name, charset, default_of) \
  inline constexpr std::uint16_t constant = id;
#include <mysqlwire/wire/collation.def>
#undef MYSQLWIRE_COLLATION
}  // namespace collations

/// The collation's name, such as "utf8mb4_0900_ai_ci". When only the other server has the id, its
/// name; empty when neither has. Static lifetime. Character set 3-byte UTF-8 is always "utf8mb3",
/// which older servers call "utf8".
///
/// Ids 248 to 323 (gb18030 and utf8mb4_0900_*) are MySQL's alone, ids from 576 MariaDB's alone; a
/// MariaDB server that is given 255 in a login silently takes its own default.
std::string_view collation_name(std::uint16_t id, Flavor flavor = Flavor::mysql) noexcept;

/// The name of the collation's character set, such as "utf8mb4"; empty for an unknown id. The same
/// on both servers for every id that both have.
std::string_view charset_name(std::uint16_t id) noexcept;

/// True for id 63, "binary": bytes that are no text. Numbers and dates have it too, in column
/// definitions. A collation whose name ends in _bin is text, and not meant.
constexpr bool is_binary(std::uint16_t id) noexcept { return id == collations::binary; }

/// True when a client may ask for the collation at login or with SET NAMES. Not with ucs2, utf16,
/// utf16le and utf32, which servers refuse there (ER_WRONG_VALUE_FOR_VAR), and not when unknown.
bool is_client_collation(std::uint16_t id) noexcept;

/// How many bytes one character takes at most (1 to 4); 0 for an unknown id. The length in a column
/// definition is in bytes: divided by this it is the declared number of characters.
unsigned max_bytes_per_character(std::uint16_t id) noexcept;

/// The collation that has this name on that server, case ignored; "utf8_…" is found as "utf8mb3_…".
/// When only the other server has the name, its id.
std::optional<std::uint16_t> parse_collation(std::string_view name,
                                             Flavor flavor = Flavor::mysql) noexcept;

/// The collation that a server takes for a character set named alone (before MariaDB 11.5, which
/// makes it configurable). Case ignored, "utf8" is "utf8mb3".
std::optional<std::uint16_t> default_collation(std::string_view charset,
                                               Flavor flavor = Flavor::mysql) noexcept;

/// One line of the table.
struct CollationInfo {
  std::uint16_t id = 0;
  bool in_mysql = false;
  bool in_mariadb = false;
  bool default_in_mysql = false;  ///< the default of its character set
  bool default_in_mariadb = false;
  std::string_view name;
  std::string_view charset;
};

/// The whole table, by id; an id with two names is there twice, MySQL's first.
std::span<const CollationInfo> all_collations() noexcept;

}  // namespace mysqlwire
