#include "unit/sql/support.hpp"

#include <mysqlwire/sql/digest.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::sql;

namespace {

std::string text(std::string_view statement, const Dialect& dialect = {}) {
  const test::ExactBytes exact(as_bytes(statement));
  std::vector<char> buffer(4 * statement.size() + 16);
  const Digest result = digest(as_text(exact), dialect, buffer);
  CHECK_FALSE(result.truncated);
  CHECK(result.hash == digest_hash(result.text));
  return std::string(result.text);
}

}  // namespace

// All of these are what MySQL 8.0.15's STATEMENT_DIGEST_TEXT() says.
TEST_CASE("literals and their lists") {
  CHECK(text("select 1") == "SELECT ?");
  CHECK(text("select 1,2,a,3,4") == "SELECT ?, ... , `a` , ?, ...");
  CHECK(text("insert into t values (1,2),(3,4)") == "INSERT INTO `t` VALUES (...) /* , ... */");
  CHECK(text("insert into t values (1),(2)") == "INSERT INTO `t` VALUES (?) /* , ... */");
  CHECK(text("insert into t values (1,'a',null)") == "INSERT INTO `t` VALUES (...)");
  CHECK(text("insert into t values (1,a),(2,b)") ==
        "INSERT INTO `t` VALUES ( ? , `a` ) , ( ? , `b` )");
  CHECK(text("select 1,(2),(3,4),(5)") == "SELECT ? , (?) , (...) , (?)");
  CHECK(text("select ((1)), ((1,2)), (((1),(2)))") ==
        "SELECT ( (?) ) , ( (...) ) , ( ( (?) /* , ... */ ) )");
  CHECK(text("select a from t where x in (1)") == "SELECT `a` FROM `t` WHERE `x` IN (...)");
  CHECK(text("select a from t where x in (1,2,3)") == "SELECT `a` FROM `t` WHERE `x` IN (...)");
  CHECK(text("select a from t where (x,y) in ((1,2),(3,4))") ==
        "SELECT `a` FROM `t` WHERE ( `x` , `y` ) IN ( (...) /* , ... */ )");
  CHECK(text("select 'x' 'y' 'z', 'x''y', 'a\\'b'") == "SELECT ? ? ?, ...");
  CHECK(text("select _utf8'x', _latin1 'x' , 'a'") == "SELECT (_charset) ? , (_charset) ?, ...");
  CHECK(text("call p(@a,1)") == "CALL `p` ( @?, ... )");
}

TEST_CASE("placeholders are literals") {
  CHECK(text("select a from t where b = ? and c in (?,?) limit ?") ==
        text("select a from t where b = 1 and c in (2,3) limit 4"));
}

TEST_CASE("signs") {
  CHECK(text("select -1, - -1, +-+1, a-1, a - -1, a*-1, -a, (-1), - (1)") ==
        "SELECT ?, ... , `a` - ? , `a` - ? , `a` * ? , - `a` , (?) , - (?)");
  CHECK(text("select a from t where a = -1 and -1 < b") ==
        "SELECT `a` FROM `t` WHERE `a` = - ? AND ? < `b`");
  CHECK(text("select case when 1 then -1 else -2 end - 1") ==
        "SELECT CASE WHEN ? THEN - ? ELSE - ? END - ?");
  CHECK(text("select sign(-'0')") == "SELECT `sign` ( - ? )");
  CHECK(text("select - null, null") == "SELECT - ?, ...");
}

TEST_CASE("NULL is a literal where it is a value") {
  CHECK(text("select null, a is null, a is not null, a=null") ==
        "SELECT ? , `a` IS NULL , `a` IS NOT NULL , `a` = ?");
  CHECK(text("create table t (a int null, b int null default null, c int not null default 1)") ==
        "CREATE TABLE `t` ( `a` INTEGER NULL , `b` INTEGER NULL DEFAULT ? , `c` INTEGER NOT NULL "
        "DEFAULT ? )");
  CHECK(text("select not null or true") == "SELECT NOT ? OR TRUE");
  CHECK(text("select a<=>null, null is null") == "SELECT `a` <=> ?, ... IS NULL");
}

