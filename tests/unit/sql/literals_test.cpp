#include "unit/sql/support.hpp"

#include <mysqlwire/sql/literals.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::sql;

namespace {

std::string show(const Literal& literal) {
  std::string text = literal.negative ? "-" : "";
  text += literal.kind == TokenKind::parameter ? "?" + std::to_string(literal.placeholder)
                                               : std::string(literal.text);
  static const char* const uses[] = {"", "=", "in", "set", "row"};
  if (literal.use != LiteralUse::other) {
    text += std::string(" ") + uses[static_cast<int>(literal.use)] + " ";
    if (!literal.table.empty()) text += std::string(literal.table) + ".";
    text += literal.column;
    if (literal.use == LiteralUse::inserted) text += "#" + std::to_string(literal.position);
  }
  return text;
}

std::vector<std::string> all(std::string_view sql, const Dialect& dialect = {}) {
  const test::ExactBytes exact(as_bytes(sql));
  const std::string_view text = as_text(exact);
  std::vector<std::string> result;
  for (Literals literals(text, dialect); literals.next();) {
    const Literal& literal = literals.current();
    CHECK(literal.text.data() >= text.data());
    CHECK(literal.text.data() + literal.text.size() <= text.data() + text.size());
    result.push_back(show(literal));
  }
  return result;
}

std::string value(std::string_view sql, std::string_view column = "id",
                  const Dialect& dialect = {}) {
  const auto found = value_of(sql, dialect, column);
  return found ? show(*found) : "none";
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("every literal of a statement with its place") {
  CHECK(all("select 1, 'a', 1.5, 1e5, x'1f', 0b1, ?, null, true") ==
        List{"1", "'a'", "1.5", "1e5", "x'1f'", "0b1", "?0"});
  CHECK(all("") == List{});
  CHECK(all("select a from t limit 5, 6") == List{"5", "6"});
  CHECK(all("select ?; select ?, 'x") == List{"?0", "?1"});
  CHECK(Literal{.kind = TokenKind::string, .text = "'a''b'"}.content() == "a''b");
  CHECK(Literal{.kind = TokenKind::string, .text = "N'a'"}.content() == "a");
  CHECK(Literal{.kind = TokenKind::integer, .text = "15"}.content() == "15");
}

TEST_CASE("the column that a literal is compared with") {
  CHECK(all("select * from t where id = 5") == List{"5 = id"});
  CHECK(all("select * from t where `id` <=> -5 and b=?") == List{"-5 = id", "?0 = b"});
  CHECK(all("select * from s.t where s.t.id = 5 or t.status = 'a'") ==
        List{"5 = t.id", "'a' = t.status"});
  CHECK(all("select * from t where 5 = t.id and (a = 1)") == List{"5 = t.id", "1 = a"});
  CHECK(all("select * from t where id in (1, -2, ?)") == List{"1 in id", "-2 in id", "?0 in id"});
  CHECK(all("select * from t join u on u.a = 3 where t.b = _utf8mb4'x' order by 1") ==
        List{"3 = u.a", "'x' = t.b", "1"});
  CHECK(all("update t set a = 1, b = 'x', c = c + 1 where id = 7 limit 1") ==
        List{"1 set a", "'x' set b", "1", "7 = id", "1"});
  CHECK(all("delete from t where id = 5") == List{"5 = id"});
}

TEST_CASE("values that are part of something else") {
  for (const std::string_view sql : {"select * from t where id = 5 + 1",
                                     "select * from t where id + 1 = 5",
                                     "select * from t where not id = 5",
                                     "select * from t where f(id = 5)",
                                     "select * from t where if(id = 5, 1, 2)",
                                     "select id = 5 from t",
                                     "select a and id = 5 from t",
                                     "select * from t where (id, b) = (5, 6)",
                                     "select * from t where a between 1 and id = 5",
                                     "select * from t where id not in (5)",
                                     "select * from t where id = 5 collate x",
                                     "select * from t where a = id = 5",
                                     "select * from t where a = case when id = 5 and b then 1 end",
                                     "set id = 5",
                                     "select * from t where id > 5",
                                     "select * from t where id = f(5)",
                                     "select * from t where id in (5 + 1)",
                                     "select * from t where f(id) in (5)",
                                     "select * from t group by id = 5",
                                     "select * from t where - id = 5",
                                     "select * from t where 5 = id + 1",
                                     "select * from t where 1 + 5 = id"}) {
    INFO(sql);
    for (const std::string& literal : all(sql)) CHECK(literal.find("id") == std::string::npos);
  }
}

TEST_CASE("the columns of an INSERT") {
  CHECK(all("insert into t (a, `b`, c) values (1, 'x', ?), (-2, now(), ?)") ==
        List{"1 row a#0", "'x' row b#1", "?0 row c#2", "-2 row a#0", "?1 row c#2"});
  CHECK(all("insert into t values (1, f(2), 3)") == List{"1 row #0", "2", "3 row #2"});
  CHECK(all("insert into s.t partition (p) (a) value (1)") == List{"1 row a#0"});
  CHECK(all("insert t set a = 1, b = 2 on duplicate key update b = 3") ==
        List{"1 set a", "2 set b", "3 set b"});
  CHECK(all("replace t (a) values (1 + 2), (3)") == List{"1", "2", "3 row a#0"});
  CHECK(all("insert into t (a) select 5 from u where b = 6") == List{"5", "6 = b"});
  CHECK(all("insert into t (a) values row(1), row(2)") == List{"1 row a#0", "2 row a#0"});
  CHECK(all("insert into t (a) values (1); insert into u values (2)") ==
        List{"1 row a#0", "2 row #0"});

  std::string wide = "insert into t (", row;
  for (std::size_t i = 0; i <= Literals::max_columns; ++i) {
    wide += (i > 0 ? ",c" : "c") + std::to_string(i);
    row += (i > 0 ? "," : "") + std::to_string(i);
  }
  const List literals = all(wide + ") values (" + row + ")");
  CHECK(literals[Literals::max_columns - 1] == "63 row c63#63");
  CHECK(literals[Literals::max_columns] == "64 row #64");
}

TEST_CASE("the one value of a column") {
  CHECK(value("select * from t where id = 5") == "5 = id");
  CHECK(value("select * from t where `ID` = 5 and (a = 1 or b = 2)") == "5 = ID");
  CHECK(value("select * from t where (a = 1 or b = 2) and (id = 5) order by id") == "5 = id");
  CHECK(value("select * from t where id in (?)") == "?0 in id");
  CHECK(value("update t set id = 6, b = ? where id = ?") == "?1 = id");
  CHECK(value("delete from t where a = 1 and t.id = 'x' limit 1") == "'x' = t.id");
  CHECK(value("insert into t (a, id) values (1, 5), (2, 5)") == "5 row id#1");
  CHECK(value("insert into t set a = 1, id = 5") == "5 set id");
  CHECK(value("(select * from t where id = 5)") == "5 = id");
  CHECK(value("select * from t where id = 5 and b in (select 1 from u where a = 1 or a = 2)") ==
        "5 = id");
  CHECK(value("select * from t where id = 5 and id = 5") == "5 = id");
  CHECK(value("select a or b from t where id = 5; select 1 or id = 6") == "5 = id");

  for (const std::string_view sql : {"select * from t where id = 5 or a = 1",
                                     "select * from t where a = 1 or id = 5",
                                     "select * from t where (id = 5 and b = 1) or a = 1",
                                     "select * from t where not (id = 5)",
                                     "select * from t where id = 5 xor a",
                                     "select * from t where id in (5, 6)",
                                     "select * from t where id = 5 union select * from t",
                                     "(select * from t where id = 5) union (select * from t)",
                                     "select * from t where a in (select 1 from u where id = 5)",
                                     "select (select 1 from u where id = 5) from t",
                                     "select * from t left join u on id = 5",
                                     "select * from t having id = 5",
                                     "select * from t where id = 5 and id = 6",
                                     "insert into t (id) values (5), (6)",
                                     "insert into t (id) values (5), (default)",
                                     "insert into t values (5)",
                                     "insert into t (a) select a from u where id = 5",
                                     "insert into t (a) values (1) on duplicate key update id = 5",
                                     "with x as (select * from t where id = 5) select * from x",
                                     "select * from t; select * from t where id = 5",
                                     "update t set id = 5",
                                     ""}) {
    INFO(sql);
    CHECK(value(sql) == "none");
  }
  Dialect concat;
  concat.pipes_as_concat = true;
  CHECK(value("select * from t where id = 5 || a", "id", concat) == "none");
  CHECK(value("select * from t where id = 5 && a") == "5 = id");
}
