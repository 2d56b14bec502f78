#include "unit/sql/support.hpp"

#include <mysqlwire/sql/classify.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mysqlwire;
using namespace mysqlwire::sql;

namespace {

Dialect mariadb() {
  Dialect dialect;
  dialect.flavor = Flavor::mariadb;
  dialect.version = 101119;
  return dialect;
}

Classification of(std::string_view sql, const Dialect& dialect = {}) {
  return classify(sql, dialect);
}

std::string kind(std::string_view sql, const Dialect& dialect = {}) {
  return std::string(to_string(of(sql, dialect).kind));
}

bool has(std::string_view sql, Effect effect, const Dialect& dialect = {}) {
  return of(sql, dialect).has(effect);
}

std::string tables(std::string_view sql, const Dialect& dialect = {}) {
  const Classification result = of(sql, dialect);
  std::string names;
  for (const TableName& table : result.tables()) {
    if (!names.empty()) names += " ";
    if (!table.schema.empty()) names += std::string(table.schema) + ".";
    names += table.name;
  }
  return names;
}

}  // namespace

TEST_CASE("what a replica may answer") {
  for (const std::string_view sql : {"select 1",
                                     "select c from sbtest1 where id=42",
                                     "(select 1) union (select 2)",
                                     "select count(*), max(a) from t group by b",
                                     "with x as (select 1) select * from x",
                                     "with recursive x (a, b) as (select 1, 2) select * from x",
                                     "values row(1)",
                                     "table t",
                                     "show tables",
                                     "show create table t",
                                     "explain select * from t",
                                     "desc t",
                                     "do 1",
                                     "select * from (select a from t) as d (a)",
                                     "select ifnull(a, 1), concat(a) from t",
                                     "select * from t where a in (select b from u)",
                                     "help 'select'",
                                     "select /* for update */ 'for update' from t",
                                     "select `for`, `update` from t",
                                     "select a from t limit 1;",
                                     "select json_extract(a, '$.b') from t",
                                     "select uuid()"}) {
    INFO(sql);
    CHECK(of(sql).reads_only());
    CHECK(of(sql, mariadb()).reads_only());
  }
}

TEST_CASE("what no replica may answer") {
  for (const std::string_view sql : {"insert into t values (1)",
                                     "replace t values (1)",
                                     "update t set a=1",
                                     "delete from t",
                                     "call p()",
                                     "create table t (a int)",
                                     "drop view v",
                                     "truncate t",
                                     "grant all on *.* to x",
                                     "select * from t for update",
                                     "select * from t for share",
                                     "select * from t lock in share mode",
                                     "select * from t where a=1 for update skip locked",
                                     "(select * from t for update)",
                                     "select get_lock('a', 1)",
                                     "select release_lock('a')",
                                     "select a into @x from t",
                                     "select 1, 2 into @a, @b",
                                     "select @a := 1",
                                     "select @a",
                                     "select last_insert_id()",
                                     "select found_rows()",
                                     "select row_count()",
                                     "select sql_calc_found_rows a from t",
                                     "select @@autocommit",
                                     "show warnings",
                                     "show session status",
                                     "select 1 into outfile '/tmp/x'",
                                     "select f(1)",
                                     "select db.f()",
                                     "select sys.sleep(1)",
                                     "select `sleep`(1)",
                                     "select f (1)",
                                     "set @a = 1",
                                     "use x",
                                     "begin",
                                     "commit",
                                     "start transaction",
                                     "xa start 'x'",
                                     "lock tables t read",
                                     "handler t open",
                                     "prepare x from 'a'",
                                     "execute x",
                                     "kill 1",
                                     "flush tables",
                                     "with x as (select 1) delete from t",
                                     "with x as (select 1) update t set a=1",
                                     "explain analyze update t set a=1",
                                     "explain delete from t",
                                     "nonsense",
                                     "'x'",
                                     "select 1; drop table t",
                                     "select 'a",
                                     "select 1 1.e",
                                     "load data infile 'x' into table t",
                                     "analyze table t",
                                     "select connection_id()",
                                     "select * from t procedure analyse(@a)",
                                     "/*!50000 insert into t values (1) */",
                                     "select 1 /*! for update */",
                                     "set password = 'x'",
                                     "create temporary table t (a int)",
                                     "signal sqlstate '45000'"}) {
    INFO(sql);
    CHECK_FALSE(of(sql).reads_only());
    CHECK_FALSE(of(sql, mariadb()).reads_only());
  }
  for (const std::string_view sql :
       {"select nextval(s)", "select next value for s", "select previous value for s",
        "select lastval(s)", "begin not atomic select 1; end",
        "set statement a=1 for delete from t", "analyze delete from t",
        "insert into t values (1) returning a", "execute immediate 'x'"}) {
    INFO(sql);
    CHECK_FALSE(of(sql, mariadb()).reads_only());
  }
  CHECK(of("set statement max_statement_time=1 for select 1", mariadb()).reads_only());
  CHECK(of("analyze select 1", mariadb()).reads_only());
}

