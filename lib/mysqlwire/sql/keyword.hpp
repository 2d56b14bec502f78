// The words that mean something to a server.
#pragma once

#include <mysqlwire/wire/context.hpp>

#include <cstdint>
#include <string_view>

namespace mysqlwire::sql {

/// A word of the table, or `none`. The numbers are no interface: they change with the table.
enum class Keyword : std::uint16_t {
  none,
#define MYSQLWIRE_KEYWORD(name, mysql, mariadb, shown) k_##name,
#include <mysqlwire/sql/keyword.def>
#undef MYSQLWIRE_KEYWORD
};

/// What a word is to a lexer.
enum class KeywordUse : std::uint8_t {
  never,   ///< an identifier like any other
  call,    ///< a keyword where a parenthesis follows at once, otherwise an identifier
  always,  ///< a keyword, reserved or not
};

/// The table's entry for `word`, case ignored; `none` for a word that is not in it.
/// https://dev.mysql.com/doc/refman/8.0/en/keywords.html
Keyword find_keyword(std::string_view word) noexcept;

/// What the word is to that server.
KeywordUse keyword_use(Keyword word, Flavor flavor) noexcept;

/// The word in upper case; "" for `none`.
std::string_view keyword_text(Keyword word) noexcept;

/// The word that stands for it in a digest: "SCHEMA" for DATABASE.
std::string_view keyword_shown(Keyword word) noexcept;

}  // namespace mysqlwire::sql
