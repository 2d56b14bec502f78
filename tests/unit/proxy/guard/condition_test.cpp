#include "proxy/guard/condition.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace mysqlproxy;

namespace {

Conditions read(const std::string& sql) { return read_conditions(sql, {}); }
Conditions where(const std::string& condition) { return read("DELETE FROM t WHERE " + condition); }

}  // namespace

TEST_CASE("a WHERE that comes to the same for every row is found", "[guard]") {
  for (const char* condition : {"1",
                                "1=1",
                                "'a'='a'",
                                "'a' = 'A '",
                                "id=id",
                                "id = `ID`",
                                "`t`.id = id",
                                "1 OR id = 5",
                                "id = 5 OR 1",
                                "id = 5 OR 'x'='x'",
                                "id=5 || 2>1",
                                "NOT 0",
                                "!0",
                                "!(1=2)",
                                "1+1=2",
                                "2*3>5",
                                "-1",
                                "id <=> id",
                                "id >= id",
                                "id LIKE id",
                                "name LIKE '%'",
                                "name LIKE '%%'",
                                "id IN (id)",
                                "id IN (3, id)",
                                "5 IN (4, 5)",
                                "5 BETWEEN 1 AND 9",
                                "id BETWEEN id AND id",
                                "(((1)))",
                                "(id = id)",
                                "TRUE",
                                "true and 1",
                                "1 IS TRUE",
                                "NULL IS NULL",
                                "5 IS NOT NULL",
                                "CHAR(65)=CHAR(65)",
                                "ASCII('a') = 97",
                                "'1' = 1",
                                "0x61 = 'a'",
                                "b'1'",
                                "1 = 1 -- x",
                                "NOT (id <> id)",
                                "NOT id <> id",
                                "id = 5 OR NOT 1 = 2",
                                "1 XOR 0",
                                "id = 3 OR (2 OR id)",
                                "1 /*!50000 OR 1 */",
                                "1e0",
                                ".5",
                                "_utf8mb4'a' = 'a'",
                                "'a' 'b' = 'ab'",
                                "0 = 1",
                                "id = 5 AND 0",
                                "NULL",
                                "1 = 2 OR 3 = 4",
                                "CASE WHEN 1 THEN 1 END IS NULL OR 1",
                                "id DIV id = id DIV id"}) {
    CAPTURE(condition);
    CHECK(where(condition).constant_where);
  }
}

TEST_CASE("a WHERE that depends on the row is left alone", "[guard]") {
  for (const char* condition : {"id = 5",
                                "id",
                                "id = other",
                                "t.id = u.id",
                                "a = 5 OR b = 6",
                                "a AND 1",
                                "id = 1 + 1",
                                "name LIKE 'a%'",
                                "id IN (1, 2, 3)",
                                "id IN (SELECT id FROM u)",
                                "id BETWEEN 1 AND id",
                                "f(id) = 1",
                                "id = RAND()",
                                "RAND() = RAND()",
                                "EXISTS (SELECT 1)",
                                "NOT id",
                                "-id = 5",
                                "id IS NULL",
                                "id IS NOT TRUE",
                                "CASE WHEN id THEN 1 END",
                                "@a = @a + 1",
                                "id > NOW() - "
                                "INTERVAL 1 DAY",
                                "a = 1 AND b = 2",
                                "(a, b) = (1, 2)",
                                "doc->'$.a' = 1",
                                "NOW() = 5"}) {
    CAPTURE(condition);
    CHECK_FALSE(where(condition).constant_where);
    CHECK_FALSE(where(condition).too_complex);
  }
}

