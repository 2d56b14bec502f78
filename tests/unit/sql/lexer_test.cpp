#include "unit/sql/support.hpp"

#include <mysqlwire/sql/lexer.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::sql;
using mysqlwire::test::kinds;
using mysqlwire::test::texts;
using Texts = std::vector<std::string>;
using Kinds = std::vector<TokenKind>;

namespace {

Dialect mariadb() {
  Dialect dialect;
  dialect.flavor = Flavor::mariadb;
  dialect.version = 101119;
  return dialect;
}

}  // namespace

TEST_CASE("numbers in every form") {
  using enum TokenKind;
  CHECK(kinds("1 15") == Kinds{integer, integer});
  CHECK(kinds("1. .5 1.5") == Kinds{decimal, decimal, decimal});
  CHECK(kinds("1e5 1E+5 1e-5 1.5e3 .5e3 1.e3") == Kinds(6, floating));
  CHECK(kinds("0x1f 0b01 x'1F' X'' b'01' B''") == Kinds{hex, bits, hex, hex, bits, bits});
  CHECK(texts("1..5") == Texts{"1.", ".5"});
  CHECK(texts("1e5a") == Texts{"1e5", "a"});
  CHECK(texts("-1") == Texts{"-", "1"});
}

TEST_CASE("what begins like a number and is a word") {
  using enum TokenKind;
  CHECK(kinds("1a 1e 0x 0xg 0b2 0X1F 0B01 1_ 1$") == Kinds(9, identifier));
  CHECK(texts("1e+ 1") == Texts{"1e", "+", "1"});
  CHECK(texts("1a.b") == Texts{"1a", ".", "b"});
  // What 8.0.15 read as nothing at all, and later versions refuse.
  CHECK(texts("1.e") == Texts{"!1.e"});
  CHECK(texts("x'1' b'2' x'0g'")[0] == "!x'1'");
}

