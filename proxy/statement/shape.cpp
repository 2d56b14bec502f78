#include "proxy/statement/shape.hpp"

#include <mysqlwire/sql/analysis.hpp>

#include <cstring>
#include <utility>

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

// Where reading of a string has to look closer.
constexpr std::array<bool, 256> stops_in_string = [] {
  std::array<bool, 256> table{};
  for (const unsigned char c : std::string_view("'\"\\")) table[c] = true;
  for (unsigned c = 0x80; c < 256; ++c) table[c] = true;
  return table;
}();

Byte byte_at(std::string_view sql, std::size_t at) noexcept {
  return byte_table[static_cast<unsigned char>(sql[at])];
}

std::size_t skip_digits(std::string_view sql, std::size_t at) noexcept {
  while (at < sql.size() && byte_at(sql, at) == Byte::digit) ++at;
  return at;
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

/// Behind the string whose quote stands at `at`; 0 when it has no end, or is no plain one.
std::size_t end_of_string(std::string_view sql, std::size_t at, const Dialect& dialect) noexcept {
  const char quote = sql[at];
  const bool bytes = dialect.multibyte == Multibyte::none || dialect.multibyte == Multibyte::latin1;
  for (++at; at < sql.size(); ++at) {
    const char c = sql[at];
    if (!stops_in_string[static_cast<unsigned char>(c)]) continue;
    if (c == quote) {
      if (at + 1 == sql.size() || sql[at + 1] != quote) return at + 1;
      ++at;
    } else if (c == '\\') {
      if (!dialect.no_backslash_escapes) ++at;
    } else if (static_cast<unsigned char>(c) >= 0x80 && !bytes) {
      return 0;
    }
  }
  return 0;
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

std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = text.size() * 0x9E3779B97F4A7C15;
  while (text.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    hash = (hash ^ word) * 0x9E3779B97F4A7C15;
    hash ^= hash >> 29;
    text.remove_prefix(8);
  }
  std::uint64_t word = 0;
  if (!text.empty()) std::memcpy(&word, text.data(), text.size());
  hash = (hash ^ word) * 0x9E3779B97F4A7C15;
  return hash ^ hash >> 32;
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
  for (std::size_t at = 0; at < sql.size();) {
    const Byte byte = byte_at(sql, at);
    if (byte <= Byte::name) {
      ++at;
      continue;
    }
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
        end = end_of_string(sql, at, dialect);
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

std::shared_ptr<const Shape>& ShapeCache::place(Shape::Of of, std::string_view pattern) noexcept {
  // What is prepared and what is sent as text are two shapes, and applications do either.
  return shapes_[(hash_of(pattern) + static_cast<std::size_t>(of)) % places];
}

bool ShapeCache::is(const std::shared_ptr<const Shape>& shape, Shape::Of of,
                    std::string_view pattern, const Dialect& dialect) noexcept {
  return shape && shape->of == of && same(shape->dialect, dialect) &&
         (of == Shape::Of::exact ? shape->text() : std::string_view(shape->pattern)) == pattern;
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

std::shared_ptr<const Shape> ShapeCache::of_query(std::string_view text, const Dialect& dialect) {
  Pattern pattern;
  if (!find_pattern(text, dialect, pattern_room_, pattern)) return make(text, dialect, false);
  auto& kept = place(Shape::Of::pattern, pattern.text);
  if (is(kept, Shape::Of::pattern, pattern.text, dialect)) return kept;
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
    default: return shape;
  }
  shape->of = Shape::Of::pattern;
  shape->numbers = pattern.numbers;
  shape->strings = pattern.strings;
  shape->pattern = pattern.text;
  kept = std::move(shape);
  return kept;
}

std::shared_ptr<const Shape> ShapeCache::of_prepared(std::string_view text,
                                                     const Dialect& dialect) {
  if (text.size() > longest) return make(text, dialect, true);
  auto& kept = place(Shape::Of::exact, text);
  if (is(kept, Shape::Of::exact, text, dialect)) return kept;
  auto shape = make(text, dialect, true);
  shape->of = Shape::Of::exact;
  kept = std::move(shape);
  return kept;
}

}  // namespace mysqlproxy