TEST_CASE("tautologies are found wherever conditions stand", "[guard]") {
  for (const char* sql :
       {"SELECT a FROM t WHERE id = 5 AND 7=7", "SELECT a FROM t WHERE id = 5 AND 'x' LIKE 'x'",
        "SELECT a FROM t WHERE id = 5 OR 1", "SELECT a FROM t WHERE id = '' OR ''=''",
        "SELECT a FROM t WHERE id IN (SELECT b FROM u WHERE 1=1)",
        "SELECT a FROM t GROUP BY a HAVING 3 > 2", "SELECT a FROM t JOIN u ON 1=1",
        "SELECT a FROM t ORDER BY IF(1=1, a, b)", "SELECT (CASE WHEN (2=2) THEN 1 ELSE 0 END)",
        "SELECT a FROM t WHERE id = 1 AND id=id", "SELECT a, 1=1 FROM t",
        "SELECT a x, IF(2>1, b, c) FROM t", "SELECT a FROM t WHERE id = 5 AND NOT 1=2",
        "SELECT a FROM t WHERE id=5 AND (1)", "SELECT a FROM t WHERE name='' OR 'a' IN ('a')",
        "UPDATE t SET a = 1 WHERE b = 2 AND ORD(MID('abc',1,1)) > 64"}) {
    CAPTURE(sql);
    CHECK(read(sql).tautology);
  }
  for (const char* sql :
       {"SELECT a FROM t WHERE id = 5", "SELECT 1", "SELECT a FROM t WHERE ('x' = '' OR a = 'x')",
        "INSERT INTO t VALUES (1, 1) ON DUPLICATE KEY UPDATE a = 1", "SELECT COUNT(*) FROM t",
        "SELECT a FROM t WHERE id = ? AND ? = ?", "SELECT a FROM t ORDER BY 1, 2 DESC LIMIT 5",
        "SELECT a FROM t JOIN u ON t.id = u.id WHERE u.b = 2", "SELECT DISTINCT a AS b FROM t",
        "SELECT a FROM t WHERE d > DATE_SUB(NOW(), INTERVAL 7 DAY)",
        "SELECT IF(a = 1, 2, 3) FROM t",
        "SELECT SUM(CASE WHEN a = 1 THEN 1 ELSE 0 END) FROM t WHERE id = 1 AND 1 = 2"}) {
    CAPTURE(sql);
    CHECK_FALSE(read(sql).tautology);
  }
}

TEST_CASE("whether the values matter is told", "[guard]") {
  CHECK(read("SELECT a FROM t WHERE ('x' = '' OR a = 'x')").depends_on_values);
  CHECK_FALSE(read("SELECT a FROM t WHERE a = 'x' AND b = 'c'").depends_on_values);
  // Another text may be '%', and that is every one.
  CHECK(read("SELECT a FROM t WHERE a = 'x' AND b LIKE 'c'").depends_on_values);
  CHECK_FALSE(read("SELECT a FROM t WHERE `5` = 5").depends_on_values);
  CHECK_FALSE(read("SELECT a FROM t WHERE `5` = 5").tautology);
  CHECK(read("SELECT a FROM t WHERE a + 1 = a + 2").depends_on_values);
  CHECK_FALSE(read("SELECT a FROM t WHERE a = a").depends_on_values);
}

TEST_CASE("what is too much to read is said to be", "[guard]") {
  CHECK(where(std::string(500, '(') + "1" + std::string(500, ')')).too_complex);
  std::string many = "id = 1";
  for (int i = 0; i < 10'000; ++i) many += " OR id = 1";
  CHECK(where(many).too_complex);
  CHECK(where("1" + std::string(30'000, '+')).too_complex);
}

TEST_CASE("conditions of any bytes are read to their end", "[guard]") {
  const std::string statements[] = {"DELETE FROM t WHERE (((",
                                    "SELECT a WHERE CASE",
                                    "WHERE",
                                    "WHERE WHERE WHERE",
                                    "SELECT ( ) WHERE ) ( 1",
                                    "SELECT a FROM t WHERE a IN",
                                    "WHERE a BETWEEN 1",
                                    "WHERE x'6' = 0x",
                                    "WHERE a COLLATE",
                                    "WHERE a -> ",
                                    "WHERE ''",
                                    "WHERE a.",
                                    "WHERE f(,,)",
                                    "WHERE @ := ",
                                    "SELECT , , 1=1"};
  for (const std::string& sql : statements)
    for (std::size_t size = 0; size <= sql.size(); ++size) read(sql.substr(0, size));
}
