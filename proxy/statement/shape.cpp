#include "proxy/statement/shape.hpp"

#include <mysqlwire/sql/analysis.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace mysqlproxy {

using mysqlwire::sql::Dialect;
using mysqlwire::sql::Multibyte;

namespace {

/// What a byte outside of quotes is.
enum class Byte : std::uint8_t {
  plain,  ///< these two are what texts have most of
  name,   ///< goes on what a digit or a quote behind it belongs to: letters, `_ $ @ .`
  digit,
  quote,
  backquote,
  dash,
  slash,
  semicolon,
  other,  ///< too much to be read here
};

constexpr std::array<Byte, 256> byte_table = [] {
  std::array<Byte, 256> table{};
  table.fill(Byte::other);
  for (const unsigned char c : std::string_view(" \t\r\n()=<>,+*%!&|^~?:[]{}"))
    table[c] = Byte::plain;
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = Byte::name;
  for (const unsigned char c : std::string_view("_$@.")) table[c] = Byte::name;
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = Byte::digit;
  table['\''] = table['"'] = Byte::quote;
  table['`'] = Byte::backquote;
  table['-'] = Byte::dash;
  table['/'] = Byte::slash;
  table[';'] = Byte::semicolon;
  return table;
}();

/// What is not `plain` or `name`.
[[maybe_unused]] constexpr std::array<bool, 256> stops = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = byte_table[i] > Byte::name;
  return table;
}();

#ifdef __SSE2__

/// Sixteen bytes at once: words and numbers are short, and where each ends is hard to foresee for a
/// processor that goes byte by byte.
using Sixteen = __m128i;

Sixteen all_of(char c) noexcept { return _mm_set1_epi8(c); }

/// 0xFF in the place of each byte from `first` to `last`.
Sixteen between(Sixteen bytes, char first, char last) noexcept {
  const Sixteen above = _mm_sub_epi8(bytes, all_of(first));
  return _mm_cmpeq_epi8(_mm_min_epu8(above, all_of(static_cast<char>(last - first))), above);
}

/// What `stops` has, and a few that have not to be looked at but stand among them.
Sixteen may_stop(Sixteen bytes) noexcept {
  const Sixteen quotes = between(bytes, '"', '\'');
  const Sixteen digits = between(bytes, '-', ';');
  const Sixteen others =
      _mm_or_si128(_mm_cmpeq_epi8(bytes, all_of('`')), _mm_cmpeq_epi8(bytes, all_of('\\')));
  // Signed: what is not ASCII is below blanks too.
  const Sixteen controls =
      _mm_or_si128(_mm_cmplt_epi8(bytes, all_of(' ')), _mm_cmpeq_epi8(bytes, all_of('\x7f')));
  return _mm_or_si128(_mm_or_si128(quotes, digits), _mm_or_si128(others, controls));
}

Sixteen no_digit(Sixteen bytes) noexcept {
  return _mm_xor_si128(between(bytes, '0', '9'), all_of('\xff'));
}

/// Where the first byte stands, from `at` on, that `looks_for` marks; where it ends if there is
/// none.
template <class LooksFor>
std::size_t find_byte(std::string_view sql, std::size_t at, LooksFor looks_for) noexcept {
  constexpr std::size_t width = sizeof(Sixteen);
  for (; at < sql.size(); at += width) {
    Sixteen bytes = _mm_setzero_si128();
    std::size_t before = 0;  // bytes that were read again
    if (sql.size() >= width) {
      before = at - std::min(at, sql.size() - width);
      std::memcpy(&bytes, sql.data() + at - before, width);
    } else {
      std::memcpy(&bytes, sql.data() + at, sql.size() - at);
    }
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(looks_for(bytes))) >> before;
    if (found != 0)
      return std::min(sql.size(), at + static_cast<std::size_t>(std::countr_zero(found)));
  }
  return sql.size();
}

/// Up to the next byte that has to be looked at, from `at` on.
std::size_t skip_plain(std::string_view sql, std::size_t at) noexcept {
  return find_byte(sql, at, may_stop);
}

std::size_t skip_digits(std::string_view sql, std::size_t at) noexcept {
  return find_byte(sql, at, no_digit);
}

#else

std::size_t skip_plain(std::string_view sql, std::size_t at) noexcept {
  while (at < sql.size() && !stops[static_cast<unsigned char>(sql[at])]) ++at;
  return at;
}

std::size_t skip_digits(std::string_view sql, std::size_t at) noexcept {
  while (at < sql.size() && sql[at] >= '0' && sql[at] <= '9') ++at;
  return at;
}

#endif

Byte byte_at(std::string_view sql, std::size_t at) noexcept {
  return byte_table[static_cast<unsigned char>(sql[at])];
}

