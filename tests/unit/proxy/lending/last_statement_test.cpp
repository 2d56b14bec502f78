#include "proxy/lending/last_statement.hpp"

#include <catch2/catch.hpp>

using mysqlproxy::lending::with_values;

namespace {

constexpr mysqlproxy::lending::LastStatement last{.row_count = -1, .found_rows = 7};

std::string replaced(std::string_view sql) {
  return with_values(sql, last, {}).value_or("as it was");
}

}  // namespace

TEST_CASE("calls become values, and keep their names where they are shown", "[lending]") {
  CHECK(replaced("SELECT FOUND_ROWS()") == "SELECT IF(0, FOUND_ROWS(), 7) AS `FOUND_ROWS()`");
  CHECK(replaced("select row_count ( ) ;") ==
        "select IF(0, row_count ( ), -1) AS `row_count ( )` ;");
  CHECK(replaced("SELECT ROW_COUNT(), FOUND_ROWS() + 1 AS n") ==
        "SELECT IF(0, ROW_COUNT(), -1) AS `ROW_COUNT()`, IF(0, FOUND_ROWS(), 7) + 1 AS n");
  CHECK(replaced("SELECT FOUND_ROWS() AS total") == "SELECT IF(0, FOUND_ROWS(), 7) AS total");
  CHECK(replaced("SELECT SQL_NO_CACHE FOUND_ROWS() LIMIT 1") ==
        "SELECT SQL_NO_CACHE IF(0, FOUND_ROWS(), 7) AS `FOUND_ROWS()` LIMIT 1");
  CHECK(replaced("SELECT DISTINCT ROW_COUNT() UNION ALL SELECT 1") ==
        "SELECT DISTINCT IF(0, ROW_COUNT(), -1) AS `ROW_COUNT()` UNION ALL SELECT 1");
  CHECK(replaced("SELECT GREATEST(1, FOUND_ROWS(), 2)") ==
        "SELECT GREATEST(1, IF(0, FOUND_ROWS(), 7), 2)");
  CHECK(replaced("SET @n = FOUND_ROWS()") == "SET @n = IF(0, FOUND_ROWS(), 7)");
}

TEST_CASE("of several statements only the first asks about the one before", "[lending]") {
  CHECK(replaced("SELECT 1; SELECT ROW_COUNT()") == "as it was");
  CHECK(replaced("SELECT ROW_COUNT(); SELECT ROW_COUNT()") ==
        "SELECT IF(0, ROW_COUNT(), -1) AS `ROW_COUNT()`; SELECT ROW_COUNT()");
}

TEST_CASE("what only looks like a call is left alone", "[lending]") {
  for (const char* sql : {"SELECT 'FOUND_ROWS()'", "SELECT `FOUND_ROWS`()",
                          "SELECT found_rows FROM t", "SELECT 1 /* ROW_COUNT() */", ""})
    CHECK(replaced(sql) == "as it was");
}
