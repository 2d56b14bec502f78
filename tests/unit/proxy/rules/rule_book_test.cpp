#include "proxy/rules/rule_book.hpp"

#include "asking.hpp"

#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

using namespace mysqlproxy;
using namespace mysqlproxy::test;
using rules::Misfit;
using rules::RuleBook;

namespace {

/// One rule "r" that only logs.
Asking with(const std::string& match) {
  return Asking("[[rule]]\nname = \"r\"\nthen = { log = true }\n" + match + "\n");
}

}  // namespace

TEST_CASE("rules match by user, schema, listener and pool", "[rules]") {
  for (const auto& [match, yes] : std::map<std::string, bool>{
           {"when = { user = \"app\" }", true},
           {"when = { user = \"a*\" }", true},
           {"when = { user = \"report\" }", false},
           {"when = { user = [\"report\", \"app\"] }", true},
           {"unless = { user = \"app\" }", false},
           {"unless = { user = \"report\" }", true},
           {"when = { schema = \"SHOP\" }", true},
           {"case_sensitive = true\nwhen = { schema = \"SHOP\" }", false},
           {"when = { schema = \"sho\" }", false},
           {"when = { listener = \"main\" }", true},
           {"when = { listener = \"other\" }", false},
           {"when = { pool = \"main\", user = \"app\" }", true},
           {"when = { pool = \"replicas\", user = \"app\" }", false},
           {"when = { client = \"10.0.0.0/8\" }", true},
           {"when = { client = [\"localhost\", \"10.0.0.%\"] }", true},
           {"when = { client = \"10.1.0.0/16\" }", false},
           {"unless = { client = \"10.1.0.0/16\" }", true},
       }) {
    CAPTURE(match);
    Asking asking = with(match);
    CHECK((asking.ask("select 1") == "r") == yes);
    CHECK((asking.why("select 1").misfit == Misfit::none) == yes);
    CHECK(asking.book->scope(asking.client).nothing() == !yes);
  }
}

TEST_CASE("rules match by what a statement is and does", "[rules]") {
  const std::string select = "select a from shop.orders o join stock where o.id = 5";
  const std::string update = "update orders set a = 1";
  for (const auto& [match, selects, updates] : std::vector<std::tuple<std::string, bool, bool>>{
           {"when = { kind = \"select\" }", true, false},
           {"when = { kind = [\"update\", \"insert\"] }", false, true},
           {"unless = { kind = \"select\" }", false, true},
           {"when = { effect = \"writes\" }", false, true},
           {"when = { effect = \"reads_only\" }", true, false},
           {"when = { effect = [\"has_where\", \"locks\"] }", true, false},
           {"when = { kind = \"update\" }\nunless = { effect = \"has_where\" }", false, true},
           {"when = { table = \"orders\" }", true, true},
           {"when = { table = \"shop.orders\" }", true, true},
           {"when = { table = \"other.orders\" }", false, false},
           {"when = { table = \"*.stock\" }", true, false},
           {"when = { table = \"shop.st*\" }", true, false},
           {"when = { table = \"STOCK\" }", true, false},
           {"case_sensitive = true\nwhen = { table = \"STOCK\" }", false, false},
           {"unless = { table = \"stock\" }", false, true},
           {"when = { match = 'ORDERS\\b' }", true, true},
           {"case_sensitive = true\nwhen = { match = 'ORDERS' }", false, false},
           {"when = { match = '^select .* = 5$' }", true, false},
           {"unless = { match = '^select' }", false, true},
           {"when = { match_digest = '`id` = \\?$' }", true, false},
           {"when = { match = 'a', match_digest = '5' }", false, false},
           {"when = { digest = 'UPDATE `orders` SET `a` = ?' }", false, true},
           {"unless = { digest = 'UPDATE `orders` SET `a` = ?' }", true, false},
       }) {
    CAPTURE(match);
    Asking asking = with(match);
    CHECK((asking.ask(select) == "r") == selects);
    CHECK((asking.ask(update) == "r") == updates);
  }
}