TEST_CASE("strings, escapes and the modes that change them") {
  CHECK(texts(R"('a''b' 'a\'b' "a""b" "a\"b" '' N'x' n'y')").size() == 7);
  CHECK(kinds("N'x'") == Kinds{TokenKind::string});
  CHECK(texts("n \"x\"") == Texts{"n", "\"x\""});
  CHECK(texts(R"('a\\' 'b')") == Texts{R"('a\\')", "'b'"});
  CHECK(texts("'a\"b'") == Texts{"'a\"b'"});
  CHECK(texts("'a") == Texts{"!'a"});
  CHECK(texts("'a\\") == Texts{"!'a\\"});
  CHECK(texts("'a\\'") == Texts{"!'a\\'"});
  CHECK(texts(std::string_view("'a\0b'", 5)) == Texts{std::string("'a\0b'", 5)});

  Dialect dialect;
  dialect.set_sql_mode("STRICT_TRANS_TABLES,no_backslash_escapes");
  CHECK(texts(R"('a\' 'b')", dialect) == Texts{R"('a\')", "'b'"});
  dialect.set_sql_mode("ANSI_QUOTES");
  CHECK(kinds("\"a\" 'b'", dialect) == Kinds{TokenKind::quoted_identifier, TokenKind::string});
  CHECK(texts("\"a\\\"", dialect) == Texts{"\"a\\\""});
  dialect.set_sql_mode("");
  CHECK_FALSE(dialect.ansi_quotes);
  dialect.set_sql_mode("REAL_AS_FLOAT,ANSI");
  CHECK(dialect.ansi_quotes);
  CHECK(dialect.pipes_as_concat);
  CHECK(dialect.ignore_space);
  CHECK_FALSE(dialect.no_backslash_escapes);
}

TEST_CASE("identifiers, quoted or not") {
  using enum TokenKind;
  CHECK(kinds("a a1 $a a$b _x \xC3\xA9t\xC3\xA9") == Kinds(6, identifier));
  CHECK(kinds("`a` `a``b` `select`") == Kinds(3, quoted_identifier));
  CHECK(texts("`a`.`b`") == Texts{"`a`", ".", "`b`"});
  CHECK(texts("`a") == Texts{"!`a"});
  // A word in front of or behind a point is a name, whatever the word.
  CHECK(kinds("t.select") == Kinds{identifier, symbol, identifier});
  CHECK(kinds("select.t") == Kinds{identifier, symbol, identifier});
  CHECK(kinds("`t`.select") == Kinds{quoted_identifier, symbol, identifier});
  CHECK(kinds("t . select") == Kinds{identifier, symbol, keyword});
  CHECK(kinds("t. `a`") == Kinds{identifier, symbol, quoted_identifier});
  CHECK(texts("t.1e5") == Texts{"t", ".", "1e5"});
  CHECK(kinds("t.1e5") == Kinds{identifier, symbol, identifier});
  CHECK(kinds("t .5") == Kinds{identifier, decimal});
  CHECK(texts("a.b.c") == Texts{"a", ".", "b", ".", "c"});
  CHECK(texts("t.*") == Texts{"t", ".", "*"});
}

TEST_CASE("keywords, and functions that are keywords in front of a parenthesis") {
  using enum TokenKind;
  CHECK(kinds("SELECT select SeLeCt") == Kinds(3, keyword));
  CHECK(kinds("count(*)")[0] == keyword);
  CHECK(kinds("count (*)")[0] == identifier);
  CHECK(kinds("count")[0] == identifier);
  Dialect dialect;
  dialect.ignore_space = true;
  CHECK(kinds("count \n(*)", dialect)[0] == keyword);
  CHECK(kinds("returning")[0] == identifier);
  CHECK(kinds("returning", mariadb())[0] == keyword);
  Lexer lexer("sleep(1)");
  const Token sleep = lexer.next();
  CHECK(sleep.kind == identifier);
  CHECK(sleep.keyword == Keyword::k_SLEEP);
}

TEST_CASE("every keyword is found, in any case, and no longer word for it") {
  struct Known {
    Keyword keyword;
    std::string upper;
  };
  const std::vector<Known> all = {
#define MYSQLWIRE_KEYWORD(name, mysql, mariadb, shown) {Keyword::k_##name, #name},
#include <mysqlwire/sql/keyword.def>
#undef MYSQLWIRE_KEYWORD
  };
  std::set<std::string> seen;
  for (const Known& known : all) {
    std::string lower = known.upper;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    CHECK(find_keyword(known.upper) == known.keyword);
    CHECK(find_keyword(lower) == known.keyword);
    CHECK(keyword_text(known.keyword) == known.upper);
    CHECK(find_keyword(keyword_shown(known.keyword)) != Keyword::none);
    CHECK(find_keyword(lower + "~") == Keyword::none);
    CHECK(seen.insert(known.upper).second);
  }
  CHECK(seen.size() > 800);
  CHECK(find_keyword("") == Keyword::none);
  CHECK(find_keyword(std::string(1000, 'a')) == Keyword::none);
  CHECK(keyword_text(Keyword::none).empty());
  CHECK(keyword_shown(Keyword::k_DATABASE) == "SCHEMA");
  CHECK(keyword_use(Keyword::k_SELECT, Flavor::mysql) == KeywordUse::always);
  CHECK(keyword_use(Keyword::k_COUNT, Flavor::mariadb) == KeywordUse::call);
  CHECK(keyword_use(Keyword::k_SLEEP, Flavor::mysql) == KeywordUse::never);
}

TEST_CASE("variables and hosts") {
  using enum TokenKind;
  CHECK(kinds("@a @'a' @`a` @\"a\"") ==
        Kinds{at, at_name, at, string, at, quoted_identifier, at, string});
  CHECK(texts("@a.b:=1") == Texts{"@", "a.b", ":=", "1"});
  CHECK(kinds("@select") == Kinds{at, at_name});
  CHECK(kinds("@@sql_mode") == Kinds{at_at, identifier});
  CHECK(kinds("@@global.sql_mode") == Kinds{at_at, keyword, symbol, identifier});
  CHECK(kinds("@@`x`") == Kinds{at_at, quoted_identifier});
  CHECK(kinds("@@ x") == Kinds{at_at, invalid, identifier});
  CHECK(texts("@ x") == Texts{"@", "", "x"});
  CHECK(texts("root@localhost") == Texts{"root", "@", "localhost"});
  CHECK(texts("'root'@'%'") == Texts{"'root'", "@", "'%'"});
}

TEST_CASE("introducers are character sets that exist") {
  using enum TokenKind;
  CHECK(kinds("_utf8mb4'x' _binary 'x' _utf8 0x41") ==
        Kinds{introducer, string, introducer, string, introducer, hex});
  CHECK(kinds("_nothing'x'") == Kinds{identifier, string});
  CHECK(kinds("_utf8.x")[0] == identifier);
}

TEST_CASE("comments") {
  CHECK(texts("a/*b*/c") == Texts{"a", "c"});
  CHECK(texts("a /* ' */ b") == Texts{"a", "b"});
  CHECK(texts("a # b\nc") == Texts{"a", "c"});
  CHECK(texts("a -- b\nc") == Texts{"a", "c"});
  CHECK(texts("a --\tb") == Texts{"a"});
  CHECK(texts("a --\x01 b") == Texts{"a"});
  CHECK(texts("a --") == Texts{"a"});
  CHECK(texts("1--1") == Texts{"1", "-", "-", "1"});
  CHECK(texts("a /* /* */ b") == Texts{"a", "b"});
  CHECK(texts("/*/ a */b") == Texts{"b"});
  CHECK(texts("/**/a") == Texts{"a"});
  CHECK(texts("a /* b") == Texts{"a", "! /* b"});
  CHECK(texts("a */") == Texts{"a", "*", "/"});
  Lexer lexer("a /* b */ c");
  lexer.next();
  CHECK_FALSE(lexer.saw_comment());
  lexer.next();
  CHECK(lexer.saw_comment());
  CHECK_FALSE(lexer.saw_version_comment());
}

TEST_CASE("version comments are code, or not, by the server's version") {
  const Texts read{"1", "+", "2", "x"}, skipped{"1", "x"};
  CHECK(texts("1/*! + 2*/x") == read);
  CHECK(texts("1/*!50000 + 2*/x") == read);
  CHECK(texts("1/*!80015 + 2*/x") == read);
  CHECK(texts("1/*!80016 + 2*/x") == skipped);
  CHECK(texts("1/*!500 + 2*/x") == Texts{"1", "500", "+", "2", "x"});
  CHECK(texts("1/*!99999 + /* 2 */ 3 */x") == skipped);
  CHECK(texts("1/*!99999 + /* 2 */ 3 x").back()[0] == '!');
  CHECK(texts("1/*! + /* 3 */ 2 */x") == read);
  CHECK(texts("1/*M! + 2*/x") == skipped);
  CHECK(texts("1/*! + 2") == Texts{"1", "+", "2", "!"});

  CHECK(texts("1/*M! + 2*/x", mariadb()) == read);
  CHECK(texts("1/*M!101100 + 2*/x", mariadb()) == read);
  CHECK(texts("1/*M!101200 + 2*/x", mariadb()) == skipped);
  CHECK(texts("1/*!50699 + 2*/x", mariadb()) == read);
  CHECK(texts("1/*!50701 + 2*/x", mariadb()) == skipped);
  CHECK(texts("1/*!99999 + 2*/x", mariadb()) == skipped);
  CHECK(texts("1/*!100000 + 2*/x", mariadb()) == read);
  CHECK(texts("1/*M!50701 + 2*/x", mariadb()) == read);

  Lexer lexer("/*!99999 a*/ b");
  lexer.next();
  CHECK(lexer.saw_version_comment());
}

TEST_CASE("optimizer hints stand behind five words only") {
  using enum TokenKind;
  CHECK(kinds("select /*+ MRR(t) */ 1") == Kinds{keyword, hint, integer});
  CHECK(kinds("select 1 /*+ MRR(t) */") == Kinds{keyword, integer});
  CHECK(kinds("select /* x */ /*+ MRR(t) */ 1") == Kinds{keyword, integer});
  CHECK(kinds("select /*+ MRR(t) */ 1", mariadb()) == Kinds{keyword, integer});
  CHECK(kinds("select /*+ MRR(t) 1") == Kinds{keyword, invalid});
}

TEST_CASE("operators") {
  using enum TokenKind;
  CHECK(kinds("<=> <> != <= >= << >> && || := < > = ! & | :") ==
        Kinds{equal_null, not_equal, not_equal, less_equal, greater_equal, shift_left, shift_right,
              and_and, or_or, assign, symbol, symbol, symbol, symbol, symbol, symbol, symbol});
  CHECK(kinds("a->'$' b->>'$'") ==
        Kinds{identifier, arrow, string, identifier, arrow_text, string});
  CHECK(texts("a->b", mariadb()) == Texts{"a", "-", ">", "b"});
  CHECK(kinds("\\N", mariadb()) == Kinds{null_escape});
  CHECK(kinds("\\N")[0] == invalid);
}

TEST_CASE("second bytes that look like quotes and backslashes") {
  Dialect dialect;
  dialect.multibyte = multibyte_of("gbk");
  // 0xBF 0x5C is one character: the quote behind it ends the string.
  CHECK(texts("'\xBF\\' or 1", dialect) == Texts{"'\xBF\\'", "or", "1"});
  CHECK(texts("'\xBF\\' or 1") == Texts{"!'\xBF\\' or 1"});
  CHECK(texts("a\xBF`b`c`", dialect) == Texts{"a\xBF`b", "`c`"});
  // A lead byte in front of a quote is no character: the quote counts.
  CHECK(texts("'\xBF' x", dialect) == Texts{"'\xBF'", "x"});
  for (const char* name : {"sjis", "cp932", "big5", "gb18030", "GBK"}) {
    dialect.multibyte = multibyte_of(name);
    CHECK(texts("'\xE0\\' x", dialect) == Texts{"'\xE0\\'", "x"});
  }
  dialect.multibyte = multibyte_of("gb18030");
  CHECK(texts("'\x81\x30\x81\x30' x", dialect).size() == 2);
  CHECK(multibyte_of("utf8mb4") == Multibyte::none);
  CHECK(multibyte_of("euckr") == Multibyte::none);
  dialect.multibyte = multibyte_of("latin1");
  CHECK(texts("a\xA0"
              "b",
              dialect) == Texts{"a", "b"});
  CHECK(texts("a\xA0"
              "b")
            .size() == 1);
}

TEST_CASE("bytes that no server reads") {
  CHECK(texts(std::string_view("a\0b", 3)) == Texts{"a", std::string("!\0", 2), "b"});
  CHECK(texts("[a]") == Texts{"![", "a", "!]"});
  CHECK(texts("").empty());
  CHECK(texts(" \t\r\n\v\f").empty());
}

TEST_CASE("every prefix of a statement is read to its end") {
  const std::string_view sql =
      "/*!50001 select*/ /*+ MRR(`t`) */ N'a', _utf8'b', x'1f', b'01', 1.5e-3, t.`a``b`, "
      "@x:=@@global"
      ".y, '\\'' -- c\n from t # d\n where a <=> .5 and b->>'$.c' in (?, \"x\") /*!99999 /* */ */;";
  for (std::size_t size = 0; size <= sql.size(); ++size) {
    texts(sql.substr(0, size));
    texts(sql.substr(0, size), mariadb());
    texts(sql.substr(size));
  }
}

TEST_CASE("a server's own words give flavor and version", "[sql][dialect]") {
  const auto of = [](std::string_view text) {
    Dialect dialect;
    dialect.set_server_version(text);
    return std::pair(dialect.flavor, dialect.version);
  };
  using mysqlwire::Flavor;
  CHECK(of("8.0.15") == std::pair(Flavor::mysql, 80015u));
  CHECK(of("5.7.44-log") == std::pair(Flavor::mysql, 50744u));
  CHECK(of("5.5.5-10.11.6-MariaDB-0+deb12u1") == std::pair(Flavor::mariadb, 101106u));
  CHECK(of("11.4.2-MariaDB") == std::pair(Flavor::mariadb, 110402u));
  CHECK(of("9.1") == std::pair(Flavor::mysql, 90100u));
  CHECK(of("vitess") == std::pair(Flavor::mysql, 80015u));
  CHECK(of("") == std::pair(Flavor::mysql, 80015u));
}
