#include <mysqlwire/sql/keyword.hpp>

#include <array>
#include <cstddef>
#include <cstring>

namespace mysqlwire::sql {
namespace {

struct Entry {
  std::string_view text;
  std::string_view shown;
  KeywordUse mysql = KeywordUse::never;
  KeywordUse mariadb = KeywordUse::never;
};

// By Keyword: the first is `none`.
constexpr Entry entries[] = {
    {},
#define MYSQLWIRE_KEYWORD(name, mysql, mariadb, shown) \
  {#name, #shown, KeywordUse::mysql, KeywordUse::mariadb},
#include <mysqlwire/sql/keyword.def>
#undef MYSQLWIRE_KEYWORD
};
constexpr std::size_t entry_count = sizeof(entries) / sizeof(entries[0]);

constexpr std::size_t longest = [] {
  std::size_t size = 0;
  for (const Entry& entry : entries) size = entry.text.size() > size ? entry.text.size() : size;
  return size;
}();

constexpr unsigned char upper(char c) noexcept {
  return static_cast<unsigned char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

// Length, first two and last two characters tell most words apart; the middle one the rest.
template <typename Character>
constexpr std::uint32_t hash(const Character* word, std::size_t size) noexcept {
  const auto at = [word](std::size_t i) { return static_cast<std::uint32_t>(word[i]); };
  std::uint32_t value = static_cast<std::uint32_t>(size) * 0x9E3779B1u;
  value ^= (at(0) << 24 | at(size / 2) << 16 | at(size - 1) << 8 | at(size / 4)) * 0x85EBCA77u;
  value ^= (at(size - 1 - size / 3) << 8 | at(1 % size)) * 0xC2B2AE3Du;
  return value ^ value >> 15;
}

constexpr std::size_t slots = 4096;

// Open addressing; 0 is an empty slot.
constexpr std::array<std::uint16_t, slots> table = [] {
  std::array<std::uint16_t, slots> result{};
  for (std::size_t i = 1; i < entry_count; ++i) {
    std::size_t slot = hash(entries[i].text.data(), entries[i].text.size()) % slots;
    while (result[slot] != 0) slot = (slot + 1) % slots;
    result[slot] = static_cast<std::uint16_t>(i);
  }
  return result;
}();

const Entry& entry_of(Keyword word) noexcept {
  const auto index = static_cast<std::size_t>(word);
  return entries[index < entry_count ? index : 0];
}

}  // namespace

Keyword find_keyword(std::string_view word) noexcept {
  if (word.empty() || word.size() > longest) return Keyword::none;
  unsigned char folded[longest];
  for (std::size_t i = 0; i < word.size(); ++i) folded[i] = upper(word[i]);
  for (std::size_t slot = hash(folded, word.size()) % slots; table[slot] != 0;
       slot = (slot + 1) % slots) {
    const std::string_view text = entries[table[slot]].text;
    if (text.size() == word.size() && std::memcmp(text.data(), folded, text.size()) == 0) {
      return static_cast<Keyword>(table[slot]);
    }
  }
  return Keyword::none;
}

KeywordUse keyword_use(Keyword word, Flavor flavor) noexcept {
  const Entry& entry = entry_of(word);
  return flavor == Flavor::mysql ? entry.mysql : entry.mariadb;
}

std::string_view keyword_text(Keyword word) noexcept { return entry_of(word).text; }

std::string_view keyword_shown(Keyword word) noexcept { return entry_of(word).shown; }

}  // namespace mysqlwire::sql