TEST_CASE("a digest's hash is as good as its text", "[rules]") {
  Asking asking = with("when = { digest = 'SELECT ?' }");
  const auto hash = asking.look_at("select 5").digest;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  CHECK(asking.ask("select 7") == "r");
  Asking by_hash = with(std::string("when = { digest = \"") + text + "\" }");
  CHECK(by_hash.ask("select 7 -- again") == "r");
  CHECK(by_hash.ask("select 7, 8").empty());
}

TEST_CASE("regular expressions see line ends and bytes of any kind", "[rules]") {
  Asking asking = with("when = { match = 'select.*password' }");
  CHECK(asking.ask("select 1,\n\r\n password from t") == "r");
  CHECK(asking.ask("select '\xff\xfe\x80', password from t") == "r");
  Asking umlaut = with("when = { match = 'grün' }");
  CHECK(umlaut.ask("select 'grün'") == "r");
  CHECK(umlaut.ask("select 'grn'").empty());
}

TEST_CASE("rules match by the time in their zone", "[rules]") {
  using namespace std::chrono;
  const sys_days friday = year(2026) / 11 / 20;
  for (const auto& [match, at, yes] : std::vector<std::tuple<std::string, minutes, bool>>{
           {"when = { time = \"09:00-17:30\" }", 9h + 0min, true},
           {"when = { time = \"09:00-17:30\" }", 8h + 59min, false},
           {"when = { time = \"09:00-17:30\" }", 17h + 29min, true},
           {"when = { time = \"09:00-17:30\" }", 17h + 30min, false},
           {"when = { time = \"22:00-06:00\" }", 23h, true},
           {"when = { time = \"22:00-06:00\" }", 5h, true},
           {"when = { time = \"22:00-06:00\" }", 6h, false},
           {"when = { time = \"00:00-24:00\" }", 23h + 59min, true},
           {"unless = { time = \"09:00-17:30\" }", 12h, false},
           {"when = { weekday = \"fri\" }", 23h + 59min, true},
           {"when = { weekday = [\"sat\", \"sun\"] }", 23h + 59min, false},
           {"when = { weekday = [\"sat\", \"sun\"] }", 24h, true},
           {"unless = { weekday = \"fri\" }", 1h, false},
       }) {
    CAPTURE(match, at.count());
    Asking asking = with("time_zone = \"UTC\"\n" + match);
    asking.moment.wall = friday + at;
    CHECK((asking.ask("select 1") == "r") == yes);
    Asking east = with("time_zone = \"+02:00\"\n" + match);
    east.moment.wall = friday + at - 2h;
    CHECK((east.ask("select 1") == "r") == yes);
    Asking west = with("time_zone = \"-09:30\"\n" + match);
    west.moment.wall = friday + at + 9h + 30min;
    CHECK((west.ask("select 1") == "r") == yes);
  }
}

