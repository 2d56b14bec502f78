#include "proxy/statement/shape.hpp"

#include <mysqlwire/sql/analysis.hpp>
#include <mysqlwire/sql/lexer.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace mysqlproxy;
using mysqlwire::sql::Dialect;
using mysqlwire::sql::Multibyte;
using mysqlwire::sql::TokenKind;

namespace {

/// With N and S for the marks; "-" for a text that has no pattern.
std::string pattern_of(std::string_view sql, const Dialect& dialect = {}) {
  std::array<char, ShapeCache::longest> room;
  Pattern pattern;
  if (!find_pattern(sql, dialect, room, pattern)) return "-";
  std::string shown(pattern.text);
  CHECK(pattern.numbers == (shown.find(number_mark) != shown.npos));
  CHECK(pattern.strings == (shown.find(string_mark) != shown.npos));
  std::ranges::replace(shown, number_mark, 'N');
  std::ranges::replace(shown, string_mark, 'S');
  return shown;
}

/// What a shape is to say of a text, found out anew.
void check_against_analysis(const Shape& shape, std::string_view sql, const Dialect& dialect) {
  std::vector<char> room(ShapeCache::longest_digest);
  const auto anew = mysqlwire::sql::analyze(sql, dialect, room);
  INFO(sql);
  CHECK(shape.digest_text == anew.digest.text);
  CHECK(shape.digest == anew.digest.hash);
  CHECK(shape.digest_truncated == anew.digest.truncated);
  CHECK(shape.what.kind == anew.what.kind);
  CHECK(shape.what.effects == anew.what.effects);
  CHECK(shape.what.more_tables == anew.what.more_tables);
  CHECK(std::ranges::equal(shape.what.tables(), anew.what.tables()));
}

/// The kinds of all tokens, and the texts of those that are no values.
std::vector<std::string> tokens_of(std::string_view sql, const Dialect& dialect) {
  std::vector<std::string> tokens;
  mysqlwire::sql::Lexer lexer(sql, dialect);
  for (auto token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    tokens.emplace_back(token.is_literal() ? "literal" : token.text);
    if (tokens.size() > 1000) break;
  }
  return tokens;
}

}  // namespace

TEST_CASE("a pattern leaves out plain numbers and strings", "[shape]") {
  CHECK(pattern_of("SELECT c FROM t1 WHERE id=5046") == "SELECT c FROM t1 WHERE id=N");
  CHECK(pattern_of("SELECT 1.50, 'it''s', \"x\\\"y\" ;") == "SELECT N, S, S ;");
  CHECK(pattern_of("INSERT INTO `t 1` VALUES (1,'',-3)") == "INSERT INTO `t 1` VALUES (N,S,-N)");
  CHECK(pattern_of("SELECT a1, t2.b3, @4, t.5 FROM x") == "SELECT a1, t2.b3, @4, t.5 FROM x");
  CHECK(pattern_of("SELECT 'caf\xc3\xa9'") == "SELECT S");
  CHECK(pattern_of("SELECT 5/2-1") == "SELECT N/N-N");
}

TEST_CASE("values are found wherever they stand, however long they are", "[shape]") {
  for (std::size_t before = 0; before < 40; ++before)
    for (std::size_t long_ = 1; long_ < 40; long_ += 1 + long_ / 5)
      for (std::size_t behind = 0; behind < 36; behind += 5) {
        const std::string head = "." + std::string(before, 'a') + "=";
        const std::string tail = behind == 0 ? "" : "\t" + std::string(behind, 'b');
        const std::string number(long_, '7');
        CHECK(pattern_of(head + number + tail) == head + "N" + tail);
        CHECK(pattern_of(head + "'" + number + "'" + tail) == head + "S" + tail);
        CHECK(pattern_of(head + "a" + number + tail) == head + "a" + number + tail);
        CHECK(pattern_of(head + number + "x" + tail) == "-");
      }
  // Each byte by itself, behind so many that it is read with others and alone.
  for (int byte = 0; byte < 256; ++byte)
    for (const std::size_t before : {0, 7, 15, 16, 20}) {
      const char c = static_cast<char>(byte);
      const std::string sql = std::string(before, ' ') + c;
      const bool plain =
          byte >= ' ' && byte < 0x7f && c != '"' && c != '#' && c != '\'' && c != '\\' && c != '`';
      const bool blank = c == '\t' || c == '\n' || c == '\r';
      const bool digit = byte >= '0' && byte <= '9';
      INFO(byte << " behind " << before);
      CHECK(pattern_of(sql) == (digit ? sql.substr(0, before) + "N" : plain || blank ? sql : "-"));
    }
}