TEST_CASE("words") {
  CHECK(text("select a.b, `a`.`b c`, `a``b`, c.select") ==
        "SELECT `a` . `b` , `a` . `b c` , `a`b` , `c` . `select`");
  CHECK(text("select count(*), now(), user() from t") ==
        "SELECT COUNT ( * ) , NOW ( ) , SYSTEM_USER ( ) FROM `t`");
  CHECK(text("create database x") == "CREATE SCHEMA `x`");
  CHECK(text("select @x, @'y', @`z`, @@sql_mode, @@global.sql_mode") ==
        "SELECT @? , @? , @`z` , @@`sql_mode` , @@GLOBAL . `sql_mode`");
  CHECK(text("select 1 from t where a<>1 and b!=2") ==
        "SELECT ? FROM `t` WHERE `a` != ? AND `b` != ?");
  // MySQL writes | for both.
  CHECK(text("select a || b, a | b") == "SELECT `a` || `b` , `a` | `b`");
}

TEST_CASE("comments leave no trace, hints do") {
  CHECK(text("select /* foo */ a -- b\n from t # c") == "SELECT `a` FROM `t`");
  CHECK(text("select 1 /*! + 1 */ /*!99999 + 1 */") == "SELECT ? + ?");
  CHECK(text("select /*+*/ 1") == "SELECT ?");
  CHECK(text("select /*+ qb_name(`q1`) SET_VAR(a=16M) JOIN_ORDER(t1@x, t2) SEMIJOIN(@q1 "
             "firstmatch) */ 1") ==
        "SELECT /*+ QB_NAME ( `q1` ) SET_VAR ( `a` = ? ) JOIN_ORDER ( `t1`@`x` , `t2` ) SEMIJOIN ( "
        "@`q1` FIRSTMATCH ) */ ?");
}

TEST_CASE("the end of a statement") {
  CHECK(text("select 1;") == "SELECT ?");
  CHECK(text("select 1; \n") == "SELECT ?");
  CHECK(text("create procedure p() begin select 1; select 2; end") ==
        "CREATE PROCEDURE `p` ( ) BEGIN SELECT ? ; SELECT ? ; END");
  CHECK(text("").empty());
  std::vector<char> buffer(64);
  CHECK(digest("select 'a", {}, buffer).invalid);
  CHECK_FALSE(digest("select 'a'", {}, buffer).invalid);
}

TEST_CASE("the hash never changes") {
  CHECK(digest_hash("") == 0x7896b5505f7d474a);
  CHECK(digest_hash("SELECT ?") == 0x20ce9aee056ef48a);
  CHECK(digest_hash("SELECT `c` FROM `sbtest1` WHERE `id` = ?") == 0x26e1cc61ea7bdaad);
  CHECK(digest_hash(std::string_view("\0", 1)) != digest_hash(std::string_view("\0\0", 2)));
}

TEST_CASE("a digest fits in four times the statement, and any buffer is enough") {
  for (const std::string statement :
       {"a,a,a,a", "a a a a", "((((((", "`a``b`", "1a1", "select /*+ a b c d(e f) */ 1",
        "insert t values(a,1,2,a,(3),(4))", "@a,@b", "@@a.b.c"}) {
    const std::string whole = text(statement);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      const test::ExactBytes exact(as_bytes(std::string(size, '.')));
      std::vector<char> buffer(size);
      const Digest cut = digest(statement, {}, buffer);
      CHECK(cut.text.size() <= size);
      CHECK(cut.truncated == (cut.text != whole));
    }
  }
}

TEST_CASE("many tokens that later ones take back") {
  std::string rows = "insert t values (1,2)", signs = "select (", list = "select 1";
  for (int i = 0; i < 5000; ++i) {
    rows += ", (3, - 4)";
    signs += "- ";
    list += ", 2";
  }
  CHECK(text(rows) == "INSERT `t` VALUES (...) /* , ... */");
  CHECK(text(signs + "1)") == "SELECT (?)");
  CHECK(text(list) == "SELECT ?, ...");
}
