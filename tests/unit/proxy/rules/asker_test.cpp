#include "proxy/rules/asker.hpp"

#include "asking.hpp"

#include <memory>
#include <string>

using namespace mysqlproxy;
using mysqlwire::Command;

namespace {

/// One session's questions, with what a session knows.
class Session {
 public:
  explicit Session(ShapeCache& shapes) : shapes_(shapes) {
    facts.user = "app";
    facts.schema = "shop";
    facts.address = "10.0.0.9:41234";
    facts.listener = "main";
    facts.pool = "main";
  }

  void use(const test::Asking& rules) {
    asker.use(std::make_shared<rules::RuleBook>(rules.config));
  }

  /// The names of the rules that match, with blanks between.
  std::string ask(const std::string& sql) {
    const auto shape = shapes_.of_query(sql, {});
    Inspection inspection;
    inspection.command = Command::com_query;
    inspection.text = sql;
    inspection.what = &shape->what;
    inspection.digest = shape->digest;
    inspection.digest_text = shape->digest_text;
    inspection.shape = shape->lasts() ? shape.get() : nullptr;
    std::string all;
    for (const rules::Rule* rule : asker.ask(facts, inspection, {}).matched())
      all += (all.empty() ? "" : " ") + rule->config().name;
    CHECK(asker.decision().nothing() == all.empty());
    return all;
  }

  ConnectionFacts facts;
  rules::Asker asker;

 private:
  ShapeCache& shapes_;
};

}  // namespace

TEST_CASE("a rule of one user is not forgotten over another's silence", "[rules]") {
  const test::Asking rules(R"(
[[rule]]
name = "report"
when = { user = "report" }
then = { log = true }
)");
  const auto shapes = std::make_unique<ShapeCache>();
  Session app(*shapes);
  Session report(*shapes);
  report.facts.user = "report";
  app.use(rules);
  report.use(rules);
  for (int times = 0; times < 3; ++times) {
    CHECK(app.ask("SELECT 5").empty());
    CHECK(report.ask("SELECT 7") == "report");
  }
  // COM_CHANGE_USER.
  app.facts.user = "report";
  app.asker.facts_changed();
  CHECK(app.ask("SELECT 5") == "report");
}

TEST_CASE("what no rule can match is remembered, by schema and by book", "[rules]") {
  const test::Asking of_shop(
      "[[rule]]\nname = \"shop\"\nwhen = { table = \"shop.t\" }\n"
      "then = { log = true }\n");
  const test::Asking of_five(
      "[[rule]]\nname = \"five\"\nwhen = { match = \"id = 5\" }\n"
      "then = { log = true }\n");
  const auto shapes = std::make_unique<ShapeCache>();
  Session one(*shapes);
  one.use(of_shop);
  const auto to_schema = [&](const char* schema) {
    one.facts.schema = schema;
    one.asker.facts_changed();
  };
  const std::string sql = "SELECT a FROM t WHERE id = 5";
  for (int times = 0; times < 3; ++times) {
    to_schema("other");
    for (int i = 0; i < 3; ++i) CHECK(one.ask(sql).empty());
    to_schema("shop");
    for (int i = 0; i < 3; ++i) CHECK(one.ask(sql) == "shop");
  }
  to_schema("other");
  CHECK(one.ask(sql).empty());
  CHECK(shapes->of_query(sql, {})->quiet_scope != 0);
  // A reload.
  one.use(of_five);
  CHECK(one.ask(sql) == "five");
  CHECK(one.ask("SELECT a FROM t WHERE id = 7").empty());
  CHECK(one.ask("INSERT INTO t VALUES (5)").empty());
  CHECK(one.ask("INSERT INTO t VALUES (6)").empty());
  one.asker.use(nullptr);
  CHECK(one.ask(sql).empty());
}

TEST_CASE("schemas beyond those that are remembered are asked about all the same", "[rules]") {
  const test::Asking rules(
      "[[rule]]\nname = \"last\"\nwhen = { table = \"s5000.t\" }\nthen = { log = true }\n");
  const auto shapes = std::make_unique<ShapeCache>();
  Session one(*shapes);
  one.use(rules);
  const std::string sql = "SELECT a FROM t WHERE id = 5";
  rules::Client client;
  for (int i = 0; i < 5000; ++i) {
    const std::string schema = "s" + std::to_string(i);
    client.schema = schema;
    const bool remembered = rules.book->scope(client).id() != 0;
    CHECK(remembered == (i < 4096));
  }
  // Two that are not, by turns: what is found of one is not said of the other.
  const auto ask_in = [&](const char* schema) {
    one.facts.schema = schema;
    one.asker.facts_changed();
    return one.ask(sql);
  };
  for (int i = 0; i < 5000; ++i) CHECK(ask_in(("s" + std::to_string(i)).c_str()).empty());
  for (int times = 0; times < 3; ++times) {
    CHECK(ask_in("s4999").empty());
    CHECK(ask_in("s5000") == "last");
    CHECK(ask_in("s1").empty());
  }
}

TEST_CASE("users with the same rules share what is remembered", "[rules]") {
  const test::Asking rules(
      "[[rule]]\nname = \"one\"\nwhen = { kind = \"delete\" }\nthen = { log = true }\n"
      "[[rule]]\nname = \"two\"\nwhen = { user = \"report\" }\nthen = { log = true }\n");
  rules::Client client;
  client.user = "app";
  client.schema = "shop";
  const auto scope = rules.book->scope(client);
  CHECK(scope.id() != 0);
  client.schema = "other";  // no rule asks for it
  client.user = "another";
  CHECK(rules.book->scope(client).id() == scope.id());
  client.user = "report";
  CHECK(rules.book->scope(client).id() != scope.id());
  CHECK(rules::RuleBook(rules.config).scope(client).id() != rules.book->scope(client).id());
}