TEST_CASE("strings with letters are told from those without", "[shape]") {
  const auto has_letters = [](std::string_view sql) {
    std::array<char, ShapeCache::longest> room;
    Pattern pattern;
    REQUIRE(find_pattern(sql, {}, room, pattern));
    return pattern.letters;
  };
  for (const char* sql : {"select a", "select ''", "select '2024-01-31 10:00:00', \"+49 (30) 5\"",
                          "select '!\"#$%&()*+,-./0123456789:;<=>?'", "select '1''2' || a"})
    CHECK_FALSE(has_letters(sql));
  for (const char* sql : {"select 'a'", "select '1', 'Z'", "select 'z', ''", "select '\xc3\xa9'",
                          "select '\xff'", "select '@'", "select '5\\'5'"})
    CHECK(has_letters(sql));
  const auto cache = std::make_unique<ShapeCache>();
  const auto of = [&](const char* sql) { return cache->of_query(sql, {}); };
  CHECK(of("select '1' from t") == of("select '2-3' from t"));
  CHECK(of("select '1' from t") != of("select 'one' from t"));
  CHECK(of("select 'two' from t") == of("select 'one' from t"));
}

TEST_CASE("what is not plain has no pattern", "[shape]") {
  for (const char* sql :
       {"SELECT 1e5",         "SELECT 0x1F",      "SELECT 5abc",        "SELECT 1.5.2",
        "SELECT 1.",          "SELECT N'a'",      "SELECT x'4D'",       "SELECT _utf8'a'",
        "SELECT @'a'",        "SELECT 1 # x",     "SELECT 1 -- x",      "SELECT 1--1",
        "SELECT /* x */ 1",   "SELECT 'a",        "SELECT `a",          "SELECT 'a\\'",
        "SELECT 1; SELECT 2", "SELECT \\N",       "SELECT caf\xc3\xa9", "SELECT `a`5",
        "SELECT 'a''",        "SELECT 'a\\'b\\'", "SELECT `a`'b'",      "SELECT 'a\\",
        "SELECT \x01"})
    CHECK(pattern_of(sql) == "-");
  CHECK(pattern_of(std::string(3000, 'a')) == "-");
  CHECK(pattern_of(std::string_view("SELECT\0 1", 9)) == "-");
}

TEST_CASE("a pattern follows the dialect", "[shape]") {
  Dialect dialect;
  dialect.ansi_quotes = true;
  CHECK(pattern_of("SELECT \"a\"", dialect) == "-");
  CHECK(pattern_of("SELECT 'a'", dialect) == "SELECT S");
  dialect = {};
  dialect.no_backslash_escapes = true;
  CHECK(pattern_of("SELECT 'a\\', 5", dialect) == "SELECT S, N");
  for (const Multibyte one :
       {Multibyte::big5, Multibyte::sjis, Multibyte::gbk, Multibyte::gb18030}) {
    dialect = {};
    dialect.multibyte = one;
    CHECK(pattern_of("SELECT '\x81\x5c'", dialect) == "-");
    CHECK(pattern_of("SELECT 'a'", dialect) == "SELECT S");
  }
}

TEST_CASE("a shape says of other values what reading them says", "[shape]") {
  const auto cache = std::make_unique<ShapeCache>();
  const std::vector<std::vector<std::string>> alike = {
      {"select a from t where id = 5", "select a from t where id = 77.25"},
      {"update s.t set a = 'x', b = 1 where c in (1, 2)",
       "update s.t set a = 'from u where ''', b = 12345 where c in (7, 0)"},
      {"insert into t values (1, 'a'), (2, 'b')", "insert into t values (11, ''), (0, '; drop')"},
      {"insert into t values ('2024-01-01'), ('')", "insert into t values ('--'''), ('/*')"},
      {"delete from a.b where x between 1 and 2 limit 5",
       "delete from a.b where x between 0 and 0 limit 1"},
      {"select 1 as 'x' union select sleep(0)", "select 2 as 'yy' union select sleep(100)"},
      {"begin", "begin"},
  };
  for (const auto& texts : alike) {
    const auto first = cache->of_query(texts[0], {});
    CHECK(first->lasts());
    check_against_analysis(*first, texts[0], {});
    const auto second = cache->of_query(texts[1], {});
    CHECK(second == first);
    check_against_analysis(*second, texts[1], {});
  }
}

TEST_CASE("a shape is of its dialect, its text and its way to be sent", "[shape]") {
  const auto cache = std::make_unique<ShapeCache>();
  Dialect pipes;
  pipes.pipes_as_concat = true;
  const std::string sql = "select a || 5 from t";
  const auto plain = cache->of_query(sql, {});
  CHECK(cache->of_query("select a || 6 from t", {}) == plain);
  const auto piped = cache->of_query(sql, pipes);
  CHECK(piped != plain);
  check_against_analysis(*piped, sql, pipes);
  const auto prepared = cache->of_prepared(sql, {});
  CHECK(prepared->of == Shape::Of::exact);
  CHECK(prepared->text() == sql);
  CHECK(cache->of_prepared(sql, {}) == prepared);
  CHECK(cache->of_prepared("select a || 6 from t", {}) != prepared);
}

