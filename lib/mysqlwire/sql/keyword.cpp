#include <mysqlwire/sql/keyword.hpp>
#include <mysqlwire/sql/keyword_detail.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

namespace mysqlwire::sql {
namespace {

using detail::keyword_count;

// By Keyword: the first is `none`.
constexpr std::string_view texts[] = {
    "",
#define MYSQLWIRE_KEYWORD(name, mysql, mariadb, shown) #name,
#include <mysqlwire/sql/keyword.def>
#undef MYSQLWIRE_KEYWORD
};
static_assert(std::size(texts) == keyword_count);

constexpr std::size_t longest = [] {
  std::size_t size = 0;
  for (const std::string_view text : texts) size = std::max(size, text.size());
  return size;
}();
static_assert(longest <= 40);

// Case is folded eight characters at a time, by dropping one bit: among the characters of a word
// that makes no two others equal.
constexpr std::uint64_t fold_mask = 0xDFDFDFDFDFDFDFDFULL;

constexpr bool is_word_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

constexpr std::uint64_t load_slowly(const char* bytes, std::size_t size) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return value;
}

std::uint64_t load(const char* bytes) noexcept {
  if constexpr (std::endian::native != std::endian::little) return load_slowly(bytes, 8);
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// The first eight characters and the last eight: all of a word up to sixteen, where both overlap.
struct Key {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint32_t size = 0;
  constexpr bool operator==(const Key&) const noexcept = default;
};

constexpr Key key_of(std::string_view word) noexcept {
  const std::size_t size = word.size();
  const std::size_t part = std::min<std::size_t>(size, 8);
  return {load_slowly(word.data(), part) & fold_mask,
          load_slowly(word.data() + size - part, part) & fold_mask,
          static_cast<std::uint32_t>(size)};
}

constexpr std::size_t slots = 4096;

constexpr std::size_t slot_of(const Key& key) noexcept {
  const std::uint64_t value =
      key.first * 0x9E3779B97F4A7C15ULL ^ (key.last + key.size) * 0xC2B2AE3D27D4EB4FULL;
  return (value ^ value >> 29) >> 23 & (slots - 1);
}

// Open addressing; an empty slot has `none`, and a size of 0. With the keys inside, a look-up
// touches one line of the cache.
struct Slot {
  Key key;
  Keyword keyword = Keyword::none;
};
constexpr std::array<Slot, slots> table = [] {
  std::array<Slot, slots> result{};
  for (std::size_t i = 1; i < keyword_count; ++i) {
    const Key key = key_of(texts[i]);
    std::size_t slot = slot_of(key);
    while (result[slot].key.size != 0) slot = (slot + 1) % slots;
    result[slot] = {key, static_cast<Keyword>(i)};
  }
  return result;
}();

// What the two ends of a longer word leave out.
bool same_middle(std::string_view text, const char* word) noexcept {
  for (std::size_t i = 8; i + 8 < text.size(); ++i) {
    if ((text[i] & 0xDF) != (word[i] & 0xDF)) return false;
  }
  return true;
}

std::size_t index_of(Keyword word) noexcept {
  const auto index = static_cast<std::size_t>(word);
  return index < keyword_count ? index : 0;
}

}  // namespace

namespace detail {

constexpr std::array<ShownKeyword, keyword_count> shown_keywords = [] {
  constexpr std::string_view shown[] = {
      "",
#define MYSQLWIRE_KEYWORD(name, mysql, mariadb, shown) #shown,
#include <mysqlwire/sql/keyword.def>
#undef MYSQLWIRE_KEYWORD
  };
  std::array<ShownKeyword, keyword_count> result{};
  for (std::size_t i = 0; i < keyword_count; ++i) {
    std::copy(shown[i].begin(), shown[i].end(), result[i].text);
    result[i].size = static_cast<std::uint8_t>(shown[i].size());
  }
  return result;
}();

constexpr std::array<std::array<KeywordUse, keyword_count>, 2> keyword_uses = {{
    {
        KeywordUse::never,
#define MYSQLWIRE_KEYWORD(name, mysql, mariadb, shown) KeywordUse::mysql,
#include <mysqlwire/sql/keyword.def>
#undef MYSQLWIRE_KEYWORD
    },
    {
        KeywordUse::never,
#define MYSQLWIRE_KEYWORD(name, mysql, mariadb, shown) KeywordUse::mariadb,
#include <mysqlwire/sql/keyword.def>
#undef MYSQLWIRE_KEYWORD
    },
}};

Keyword find_word(const char* word, std::size_t size, const char* end) noexcept {
  if (size == 0 || size > longest) return Keyword::none;
  Key key{0, 0, static_cast<std::uint32_t>(size)};
  if (end - word >= 8) {
    const std::uint64_t mask = ~std::uint64_t{0} >> (size < 8 ? 64 - 8 * size : 0);
    key.first = load(word) & fold_mask & mask;
    key.last = load(word + (size < 8 ? 0 : size - 8)) & fold_mask & mask;
  } else {
    key.first = key.last = load_slowly(word, size) & fold_mask;
  }
  for (const Slot* slot = &table[slot_of(key)];;
       slot = slot + 1 == table.data() + slots ? table.data() : slot + 1) {
    if (slot->key == key &&
        (size <= 16 || same_middle(texts[static_cast<std::size_t>(slot->keyword)], word))) {
      return slot->keyword;
    }
    if (slot->key.size == 0) return Keyword::none;
  }
}

}  // namespace detail

Keyword find_keyword(std::string_view word) noexcept {
  if (!std::ranges::all_of(word, is_word_character)) return Keyword::none;
  return detail::find_word(word.data(), word.size(), word.data() + word.size());
}

KeywordUse keyword_use(Keyword word, Flavor flavor) noexcept {
  return detail::keyword_uses[flavor == Flavor::mysql ? 0 : 1][index_of(word)];
}

std::string_view keyword_text(Keyword word) noexcept { return texts[index_of(word)]; }

std::string_view keyword_shown(Keyword word) noexcept {
  const detail::ShownKeyword& shown = detail::shown_keywords[index_of(word)];
  return {shown.text, shown.size};
}

}  // namespace mysqlwire::sql
