#include "proxy/rules/hints.hpp"
#include "proxy/rules/limits.hpp"
#include "proxy/rules/regex.hpp"
#include "proxy/rules/regex_set.hpp"
#include "proxy/rules/rendezvous.hpp"
#include "proxy/rules/text_pattern.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace mysqlproxy;
using namespace mysqlproxy::rules;
using namespace std::chrono_literals;

TEST_CASE("a star stands for any bytes", "[rules]") {
  CHECK(matches_pattern("", "", false));
  CHECK(matches_pattern("*", "", false));
  CHECK(matches_pattern("a*c", "abbc", false));
  CHECK(matches_pattern("a*c", "ac", false));
  CHECK(matches_pattern("*a*b*", "xxaxxbxx", false));
  CHECK(matches_pattern("*ab", "aab", false));
  CHECK(matches_pattern("APP", "app", true));
  CHECK_FALSE(matches_pattern("APP", "app", false));
  CHECK_FALSE(matches_pattern("a*c", "ab", false));
  CHECK_FALSE(matches_pattern("a", "", false));
  CHECK_FALSE(matches_pattern("", "a", false));
  CHECK(covers_pattern("*", "a*", false));
  CHECK(covers_pattern("a*", "ab*", false));
  CHECK(covers_pattern("a*", "abc", false));
  CHECK_FALSE(covers_pattern("ab*", "a*", false));
  CHECK_FALSE(covers_pattern("abc", "a*", false));
}

TEST_CASE("hints are read where the server finds comments", "[rules]") {
  const auto read = [](std::string_view sql) {
    std::string all;
    const Hints hints = find_hints(sql, {});
    for (const Hint& hint : hints.all())
      all += std::string(hint.key) + ":" + std::string(hint.value) + " ";
    return all;
  };
  CHECK(read("/* pool=reporting */ select 1") == "pool:reporting ");
  CHECK(read("/*pool=a,server=b;c=d\te=f*/select 1/*g=h*/") == "pool:a server:b c:d e:f g:h ");
  CHECK(read("select 1 -- a=b\n + 2 # c=d\n") == "a:b c:d ");
  CHECK(read("select 1 --a=b").empty());
  CHECK(read("select '/* a=b */', \"/* a=b */\", `/* a=b */`").empty());
  CHECK(read("select /*+ MAX_EXECUTION_TIME(1) a=b */ 1").empty());
  CHECK(read("/*!50000 select */ /* a=b */ 1") == "a:b ");
  CHECK(read("/*!99999 a=b */ select 1").empty());
  CHECK(read("/* a = b, =c, d=, e=f=g, h='i', j */ select 1").empty());
  CHECK(read("select 1; /* a=b */ select 2").empty());
  CHECK(read("select 1 /* a=b").empty());
  std::string many;
  for (int i = 0; i < 40; ++i) many += "/* k=v */ ";
  CHECK(find_hints(many + "select 1", {}).all().size() == Hints::most);
}

