#include <mysqlwire/sql/session_dialect.hpp>

#include <catch2/catch.hpp>

using namespace mysqlwire;
using namespace mysqlwire::sql;

namespace {

constexpr std::uint16_t gbk_chinese_ci = 28;
constexpr std::uint16_t utf8mb4_general_ci = 45;

// After these statements, all of which the server liked.
Dialect after(std::initializer_list<std::string_view> statements) {
  SessionDialect session;
  session.begin(utf8mb4_general_ci);
  for (const std::string_view statement : statements) session.on_statement(statement);
  return session.dialect();
}

}  // namespace

TEST_CASE("a dialect begins with the greeting and the login", "[sql]") {
  SessionDialect session;
  session.set_server("5.5.5-10.11.19-MariaDB-log");
  session.begin(gbk_chinese_ci);
  CHECK(session.dialect().flavor == Flavor::mariadb);
  CHECK(session.dialect().version == 101119);
  CHECK(session.dialect().multibyte == Multibyte::gbk);
  session.set_server("8.0.15");
  CHECK(session.dialect().flavor == Flavor::mysql);
  CHECK(session.dialect().version == 80015);
}

TEST_CASE("SET changes the character set of a session") {
  CHECK(after({"SET NAMES gbk"}).multibyte == Multibyte::gbk);
  CHECK(after({"set names 'sjis' collate 'sjis_bin'"}).multibyte == Multibyte::sjis);
  CHECK(after({"SET CHARACTER SET big5"}).multibyte == Multibyte::big5);
  CHECK(after({"SET @x = 1, @@session.character_set_client := gb18030"}).multibyte ==
        Multibyte::gb18030);
  CHECK(after({"SET GLOBAL character_set_client = gbk"}).multibyte == Multibyte::none);
  CHECK(after({"SET NAMES gbk", "SET NAMES DEFAULT"}).multibyte == Multibyte::none);
  CHECK(after({"SELECT 'SET NAMES gbk'"}).multibyte == Multibyte::none);
}

TEST_CASE("SET changes the modes of a session") {
  CHECK(after({"SET sql_mode = 'ANSI_QUOTES'"}).ansi_quotes);
  CHECK(after({"SET SESSION sql_mode='STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES'"})
            .no_backslash_escapes);
  CHECK(after({"SET autocommit=1, NAMES utf8mb4, @@sql_mode=ANSI"}).pipes_as_concat);
  CHECK_FALSE(after({"SET sql_mode='ANSI'", "SET sql_mode=DEFAULT"}).ansi_quotes);
  CHECK_FALSE(after({"SET GLOBAL sql_mode='ANSI'"}).ansi_quotes);
  CHECK_FALSE(after({"SET @sql_mode='ANSI'"}).ansi_quotes);
  CHECK_FALSE(after({"SET @@global.sql_mode='ANSI'"}).ansi_quotes);
  // What is not known leaves what was.
  CHECK(after({"SET sql_mode='ANSI'", "SET sql_mode=@old"}).ansi_quotes);

  const Dialect both =
      after({"SET sql_mode='ANSI_QUOTES'",
             "SET sql_mode=CONCAT(@@session.sql_mode, ',NO_BACKSLASH_ESCAPES'), NAMES gbk"});
  CHECK(both.ansi_quotes);
  CHECK(both.no_backslash_escapes);
  CHECK(both.multibyte == Multibyte::gbk);
}

TEST_CASE("a session begins anew, and the server knows best") {
  SessionDialect session;
  session.begin(gbk_chinese_ci);
  session.on_statement("SET NAMES utf8mb4, sql_mode='ANSI'");
  CHECK(session.dialect().ansi_quotes);
  session.reset();
  CHECK(session.dialect().multibyte == Multibyte::gbk);
  CHECK_FALSE(session.dialect().ansi_quotes);
  session.on_variable("character_set_client", "big5");
  session.on_variable("sql_mode", "ANSI_QUOTES");
  CHECK(session.dialect().multibyte == Multibyte::big5);
  CHECK(session.dialect().ansi_quotes);
}

TEST_CASE("statements that end early change nothing and end") {
  constexpr std::string_view whole = "SET sql_mode = CONCAT(@@session.sql_mode, ',ANSI')";
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(after({whole.substr(0, size)}).ansi_quotes);
  CHECK(after({whole}).ansi_quotes);
  for (const std::string_view odd : {"SET", "SET SESSION", "SET @@", "SET NAMES", "SET CHARACTER",
                                     "SET a=(((", "SET ,,,", "SET sql_mode=CONCAT(", "SET x=)"})
    CHECK_FALSE(after({odd}).ansi_quotes);
}