TEST_CASE("kinds") {
  CHECK(kind("") == "empty");
  CHECK(kind(" /* x */ -- y") == "empty");
  CHECK(kind("((select 1))") == "select");
  CHECK(kind("create user x") == "account");
  CHECK(kind("drop role x") == "account");
  CHECK(kind("set default role all to x") == "account");
  CHECK(kind("rollback to x") == "savepoint");
  CHECK(kind("rollback work to savepoint x") == "savepoint");
  CHECK(kind("rollback") == "rollback");
  CHECK(kind("load index into cache t") == "maintain");
  CHECK(kind("load xml infile 'x' into table t") == "load_data");
  CHECK(kind("explain select 1") == "explain");
  CHECK(kind("explain format=json select 1") == "explain");
  CHECK(kind("explain analyze select 1") == "select");
  CHECK(kind("analyze format=json select 1", mariadb()) == "select");
  CHECK(kind("analyze table t") == "maintain");
  CHECK(kind("start slave") == "admin");
  CHECK(kind("start transaction") == "begin");
}

TEST_CASE("transactions") {
  CHECK(has("start transaction", Effect::begins_transaction));
  CHECK(has("begin", Effect::implicit_commit));
  CHECK(has("start transaction with consistent snapshot, read only", Effect::read_only));
  CHECK_FALSE(has("start transaction read write", Effect::read_only));
  CHECK(has("commit and chain", Effect::chains));
  CHECK(has("commit and chain", Effect::begins_transaction));
  CHECK_FALSE(has("commit and no chain", Effect::chains));
  CHECK(has("rollback work release", Effect::releases));
  CHECK_FALSE(has("rollback no release", Effect::releases));
  CHECK_FALSE(has("rollback to a", Effect::ends_transaction));
  CHECK(has("create table t (a int)", Effect::implicit_commit));
  CHECK_FALSE(has("create temporary table t (a int)", Effect::implicit_commit));
  CHECK_FALSE(has("drop temporary table t", Effect::implicit_commit));
  CHECK(has("set autocommit=1", Effect::implicit_commit));
  CHECK(has("set @@autocommit=1", Effect::implicit_commit));
  CHECK_FALSE(has("set sql_mode=''", Effect::implicit_commit));
  CHECK(has("xa commit 'x'", Effect::ends_transaction));
  CHECK_FALSE(has("insert into t values (1)", Effect::implicit_commit));
}

TEST_CASE("settings of the session and of the server") {
  CHECK_FALSE(has("set names utf8mb4", Effect::writes));
  CHECK(has("set names utf8mb4", Effect::changes_session));
  CHECK(has("set global x=1", Effect::writes));
  CHECK(has("set @a=1, persist x=1", Effect::writes));
  CHECK(has("set @@global.x=1", Effect::writes));
  CHECK(has("set global transaction read only", Effect::writes));
  CHECK_FALSE(has("set session x=1", Effect::writes));
  CHECK(has("set @a = f(1)", Effect::calls));
}

TEST_CASE("tables") {
  CHECK(
      tables("select * from a, b.c as d join `e` on d.x = e.x, f where a.y in (select z from g)") ==
      "a b.c e f g");
  CHECK(tables("select * from (a, b) left join (c) using (x)") == "a b c");
  CHECK(tables("select extract(year from x), trim('a' from y) from t") == "t");
  CHECK(tables("select * from (select * from a, b) c, d") == "a b d");
  CHECK(
      tables(
          "insert ignore into a (b, c) select d, e from f on duplicate key update b = values(b)") ==
      "a f");
  CHECK(tables("update low_priority a, b set a.x = 1, b.y = 2") == "a b");
  CHECK(tables("delete from a where b = 1") == "a");
  CHECK(tables("delete a, b from a join b") == "a b");
  CHECK(tables("drop table if exists a, b.c") == "a b.c");
  CHECK(tables("create table if not exists a (b int, c int)") == "a");
  CHECK(tables("truncate table a") == "a");
  CHECK(tables("select 1 from dual") == "");
  CHECK(tables("load data infile 'x' ignore into table a.b (c, d)") == "a.b");
  CHECK(tables("select a from b order by c, d") == "b");
  CHECK(tables("select a from b group by c, d limit 1, 2") == "b");
  CHECK(tables("replace a set b = 1, c = 2") == "a");
  std::string many = "select * from t0";
  for (int i = 1; i < 40; ++i) many += ", t" + std::to_string(i);
  CHECK(of(many).tables().size() == Classification::max_tables);
  CHECK(of(many).more_tables);
}

