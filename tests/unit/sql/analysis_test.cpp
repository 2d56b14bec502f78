#include "unit/sql/support.hpp"

#include <mysqlwire/sql/analysis.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::sql;

namespace {

// What classify and digest say, each alone, into a buffer of that size.
void compare(std::string_view sql, const Dialect& dialect, std::size_t size) {
  INFO(sql << " in " << size << " bytes");
  const test::ExactBytes exact(as_bytes(sql));
  std::vector<char> one(size), other(size);
  const Analysis both = analyze(as_text(exact), dialect, one);
  const Classification what = classify(as_text(exact), dialect);
  const Digest shape = digest(as_text(exact), dialect, other);
  CHECK(both.what.kind == what.kind);
  CHECK(both.what.effects == what.effects);
  CHECK(both.what.more_tables == what.more_tables);
  REQUIRE(both.what.tables().size() == what.tables().size());
  for (std::size_t i = 0; i < what.tables().size(); ++i) {
    CHECK(both.what.tables()[i] == what.tables()[i]);
  }
  CHECK(both.digest.text == shape.text);
  CHECK(both.digest.hash == shape.hash);
  CHECK(both.digest.truncated == shape.truncated);
  CHECK(both.digest.invalid == shape.invalid);
}

}  // namespace

TEST_CASE("one reading says what two say") {
  Dialect mariadb;
  mariadb.flavor = Flavor::mariadb;
  mariadb.version = 101119;
  for (const std::string_view sql :
       {"", " ", ";", "select 1", "select 1; delete from t", "select 1;", "call p(1, 'a')",
        "/* c */ select * from t where a = 'x' -- end", "grant all on *.* to x", "nonsense 1 'a",
        "create procedure p() begin select 1; select 2; end; select 3", "select 1 /* open",
        "insert into t (a, b) values (1, 2), (3, 4)", "select a b c; 'x", "begin; select 1;;",
        "select 1; /* c */", "select 1 /*!40000 , 2 */; select 3"}) {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{12}, 4 * sql.size() + 16}) {
      compare(sql, {}, size);
      compare(sql, mariadb, size);
    }
  }
}