/// Behind the number that begins at `at`; 0 when that is no plain one: 1e5, 0x1F, 1.5.2, 5abc.
std::size_t end_of_number(std::string_view sql, std::size_t at) noexcept {
  at = skip_digits(sql, at);
  if (at + 1 < sql.size() && sql[at] == '.' && byte_at(sql, at + 1) == Byte::digit)
    at = skip_digits(sql, at + 1);
  if (at == sql.size()) return at;
  const Byte behind = byte_at(sql, at);
  return behind == Byte::plain || behind == Byte::dash || behind == Byte::slash ||
                 behind == Byte::semicolon
             ? at
             : 0;
}

/// The bits that some byte of the text has.
unsigned char all_bits(std::string_view text) noexcept {
  unsigned char all = 0;
  for (const unsigned char c : text) all |= c;
  return all;
}

/// Where the quote stands that ends the string whose content begins at `at`; npos when none does.
std::size_t find_end_quote(std::string_view sql, std::size_t at, char quote,
                           bool escapes) noexcept {
  for (;;) {
    const std::size_t found = sql.find(quote, at);
    if (found == sql.npos) return found;
    while (escapes && at < found) {
      const std::size_t backslash = sql.substr(at, found - at).find('\\');
      if (backslash == sql.npos) break;
      at += backslash + 2;
    }
    if (at > found) continue;  // that quote is escaped
    if (found + 1 == sql.size() || sql[found + 1] != quote) return found;
    at = found + 2;
  }
}

/// Behind the string whose quote stands at `at`; 0 when it has no end, or is no plain one. Sets
/// `letters` where it has some.
std::size_t end_of_string(std::string_view sql, std::size_t at, const Dialect& dialect,
                          bool& letters) noexcept {
  const std::size_t end = find_end_quote(sql, at + 1, sql[at], !dialect.no_backslash_escapes);
  if (end == sql.npos) return 0;
  const bool bytes = dialect.multibyte == Multibyte::none || dialect.multibyte == Multibyte::latin1;
  if (bytes && letters) return end + 1;  // nothing to be found out
  const unsigned char bits = all_bits(sql.substr(at + 1, end - at - 1));
  letters = letters || bits >= 0x40;
  return bytes || bits < 0x80 ? end + 1 : 0;
}

std::size_t end_of_name(std::string_view sql, std::size_t at) noexcept {
  for (++at; at < sql.size(); ++at) {
    const auto c = static_cast<unsigned char>(sql[at]);
    if (c >= 0x80 || c == 0) return 0;
    if (c == '`') return at + 1;
  }
  return 0;
}

/// Bound by name, so that a member more is not forgotten here.
bool same(const Dialect& a, const Dialect& b) noexcept {
  const auto& [flavor, version, multibyte, ansi, escapes, space, concat] = a;
  return flavor == b.flavor && version == b.version && multibyte == b.multibyte &&
         ansi == b.ansi_quotes && escapes == b.no_backslash_escapes && space == b.ignore_space &&
         concat == b.pipes_as_concat;
}

