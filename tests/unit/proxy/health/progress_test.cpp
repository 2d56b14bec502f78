#include "proxy/health/progress.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>
#include <string>

using namespace mysqlproxy;

namespace {

const std::string a = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const std::string b = "3E11FA47-71CA-11E1-9E33-C80AA9429563";

Progress mysql(const std::string& set) {
  const auto progress = Progress::mysql(set);
  REQUIRE(progress);
  return *progress;
}

Progress mariadb(const std::string& position) {
  const auto progress = Progress::mariadb(position);
  REQUIRE(progress);
  return *progress;
}

std::string text_of(const std::set<unsigned>& numbers) {
  std::string text = a;
  for (const unsigned one : numbers) text += ":" + std::to_string(one);
  return numbers.empty() ? "" : text;
}

}  // namespace

TEST_CASE("sets of MySQL's GTIDs are compared", "[health][gtid]") {
  CHECK(mysql("").empty());
  CHECK(mysql(a + ":1-5") == mysql(a + ":1-3:4:5"));
  CHECK(mysql(a + ":1-5") > mysql(a + ":1-4"));
  CHECK(mysql(a + ":1-5") < mysql(a + ":1-5,\n" + b + ":1"));
  CHECK((mysql(a + ":1-5") <=> mysql(b + ":1-5")) == std::partial_ordering::unordered);
  CHECK((mysql(a + ":1-5:7") <=> mysql(a + ":1-6")) == std::partial_ordering::unordered);
  CHECK(mysql(a + ":1").has(mysql("")));
  CHECK_FALSE(mysql("").has(mysql(a + ":1")));
  // Letters of either case, and tags.
  CHECK(mysql(b + ":1") == mysql("3e11fa47-71ca-11e1-9e33-c80aa9429563:1"));
  CHECK(mysql(a + ":1-3:tag:1-2") > mysql(a + ":tag:1-2"));
  CHECK((mysql(a + ":1-3:tag:1-2") <=> mysql(a + ":1-5")) == std::partial_ordering::unordered);
  for (const std::string bad : {"x", "uuid:1", ":", ","}) CHECK_FALSE(Progress::mysql(bad));
  for (const std::string bad : {"", ":", ":0", ":5-3", ":1-", ":1-x", ":99999999999999999999"}) {
    CAPTURE(bad);
    CHECK_FALSE(Progress::mysql(a + bad));
  }
  CHECK(mysql(a + ":18446744073709551615") == mysql(a + ":18446744073709551615"));
}

TEST_CASE("sets of MySQL's GTIDs are sets", "[health][gtid]") {
  std::mt19937 dice(77);
  const auto some = [&] {
    std::set<unsigned> numbers;
    const auto count = static_cast<unsigned>(dice() % 12);
    for (unsigned i = 0; i < count; ++i) numbers.insert(static_cast<unsigned>(1 + dice() % 14));
    return numbers;
  };
  for (int run = 0; run < 2000; ++run) {
    const auto first = some();
    const auto second = some();
    const Progress one = mysql(text_of(first));
    const Progress two = mysql(text_of(second));
    REQUIRE(one.has(two) == std::ranges::includes(first, second));
    auto both = first;
    both.insert(second.begin(), second.end());
    Progress sum = one;
    sum.add(two);
    REQUIRE(sum == mysql(text_of(both)));
  }
}

TEST_CASE("MariaDB's positions are compared by domain", "[health][gtid]") {
  CHECK(mariadb("0-1-55") > mariadb("0-1-54"));
  CHECK(mariadb("0-2-55") > mariadb("0-1-54"));
  CHECK(mariadb("0-1-55,1-1-3") > mariadb("0-1-55"));
  CHECK((mariadb("0-1-55,1-1-3") <=> mariadb("0-1-56,1-1-2")) == std::partial_ordering::unordered);
  // Both have written a 55th transaction of their own.
  CHECK((mariadb("0-1-55") <=> mariadb("0-2-55")) == std::partial_ordering::unordered);
  CHECK(mariadb("") < mariadb("0-1-1"));
  Progress sum = mariadb("0-1-55,1-1-3");
  sum.add(mariadb("0-2-56,2-9-1"));
  CHECK(sum == mariadb("0-2-56,1-1-3,2-9-1"));
  for (const char* bad : {"0", "0-1", "0-1-", "0-1-x", "x-1-1", "0-1-1-1", "-1-1"})
    CHECK_FALSE(Progress::mariadb(bad));
}