TEST_CASE("values stay with their member when another one leaves", "[rules]") {
  const std::vector<Member> all{{"db1", 1}, {"db2", 1}, {"db3", 1}, {"db4", 1}};
  const std::vector<Member> left{{"db1", 1}, {"db2", 1}, {"db4", 1}};
  std::map<std::string_view, int> shares;
  int moved = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string value = std::to_string(i);
    const auto before = rendezvous(value, all);
    const auto after = rendezvous(value, left);
    REQUIRE(before.size() == 4);
    const std::string_view first = all[before[0]].name;
    ++shares[first];
    if (first != "db3") {
      CHECK(left[after[0]].name == first);
    } else {
      CHECK(left[after[0]].name == all[before[1]].name);
      ++moved;
    }
  }
  CHECK(moved == shares["db3"]);
  for (const auto& [name, share] : shares) {
    CHECK(share > 2'300);
    CHECK(share < 2'700);
  }
}

TEST_CASE("a member has the share of its weight", "[rules]") {
  const std::vector<Member> all{{"a", 1}, {"b", 3}, {"c", 6}};
  std::vector<int> shares(3);
  for (int i = 0; i < 10'000; ++i) ++shares[rendezvous("key" + std::to_string(i), all)[0]];
  CHECK(shares[0] == Approx(1'000).margin(150));
  CHECK(shares[1] == Approx(3'000).margin(200));
  CHECK(shares[2] == Approx(6'000).margin(200));
  // The same in every version: values must not move with an update of the proxy.
  CHECK(rendezvous("42", all) == std::vector<std::size_t>{2, 1, 0});
  CHECK(rendezvous("42", {}).empty());
}

TEST_CASE("a rate lets a burst through and then one at a time", "[rules]") {
  RateLimit limit({.per_second = 10, .burst = 3, .by = LimitBy::rule, .wait = 0ms});
  const auto start = std::chrono::nanoseconds(5s);
  for (int i = 0; i < 3; ++i) CHECK(limit.take("", start) == 0ns);
  CHECK_FALSE(limit.take("", start));
  CHECK_FALSE(limit.take("", start + 99ms));
  CHECK(limit.take("", start + 100ms) == 0ns);
  CHECK_FALSE(limit.take("", start + 100ms));
  for (int i = 0; i < 3; ++i) CHECK(limit.take("", start + 10s) == 0ns);
  CHECK_FALSE(limit.take("", start + 10s));
}

TEST_CASE("a rate that may wait gives each its turn", "[rules]") {
  RateLimit limit({.per_second = 10, .burst = 1, .by = LimitBy::user, .wait = 250ms});
  CHECK(limit.take("a", 1s) == 0ns);
  CHECK(limit.take("a", 1s) == std::chrono::nanoseconds(100ms));
  CHECK(limit.take("a", 1s) == std::chrono::nanoseconds(200ms));
  CHECK_FALSE(limit.take("a", 1s));
  CHECK(limit.take("b", 1s) == 0ns);
  CHECK(limit.take("a", 1s + 100ms) == std::chrono::nanoseconds(200ms));
}

TEST_CASE("those that are too many wait in line", "[rules]") {
  const auto limit = std::make_shared<ConcurrencyLimit>(
      RuleConcurrency{.max = 2, .by = LimitBy::rule, .wait = 1s});
  std::string woken;
  const auto enter = [&](const char* name) {
    return Permit(limit, limit->enter("", [&woken, name] { woken += name; }));
  };
  Permit a = enter("a");
  Permit b = enter("b");
  CHECK(a.granted());
  CHECK(b.granted());
  Permit c = enter("c");
  Permit d = enter("d");
  Permit e = enter("e");
  CHECK_FALSE(c.granted());
  c = Permit();  // gives up
  a = Permit();
  CHECK(woken == "d");
  CHECK(d.granted());
  CHECK_FALSE(e.granted());
  CHECK(limit->running() == 2);
  d = Permit();
  b = Permit();
  CHECK(woken == "de");
  e = Permit();
  CHECK(limit->running() == 0);
  CHECK(Permit(limit, limit->enter("x", nullptr)).granted());
}

TEST_CASE("limits by key know nothing of other keys", "[rules]") {
  const auto limit = std::make_shared<ConcurrencyLimit>(
      RuleConcurrency{.max = 1, .by = LimitBy::user, .wait = 0ms});
  const Permit a(limit, limit->enter("a", nullptr));
  const Permit b(limit, limit->enter("b", nullptr));
  const Permit again(limit, limit->enter("a", nullptr));
  CHECK(a.granted());
  CHECK(b.granted());
  CHECK_FALSE(again.granted());
}

TEST_CASE("faults of expressions are told in RE2's words", "[rules]") {
  CHECK(regex_fault("a+", false).empty());
  CHECK(regex_fault("(a", false) == "missing ): (a");
  CHECK_FALSE(regex_fault("(?=a)", false).empty());
  CHECK(regex_groups("(a)(?:b)(c)") == 2);
  CHECK(replacement_fault("(a)", "\\1 \\0 \\\\").empty());
  CHECK_FALSE(replacement_fault("(a)", "\\2").empty());
  CHECK_FALSE(replacement_fault("(a)", "\\x").empty());
}

TEST_CASE("a shape rules out expressions that lack what they can't do without", "[rules]") {
  rules::RegexSet set;
  const std::vector<std::string> expressions = {
      "from archive\\d+ ",  // 0: not there
      "FROM t1",            // 1: case is ignored
      "id = 5",             // 2: may touch a number
      "id = [0-9]+",        // 3: stands before one
      "limit 1\\b",         // 4: has a number, not there
      "secret",             // 5: only a string could have it
      "^select",            // 6
      ".",                  // 7: needs nothing
      "7.25",               // 8: a point is any byte
  };
  for (const std::string& one : expressions) set.add(one, false);
  set.compile();
  const auto shapes = std::make_unique<ShapeCache>();
  const auto possible = [&](const std::string& sql) {
    const auto shape = shapes->of_query(sql, {});
    REQUIRE(shape->lasts());
    return set.possible(*shape);
  };
  const auto likely = [&](const std::string& sql) {
    const auto bits = possible(sql);
    std::string all;
    for (std::size_t i = 0; i < expressions.size(); ++i)
      if (rules::has_bit(bits, i)) all += std::to_string(i);
    return all;
  };
  CHECK(likely("SELECT c FROM T1 WHERE id = 77") == "1234678");
  // Without letters a string can have no word in it.
  CHECK(likely("SELECT c FROM t1 WHERE d = '2024-01-31'") == "1678");
  CHECK(likely("SELECT c FROM t1 WHERE d = 'January'") == "012345678");
}

/// Whatever the values are: what matches is possible.
TEST_CASE("no text of a shape matches what its shape rules out", "[rules]") {
  rules::RegexSet set;
  const std::vector<std::string> expressions = {
      "= 1$",     "5 or", "x'",     "in \\(1", "12",   "a1",  "1 ",     "\\.5", "'x",
      "or 1 = 1", "t2",   "\\d{3}", "[^0-9]7", "a=.5", "12'", "'7' or", "= 1'"};
  for (const std::string& one : expressions) set.add(one, false);
  set.compile();
  const auto shapes = std::make_unique<ShapeCache>();
  std::size_t matches = 0;
  for (const std::string before :
       {"select * from t2 where a=", "SELECT a1 FROM t WHERE b IN (", "delete from t where a = "})
    for (const std::string value : {"1", "5", "7", "12", "0.5", "123", "'x'", "'12'", "'= 1'",
                                    "'0.5'", "1 or 1", "5 or 1 = 1", "'7' or '1'"}) {
      const std::string sql = before + value + (before.ends_with('(') ? ")" : "");
      // Found by other values first.
      std::string other = sql;
      for (char& c : other)
        if (c == '1' || c == '5') c = '9';
      for (const std::string& first : {other, sql}) {
        const auto shape = shapes->of_query(first, {});
        if (!shape->lasts()) continue;
        const auto bits = set.possible(*shapes->of_query(sql, {}));
        for (std::size_t i = 0; i < expressions.size(); ++i) {
          if (!RE2::PartialMatch(sql, set.at(i))) continue;
          ++matches;
          INFO(sql << "  " << expressions[i]);
          CHECK(rules::has_bit(bits, i));
        }
      }
    }
  CHECK(matches > 50);
}