TEST_CASE("a percentage is that of the statements", "[rules]") {
  Asking asking = with("percent = 12.5");
  std::size_t hits = 0;
  for (int i = 0; i < 20'000; ++i) {
    asking.moment = rules::Moment::now();
    hits += asking.ask("select 1").empty() ? 0 : 1;
  }
  CHECK(hits > 2'200);
  CHECK(hits < 2'800);
  CHECK(asking.book->rules()[0].state().hits == hits);
}

TEST_CASE("rules that share a throw of the dice do not share its outcome", "[rules]") {
  Asking asking(R"(
[[rule]]
name = "a"
percent = 50
then = { log = true }
[[rule]]
name = "b"
percent = 50
then = { log = true }
)");
  std::set<std::string> seen;
  for (int i = 0; i < 500; ++i) {
    asking.moment = rules::Moment::now();
    seen.insert(asking.ask("select 1"));
  }
  CHECK(seen == std::set<std::string>{"", "a", "b", "a b"});
}

TEST_CASE("the first rule that says what becomes of a statement is the last", "[rules]") {
  Asking asking(R"(
[[rule]]
name = "log"
then = { log = true, delay = "100ms" }
[[rule]]
name = "reads"
when = { effect = "reads_only" }
then = { pool = "replicas" }
[[rule]]
name = "late"
then = { delay = "50ms" }
[[rule]]
name = "writes"
when = { kind = "delete" }
then = { refuse = "no" }
)");
  CHECK(asking.ask("select 1 from t") == "log reads");
  CHECK(asking.decision.pool == "replicas");
  REQUIRE(asking.decision.route != nullptr);
  CHECK(asking.decision.route->config().name == "reads");
  CHECK(asking.decision.delay == std::chrono::milliseconds(100));
  CHECK(asking.ask("delete from t") == "log late writes");
  CHECK(asking.decision.route == nullptr);
  CHECK(asking.decision.delay == std::chrono::milliseconds(150));
  REQUIRE(asking.decision.last_word != nullptr);
  CHECK(asking.decision.last_word->config().then.refuse->text == "no");
  CHECK(asking.ask("insert into t values (1)") == "log late");
  CHECK(asking.decision.last_word == nullptr);
}

TEST_CASE("continue lets a later rule send a statement elsewhere", "[rules]") {
  Asking asking(R"(
[[rule]]
name = "a"
when = { kind = "select" }
then = { pool = "replicas" }
continue = true
[[rule]]
name = "b"
when = { table = "t" }
then = { server = "db3" }
[[rule]]
name = "exempt"
when = { table = "u" }
continue = false
[[rule]]
name = "rest"
then = { server = "db2" }
)");
  CHECK(asking.ask("select * from t") == "a b");
  CHECK(asking.decision.server == "db3");
  CHECK(asking.decision.pool.empty());
  CHECK(asking.ask("select * from u") == "a exempt");
  CHECK(asking.decision.pool == "replicas");
  CHECK(asking.ask("update u set a = 1") == "exempt");
  CHECK(asking.decision.route == nullptr);
  CHECK(asking.ask("update v set a = 1") == "rest");
}

TEST_CASE("what matched is rewritten, with its groups", "[rules]") {
  Asking asking(R"(
[[rule]]
name = "once"
when = { match = '\bold_(\w+)' }
then = { rewrite = 'new_\1' }
[[rule]]
name = "all"
when = { match = 'COLOUR' }
then = { rewrite_all = 'color' }
)");
  CHECK(asking.ask("select colour, Colour from old_t join old_u") == "once all");
  REQUIRE(asking.decision.rewritten);
  CHECK(*asking.decision.rewritten == "select color, color from new_t join old_u");
  CHECK(asking.ask("select 1").empty());
  CHECK_FALSE(asking.decision.rewritten);
}

TEST_CASE("hints in comments choose a pool or a server", "[rules]") {
  Asking asking(R"(
[[rule]]
name = "pool"
when = { hint = "pool" }
then = { pool_from_hint = "pool" }
[[rule]]
name = "server"
when = { hint = "server=db*" }
then = { server_from_hint = "server" }
[[rule]]
name = "fresh"
when = { hint = "fresh=yes" }
then = { log = true }
)");
  CHECK(asking.ask("/* pool=replicas */ select 1") == "pool");
  CHECK(asking.decision.pool == "replicas");
  CHECK(asking.ask("select 1 -- POOL=main") == "pool");
  CHECK(asking.decision.pool == "main");
  CHECK(asking.ask("/* pool=nowhere */ select 1").empty());
  CHECK(asking.why("/* pool=nowhere */ select 1").misfit == Misfit::value);
  CHECK(asking.ask("select /* trace=5, server=db3; fresh=yes */ 1") == "server");
  CHECK(asking.decision.server == "db3");
  CHECK(asking.ask("select 1 # fresh=yes") == "fresh");
  CHECK(asking.ask("select '/* fresh=yes */'").empty());
  CHECK(asking.ask("select 1 /*! , 'fresh=yes' */").empty());
}

TEST_CASE("a value chooses a server of a pool", "[rules]") {
  Asking asking(R"(
[[rule]]
name = "column"
when = { table = "customer" }
then = { hash = { pool = "replicas", column = "id" } }
[[rule]]
name = "group"
when = { match = 'shard (\d+)?' }
then = { hash = { pool = "replicas", group = 1 } }
[[rule]]
name = "parameter"
when = { table = "bound" }
then = { hash = { pool = "replicas", parameter = 2 } }
[[rule]]
name = "hint"
then = { hash = { pool = "replicas", hint = "key" } }
)");
  CHECK(asking.ask("select * from customer where id = 5") == "column");
  CHECK(asking.decision.hash_value == "5");
  const auto five = asking.book->preferred_servers(asking.decision);
  CHECK(five.size() == 3);
  CHECK(asking.ask("update customer set a = 1 where id = '5'") == "column");
  CHECK(asking.book->preferred_servers(asking.decision) == five);
  CHECK(asking.ask("select * from customer where id = -5") == "column");
  CHECK(asking.decision.hash_value == "-5");
  CHECK(asking.ask("select * from customer where id > 5").empty());
  CHECK(asking.why("select * from customer where id > 5").misfit == Misfit::value);
  CHECK(asking.ask("select 'shard 17'") == "group");
  CHECK(asking.decision.hash_value == "17");
  CHECK(asking.ask("select 'shard '").empty());
  CHECK(asking.ask("select * from bound where a = ?").empty());
  asking.statement.parameter = [](std::uint32_t number) -> std::optional<std::string> {
    if (number > 1) return std::nullopt;
    return number == 0 ? "5" : "x";
  };
  CHECK(asking.ask("select * from bound where a = ? and b = ?") == "parameter");
  CHECK(asking.decision.hash_value == "x");
  CHECK(asking.ask("select * from customer where id = ?") == "column");
  CHECK(asking.book->preferred_servers(asking.decision) == five);
  CHECK(asking.ask("select 1 /* key=v1 */") == "hint");
  CHECK(asking.decision.hash_value == "v1");
}

TEST_CASE("rules of the connection are asked once and apart", "[rules]") {
  Asking asking(R"(
[[rule]]
name = "conn"
stage = "connection"
when = { client = "10.0.0.0/8" }
then = { hash = { pool = "replicas", of = "client" } }
[[rule]]
name = "stmt"
then = { log = true }
)");
  CHECK(asking.ask_connection() == "conn");
  CHECK(asking.decision.hash_value == "10.0.0.9");
  CHECK(asking.ask("select 1") == "stmt");
  CHECK_FALSE(asking.book->empty(RuleStage::connection));
  CHECK(asking.why("select 1").misfit == Misfit::stage);
}

TEST_CASE("a verdict names what did not fit", "[rules]") {
  Asking asking(R"(
[[rule]]
enabled = false
then = { log = true }
[[rule]]
when = { kind = "select" }
unless = { schema = "shop" }
then = { log = true }
[[rule]]
when = { kind = "update", match = 'select' }
then = { log = true }
[[rule]]
when = { match = 'select' }
unless = { match = '1' }
then = { log = true }
[[rule]]
when = { kind = "select" }
then = { pool = "main" }
[[rule]]
when = { user = "app" }
then = { log = true }
)");
  CHECK(asking.why("select 1", 0).misfit == Misfit::disabled);
  CHECK(asking.why("select 1", 1).misfit == Misfit::schema);
  CHECK(asking.why("select 1", 1).by_unless);
  CHECK(asking.why("select 1", 2).misfit == Misfit::kind);
  CHECK_FALSE(asking.why("select 1", 2).by_unless);
  CHECK(asking.why("select 1", 3).misfit == Misfit::match);
  CHECK(asking.why("select 1", 3).by_unless);
  CHECK(asking.why("select 1", 4).misfit == Misfit::none);
  CHECK_FALSE(asking.why("select 1", 5).asked);
  CHECK(asking.why("update t set a = 1", 5).asked);
  for (const rules::Rule& rule : asking.book->rules()) CHECK(rule.state().hits == 0);
}

TEST_CASE("hits go on counting over a reload that leaves the rule alone", "[rules]") {
  const std::string first = "[[rule]]\nname = \"a\"\nthen = { log = true }\n";
  const std::string second = "[[rule]]\nname = \"b\"\nthen = { delay = \"100ms\" }\n";
  Asking asking(first + second);
  asking.ask("select 1");
  asking.ask("select 2");
  const Config swapped = config_with(second + first);
  const RuleBook again(swapped, asking.book.get());
  CHECK(again.rules()[0].config().name == "b");
  CHECK(again.rules()[0].state().hits == 2);
  CHECK(again.rules()[1].state().hits == 2);
  const Config changed = config_with("[[rule]]\nname = \"a\"\nthen = { delay = \"1s\" }\n");
  CHECK(RuleBook(changed, &again).rules()[0].state().hits == 0);
}

TEST_CASE("more than 64 rules, with and without expressions", "[rules]") {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += "[[rule]]\nname = \"r" + std::to_string(i) + "\"\nwhen = { match = '\\bt" +
            std::to_string(i) + "\\b' }\nthen = { log = true }\n";
  Asking asking(text);
  CHECK(asking.ask("select * from t150 join t7 join T199") == "r7 r150 r199");
  CHECK(asking.ask("select * from t200").empty());
  CHECK(asking.ask("select * from t64").substr(0) == "r64");
}

TEST_CASE("any thread may ask a book", "[rules]") {
  Asking asking(R"(
[[rule]]
when = { match = 'a+b' }
then = { log = true }
[[rule]]
when = { match_digest = 'SELECT' , match = 'c' }
then = { rate = { per_second = 1000000, by = "user" } }
)");
  std::vector<std::thread> threads;
  std::atomic<int> matched = 0;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      rules::Decision decision;
      std::array<char, 256> buffer{};
      for (int n = 0; n < 500; ++n) {
        rules::Statement statement;
        const auto found = mysqlwire::sql::analyze("select aaab, c", statement.dialect, buffer);
        statement.text = "select aaab, c";
        statement.what = &found.what;
        statement.digest_text = found.digest.text;
        statement.digest = found.digest.hash;
        asking.book->at_statement(asking.book->scope(asking.client), asking.client, statement,
                                  rules::Moment::now(), decision);
        matched += static_cast<int>(decision.matched().size());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(matched == 3000);
  CHECK(asking.book->rules()[1].state().hits == 1500);
}

TEST_CASE("what is remembered of a shape never stands for another statement", "[rules]") {
  constexpr std::string_view text = R"(
[[rule]]
name = "value"
when = { match = '= 5' }
then = { log = true }
[[rule]]
name = "not value"
when = { kind = "select" }
unless = { match = '= 5' }
then = { log = true }
[[rule]]
name = "hint"
when = { hint = "to=replica" }
then = { log = true }
[[rule]]
name = "no hint"
when = { table = "orders" }
unless = { hint = "to=replica" }
then = { log = true }
[[rule]]
name = "shop's"
when = { table = "shop.orders" }
then = { log = true }
[[rule]]
name = "shape"
when = { match_digest = 'WHERE `id`' }
then = { log = true }
)";
  // Two books take turns, so that one's memory would show in the other's answers.
  Asking asking{std::string(text)};
  Asking other{std::string(text.substr(0, text.find("[[rule]]", 20)))};
  const std::vector<std::string> statements{
      "select * from orders where id = 5",
      "select * from orders where id = 6",
      "select /* to=replica */ * from orders where id = 5",
      "select /* to=primary */ * from orders where id = 6",
      "select * from shop.orders where id = 5",
      "select * from hr.orders where id = 5",
      "update orders set a = 5",
      "select 7",
      "select \"orders\" from dual where id = 5",
  };
  std::mt19937 dice(7);
  std::set<std::string> seen;
  for (int i = 0; i < 3000; ++i) {
    const std::string& sql = statements[dice() % statements.size()];
    Asking& one = dice() % 4 == 0 ? other : asking;
    one.client.schema = dice() % 2 == 0 ? "shop" : "hr";
    one.statement.prepared = dice() % 2 == 0;
    one.statement.dialect.ansi_quotes = dice() % 2 == 0;
    CAPTURE(sql, one.client.schema, one.statement.prepared);
    const std::string found = one.ask(sql);
    std::string expected;
    for (std::size_t rule = 0; rule < one.book->rules().size(); ++rule)
      if (one.why(sql, rule).misfit == Misfit::none)
        expected += (expected.empty() ? "" : " ") + one.book->rules()[rule].config().name;
    REQUIRE(found == expected);
    seen.insert(found);
  }
  CHECK(seen.size() > 8);
}

TEST_CASE("a book says whether time or chance has a say", "[rules]") {
  CHECK_FALSE(with("when = { user = \"app\" }").book->asks_moment());
  CHECK(with("percent = 10").book->asks_moment());
  CHECK(with("when = { weekday = \"mon\" }").book->asks_moment());
  CHECK(with("unless = { time = \"09:00-17:00\" }").book->asks_moment());
  CHECK_FALSE(with("enabled = false\npercent = 10").book->asks_moment());
}
