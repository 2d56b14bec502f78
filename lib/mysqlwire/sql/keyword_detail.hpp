// The table of words as the lexer and the digest use it; not installed.
#pragma once

#include <mysqlwire/sql/keyword.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace mysqlwire::sql::detail {

constexpr std::size_t keyword_count = [] {
  std::size_t count = 1;  // none
#define MYSQLWIRE_KEYWORD(name, mysql, mariadb, shown) ++count;
#include <mysqlwire/sql/keyword.def>
#undef MYSQLWIRE_KEYWORD
  return count;
}();

/// What a digest shows for a keyword, with room behind it so that copies can be of a fixed size.
struct ShownKeyword {
  static constexpr std::size_t room = 39;
  char text[room];
  std::uint8_t size;
};
extern const std::array<ShownKeyword, keyword_count> shown_keywords;

/// By Flavor, then by Keyword.
extern const std::array<std::array<KeywordUse, keyword_count>, 2> keyword_uses;

/// find_keyword for a word of letters, digits, _, $ and bytes from 0x80 on. Up to `end` the bytes
/// behind it may be read.
Keyword find_word(const char* word, std::size_t size, const char* end) noexcept;

}  // namespace mysqlwire::sql::detail