TEST_CASE("what a guard asks") {
  CHECK(has("delete from t where a = 1", Effect::has_where));
  CHECK(has("update t set a = 1 where status = 1", Effect::has_where));
  CHECK(has("delete from t where (a = 1)", Effect::has_where));
  CHECK_FALSE(has("delete from t", Effect::has_where));
  CHECK_FALSE(has("delete from t where 1 = 1", Effect::has_where));
  CHECK_FALSE(has("delete from t where true or 'a' like 'a'", Effect::has_where));
  CHECK_FALSE(has("update t set a = b where 1 order by c limit 5", Effect::has_where));
  CHECK(has("update t set a = b where 1 order by c limit 5", Effect::has_limit));
  CHECK_FALSE(has("select * from (select 1 limit 1) t", Effect::has_limit));
  CHECK(has("select 1 union select 2", Effect::unions));
  CHECK(has("select/**/1", Effect::comment));
  CHECK(has("select /*!50000 1 */", Effect::version_comment));
  CHECK(has("select sleep(1)", Effect::waits));
  CHECK(has("select benchmark(1, 1)", Effect::waits));
  CHECK(has("select load_file('x')", Effect::reads_file));
  CHECK(has("select 1 into dumpfile 'x'", Effect::writes_file));
}

TEST_CASE("several statements") {
  CHECK(has("select 1; select 2", Effect::several));
  CHECK_FALSE(has("select 1;", Effect::several));
  CHECK_FALSE(has("select 1; ; -- x", Effect::several));
  CHECK_FALSE(has("create procedure p() begin select 1; select 2; end", Effect::several));
  CHECK(has("create procedure p() begin select 1; end; drop table t", Effect::several));
}

TEST_CASE("statements are split behind their end") {
  const auto first = [](std::string_view sql) { return std::string(split(sql, {}).statement); };
  CHECK(first("select 1; select 2") == "select 1");
  CHECK(split("select 1; select 2", {}).rest == " select 2");
  CHECK(split("select 1", {}).rest.empty());
  CHECK(first("select ';' /* ; */ -- ;\n, `;`; x") == "select ';' /* ; */ -- ;\n, `;`");
  CHECK(first("begin; select 1") == "begin");
  for (const std::string program :
       {"create procedure p() begin select 1; select 2; end",
        "create procedure p() begin if a then select 1; else select 2; end if; end",
        "create procedure p() begin while a do set a = if(a, 1, 2); end while; end",
        "create procedure p() l: loop leave l; end loop",
        "create procedure p() begin case a when 1 then select 1; end case; select case a when 1 "
        "then "
        "2 end; end",
        "create procedure p() begin repeat set a = repeat('x', 1); until a end repeat; end",
        "create procedure p() begin declare exit handler for not found begin end; select 1; end",
        "create function f() returns int deterministic begin return 1; end",
        "create trigger t before insert on x for each row begin set new.a = 1; end",
        "create trigger t before insert on x for each row set new.a = if(1, 2, 3)",
        "create event e on schedule every 1 day do begin delete from t; end",
        "begin not atomic select 1; end", "create procedure if not exists p() select 1"}) {
    INFO(program);
    CHECK(first(program + "; select 2") == program);
    CHECK(first(program) == program);
  }
}

TEST_CASE("every prefix of statements is classified") {
  const std::string_view sql =
      "with x (a) as (select f(1) from `a`.b, (c join d using (e))) select @a := 1, sleep(1) into "
      "outfile 'x' from t where a in (select 1) for update; set @@global.x = 1";
  for (std::size_t size = 0; size <= sql.size(); ++size) {
    const test::ExactBytes prefix(as_bytes(sql.substr(0, size)));
    classify(as_text(prefix), {});
    const test::ExactBytes suffix(as_bytes(sql.substr(size)));
    classify(as_text(suffix), mariadb());
  }
}

TEST_CASE("effects have names") {
  CHECK(to_string(Effect::writes) == "writes");
  CHECK(to_string(Effect::invalid) == "invalid");
  for (std::uint32_t bit = 1; bit <= static_cast<std::uint32_t>(Effect::invalid); bit <<= 1) {
    CHECK(to_string(static_cast<Effect>(bit)) != "unknown");
  }
}

TEST_CASE("what servers have shown") {
  // An expression behind SHOW … WHERE runs functions.
  CHECK(has("show tables where f(1)", Effect::writes));
  CHECK(has("show variables where (@a := 1)", Effect::changes_session));
  CHECK(of("show tables where tables_in_x = 'a'").reads_only());
  // Temporary tables commit nothing, temporary sequences do.
  CHECK_FALSE(has("create temporary table t (a int)", Effect::implicit_commit));
  CHECK_FALSE(has("drop temporary table t", Effect::implicit_commit));
  CHECK(has("create temporary sequence s", Effect::implicit_commit, mariadb()));
  CHECK(kind("drop prepare x") == "deallocate");
  CHECK_FALSE(has("drop prepare x", Effect::implicit_commit));
  CHECK(kind("backup stage start", mariadb()) == "admin");
  for (const std::string_view sql : {"call p()", "execute x", "begin not atomic begin; end"}) {
    CHECK(has(sql, Effect::begins_transaction));
    CHECK(has(sql, Effect::implicit_commit));
  }
}