bool only_blanks(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

std::uint64_t word_at(const char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

/// Of two chains, since each step waits for the one before it.
std::uint64_t hash_of(std::string_view text) noexcept {
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15;
  const auto mix = [](std::uint64_t hash, std::uint64_t word) {
    hash = (hash ^ word) * odd;
    return hash ^ hash >> 29;
  };
  std::uint64_t one = text.size() * odd;
  std::uint64_t other = odd;
  for (; text.size() >= 16; text.remove_prefix(16)) {
    one = mix(one, word_at(text.data()));
    other = mix(other, word_at(text.data() + 8));
  }
  if (text.size() >= 8) {
    one = mix(one, word_at(text.data()));
    text.remove_prefix(8);
  }
  std::uint64_t rest = 0;
  if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
  one = mix(mix(one, other), rest);
  return one ^ one >> 32;
}

}  // namespace

bool find_pattern(std::string_view sql, const Dialect& dialect, std::span<char> room,
                  Pattern& pattern) noexcept {
  pattern = {};
  std::size_t used = 0;
  std::size_t copied = 0;  // up to there the text is in the pattern
  const auto copy_to = [&](std::size_t to) {
    const std::size_t size = to - copied;
    if (size >= room.size() - used) return false;  // a mark is to follow
    std::memcpy(room.data() + used, sql.data() + copied, size);
    used += size;
    return true;
  };
  const auto leave_out = [&](std::size_t from, std::size_t to, char mark) {
    if (!copy_to(from)) return false;
    room[used++] = mark;
    copied = to;
    return true;
  };
  for (std::size_t at = skip_plain(sql, 0); at < sql.size(); at = skip_plain(sql, at)) {
    const Byte byte = byte_at(sql, at);
    // Of the digits of a name, and of a number, only the last stands in front of something here.
    const Byte before = at == 0 ? Byte::plain : byte_at(sql, at - 1);
    const char next = at + 1 < sql.size() ? sql[at + 1] : '\0';
    std::size_t end = at + 1;
    switch (byte) {
      case Byte::plain:
      case Byte::name: break;
      case Byte::digit:
        if (before == Byte::backquote) return false;
        if (before == Byte::name) {
          end = skip_digits(sql, at);
          break;  // as a part of a name
        }
        end = end_of_number(sql, at);
        if (end == 0 || !leave_out(at, end, number_mark)) return false;
        pattern.numbers = true;
        break;
      case Byte::quote:
        // N'', x'', _utf8'', user@'host', and "names" in ANSI mode.
        if (before == Byte::name || before == Byte::digit || before == Byte::backquote)
          return false;
        if (sql[at] == '"' && dialect.ansi_quotes) return false;
        end = end_of_string(sql, at, dialect, pattern.letters);
        if (end == 0 || !leave_out(at, end, string_mark)) return false;
        pattern.strings = true;
        break;
      case Byte::backquote:
        end = end_of_name(sql, at);
        if (end == 0) return false;
        break;
      case Byte::dash:
        if (next == '-') return false;
        break;
      case Byte::slash:
        if (next == '*') return false;
        break;
      case Byte::semicolon:
        if (!only_blanks(sql.substr(end))) return false;
        break;
      case Byte::other: return false;
    }
    at = end;
  }
  if (!copy_to(sql.size())) return false;
  pattern.text = {room.data(), used};
  return true;
}

ShapeCache::Set& ShapeCache::set_of(Shape::Of of, std::string_view pattern) noexcept {
  // What is prepared and what is sent as text are two shapes, and applications do either.
  return shapes_[(hash_of(pattern) + static_cast<std::size_t>(of)) % sets];
}

const std::shared_ptr<const Shape>* ShapeCache::find(const Set& set, Shape::Of of,
                                                     const Pattern& pattern,
                                                     const Dialect& dialect) noexcept {
  for (const auto& shape : set) {
    if (!shape) return nullptr;  // filled from the front
    if (shape->of != of || shape->letters != pattern.letters || !same(shape->dialect, dialect))
      continue;
    const std::string_view text =
        of == Shape::Of::exact ? shape->text() : std::string_view(shape->pattern);
    if (text == pattern.text) return &shape;
  }
  return nullptr;
}

const std::shared_ptr<const Shape>& ShapeCache::keep(Set& set, std::shared_ptr<const Shape> shape) {
  std::shift_right(set.begin(), set.end(), 1);
  set.front() = std::move(shape);
  return set.front();
}

/// `own`: the text is kept, and borrowed from there.
std::shared_ptr<Shape> ShapeCache::make(std::string_view text, const Dialect& dialect, bool own) {
  auto shape = std::make_shared<Shape>();
  if (own) shape->sample_ = text;
  const auto analysis =
      mysqlwire::sql::analyze(own ? std::string_view(shape->sample_) : text, dialect, digest_room_);
  shape->what = analysis.what;
  shape->digest_text = analysis.digest.text;
  shape->digest = analysis.digest.hash;
  shape->digest_truncated = analysis.digest.truncated;
  shape->dialect = dialect;
  return shape;
}

const std::shared_ptr<const Shape>& ShapeCache::of_query(std::string_view text,
                                                         const Dialect& dialect) {
  Pattern pattern;
  if (!find_pattern(text, dialect, pattern_room_, pattern))
    return passing_ = make(text, dialect, false);
  Set& set = set_of(Shape::Of::pattern, pattern.text);
  if (const auto* known = find(set, Shape::Of::pattern, pattern, dialect)) return *known;
  auto shape = make(text, dialect, true);
  // The values of a SET and the like say what it does.
  switch (shape->what.kind) {
    case mysqlwire::sql::StatementKind::select:
    case mysqlwire::sql::StatementKind::insert:
    case mysqlwire::sql::StatementKind::replace:
    case mysqlwire::sql::StatementKind::update:
    case mysqlwire::sql::StatementKind::delete_:
    case mysqlwire::sql::StatementKind::begin:
    case mysqlwire::sql::StatementKind::commit:
    case mysqlwire::sql::StatementKind::rollback: break;
    default: return passing_ = std::move(shape);
  }
  shape->of = Shape::Of::pattern;
  shape->numbers = pattern.numbers;
  shape->strings = pattern.strings;
  shape->letters = pattern.letters;
  shape->pattern = pattern.text;
  return keep(set, std::move(shape));
}

const std::shared_ptr<const Shape>& ShapeCache::of_prepared(std::string_view text,
                                                            const Dialect& dialect) {
  if (text.size() > longest) return passing_ = make(text, dialect, true);
  Set& set = set_of(Shape::Of::exact, text);
  if (const auto* known = find(set, Shape::Of::exact, {.text = text}, dialect)) return *known;
  auto shape = make(text, dialect, true);
  shape->of = Shape::Of::exact;
  return keep(set, std::move(shape));
}

}  // namespace mysqlproxy