TEST_CASE("what a SET does is up to its values", "[shape]") {
  const auto cache = std::make_unique<ShapeCache>();
  const auto off = cache->of_query("SET autocommit = 0", {});
  CHECK_FALSE(off->lasts());
  check_against_analysis(*cache->of_query("SET autocommit = 1", {}), "SET autocommit = 1", {});
}

TEST_CASE("a shape outlives its place and the text it was found by", "[shape]") {
  const auto cache = std::make_unique<ShapeCache>();
  std::shared_ptr<const Shape> shape;
  {
    const std::string sql = "select a from some_table where id = 5";
    shape = cache->of_query(sql, {});
  }
  for (int i = 0; i < 5000; ++i) cache->of_query("select a" + std::to_string(i) + " from t", {});
  CHECK(shape->what.tables()[0].name == "some_table");
  CHECK(cache->of_prepared(std::string(5000, 'a'), {})->text() == std::string(5000, 'a'));
}

TEST_CASE("shapes that are used in turn do not drive each other out", "[shape]") {
  const auto cache = std::make_unique<ShapeCache>();
  const auto ask = [&](int i) { return cache->of_query("select a" + std::to_string(i), {}); };
  std::vector<std::shared_ptr<const Shape>> shapes;
  for (int i = 0; i < 64; ++i) shapes.push_back(ask(i));
  for (std::size_t i = 0; i < shapes.size(); ++i) CHECK(ask(static_cast<int>(i)) == shapes[i]);
}

/// Texts put together of what is hard to read: wherever two have one pattern, they have the same
/// tokens but for the values.
TEST_CASE("texts of one pattern have the same tokens", "[shape]") {
  const std::vector<std::string> parts = {
      "select", "a",     "b1", "1",  "25", "3.5",    "'x'",      "'it''s'", "\"q\"", "'\\''",
      "`c`",    " ",     " ",  ",",  "(",  ")",      "=",        "-",       "--",    "/",
      "*",      "/*",    "*/", "#",  ";",  ".",      "@",        "_",       "$",     "e5",
      "x",      "N",     "0x", "!",  "|",  "||",     "''",       "'",       "\"",    "\\",
      "\n",     ":",     "?",  "<=", "0",  "from t", "\xc3\xa9", "date ",   "{",     "}",
      "union",  "where", "5e", "1e", "b",  "&&",     "_utf8",    "%"};
  const std::vector<std::string> numbers = {"1", "25", "3.5", "0", "007", "99999999999999999999"};
  const std::vector<std::string> strings = {"'x'",  "'it''s'", "''",     "\"q\"",
                                            "'--'", "'/*'",    "'a\\\\'"};
  std::mt19937 random(7);  // NOLINT: the same each time
  const auto pick = [&](const std::vector<std::string>& from) {
    return from[random() % from.size()];
  };
  std::array<Dialect, 4> dialects;
  dialects[1].no_backslash_escapes = true;
  dialects[2].ansi_quotes = true;
  dialects[3].flavor = mysqlwire::Flavor::mariadb;
  std::size_t compared = 0;
  for (int turn = 0; turn < 60'000; ++turn) {
    const Dialect& dialect = dialects[random() % dialects.size()];
    std::string sql;
    for (std::size_t i = 1 + random() % 10; i != 0; --i) sql += pick(parts);
    std::array<char, 256> room;
    Pattern pattern;
    if (!find_pattern(sql, dialect, room, pattern)) continue;
    std::string other;
    for (const char c : pattern.text)
      other += c == number_mark   ? pick(numbers)
               : c == string_mark ? pick(strings)
                                  : std::string(1, c);
    std::array<char, 256> other_room;
    Pattern other_pattern;
    // Other values may not be plain where they are put: "\"q\"" in ANSI mode.
    if (!find_pattern(other, dialect, other_room, other_pattern) ||
        other_pattern.text != pattern.text)
      continue;
    ++compared;
    INFO(sql << "  |  " << other);
    CHECK(tokens_of(sql, dialect) == tokens_of(other, dialect));
    std::array<char, 1024> digest_room;
    std::array<char, 1024> other_digest_room;
    const auto one = mysqlwire::sql::analyze(sql, dialect, digest_room);
    const auto two = mysqlwire::sql::analyze(other, dialect, other_digest_room);
    CHECK(one.digest.text == two.digest.text);
    if (one.what.kind != mysqlwire::sql::StatementKind::select) continue;
    CHECK(one.what.effects == two.what.effects);
    CHECK(std::ranges::equal(one.what.tables(), two.what.tables()));
  }
  CHECK(compared > 5000);
}
