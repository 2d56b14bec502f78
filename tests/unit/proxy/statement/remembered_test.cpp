// What is remembered of a statement's shape is true of every other statement of that shape: rules
// and guard say the same of the next one as they do of one that comes for the first time.
#include "../rules/asking.hpp"
#include "proxy/guard/condition.hpp"
#include "proxy/guard/guard.hpp"

#include <mysqlwire/sql/lexer.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace mysqlproxy;
using mysqlwire::Command;
using mysqlwire::sql::Dialect;
using mysqlwire::sql::Lexer;
using mysqlwire::sql::Token;
using mysqlwire::sql::TokenKind;

namespace {

/// Those that the corpus begins with.
constexpr std::size_t own_statements = 30;

/// Conditions that are up to their values, and the statements that servers are asked about.
std::vector<std::string> corpus() {
  std::vector<std::string> statements = {"DELETE FROM t WHERE a LIKE 'x'",
                                         "DELETE FROM t WHERE a NOT LIKE 'x'",
                                         "DELETE FROM t WHERE NOT (a NOT LIKE 'x')",
                                         "DELETE FROM t WHERE id = 5 OR a LIKE 'x'",
                                         "DELETE FROM t WHERE `5` = 7",
                                         "DELETE FROM t WHERE 7 = `5`",
                                         "DELETE FROM t WHERE id + 1 = id + 2",
                                         "DELETE FROM t WHERE id IN (id + 1)",
                                         "DELETE FROM t WHERE id BETWEEN 1 AND 2",
                                         "DELETE FROM t WHERE 3 BETWEEN 1 AND 2",
                                         "DELETE FROM t WHERE 3 IN (1, 2)",
                                         "DELETE FROM t WHERE id = 5 AND 1",
                                         "DELETE FROM t WHERE id = 5 XOR 1",
                                         "DELETE FROM t WHERE NOT 1",
                                         "DELETE FROM t WHERE 1 - 1",
                                         "DELETE FROM t WHERE 'x'",
                                         "DELETE FROM t WHERE id = 'x' OR 'a' LIKE 'b'",
                                         "UPDATE orders SET a = 1 WHERE id = 2",
                                         "UPDATE orders SET a = 1 WHERE id = 2 LIMIT 3",
                                         "SELECT a FROM t WHERE id = 1 OR 2 > 3",
                                         "SELECT a FROM t WHERE id = 1 GROUP BY a HAVING 2 < 3",
                                         "SELECT CASE WHEN 1 THEN 2 END FROM t",
                                         "SELECT a FROM t WHERE id = 1 AND SLEEP(2)",
                                         "SELECT a FROM archive7 WHERE id = 7",
                                         "SELECT a FROM shop.orders WHERE id = 1 AND c = 'x'",
                                         "INSERT INTO orders (id, c) VALUES (1, 'x'), (2, 'y')",
                                         "SELECT 1, 2 -1, 3",
                                         "COMMIT",
                                         "UPDATE t SET a = b WHERE c > d",
                                         "INSERT INTO t (a) SELECT b FROM u"};
  std::ifstream file(MYSQLWIRE_STATEMENTS);
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] != '#') statements.push_back(line);
  return statements;
}

/// The statement with other values in it.
std::string varied(const std::string& sql, const Dialect& dialect, std::mt19937& random) {
  static const std::vector<std::string> numbers = {
      "0", "1", "2", "5", "7", "007", "1.0", "0.5", "42", "123456789012345678901"};
  static const std::vector<std::string> strings = {
      "''",      "'x'",    "'%'",  "'%%'",        "'1'",        "'0'",
      "'it''s'", "'-- 5'", "'/*'", "\"x\"",       "'or 1=1'",   "'from archive5 '",
      "'5'",     "' '",    "'a'",  "'pool=fast'", "'sleep(1)'", "'\xc3\xa9'",
      "'7/7/7'"};
  std::string result;
  std::size_t done = 0;
  Lexer lexer(sql, dialect);
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    const auto at = static_cast<std::size_t>(token.text.data() - sql.data());
    const std::vector<std::string>* values = nullptr;
    if (token.kind == TokenKind::integer || token.kind == TokenKind::decimal) values = &numbers;
    if (token.kind == TokenKind::string && (token.text[0] == '\'' || token.text[0] == '"'))
      values = &strings;
    if (values == nullptr || random() % 4 == 0) continue;
    result.append(sql, done, at - done);
    result += (*values)[random() % values->size()];
    done = at + token.text.size();
  }
  return result.append(sql, done);
}

std::array<Dialect, 6> dialects() {
  std::array<Dialect, 6> all;
  all[1].no_backslash_escapes = true;
  all[2].ansi_quotes = true;
  all[3].pipes_as_concat = true;
  all[4].flavor = mysqlwire::Flavor::mariadb;
  all[4].version = 101100;
  all[5].multibyte = mysqlwire::sql::Multibyte::gbk;
  return all;
}

Inspection inspection_of(std::string_view sql, const Shape& shape, Command command) {
  Inspection inspection;
  inspection.command = command;
  inspection.text = sql;
  inspection.what = &shape.what;
  inspection.digest = shape.digest;
  inspection.digest_text = shape.digest_text;
  inspection.digest_truncated = shape.digest_truncated;
  return inspection;
}

}  // namespace

TEST_CASE("a guard that remembers shapes judges as one that does not", "[shape][guard]") {
  const auto statements = corpus();
  REQUIRE(statements.size() > 1000);
  GuardConfig config;
  for (std::size_t i = 0; i < guard_checks; ++i)
    config.settings.modes[i] = i % 3 == 0 ? GuardMode::observe : GuardMode::enforce;
  config.settings.mode(GuardCheck::unknown_digest) = GuardMode::off;
  config.settings.limit_tables = {"orders", "shop.t"};
  config.settings.max_statement_size = 60;
  config.settings.deny = {"SELECT a FROM archive7 WHERE id = 7"};
  GuardConfig lenient;  // finds nothing but what it is asked for here
  lenient.settings.mode(GuardCheck::no_where) = GuardMode::enforce;
  lenient.settings.mode(GuardCheck::no_limit) = GuardMode::enforce;
  lenient.settings.limit_tables = {"shop.t"};
  const Guard strict_guard(config, {});
  const Guard lenient_guard(lenient, {});
  const std::array guards = {&strict_guard.of("app"), &lenient_guard.of("app")};
  const auto all_dialects = dialects();
  const auto cache = std::make_unique<ShapeCache>();
  std::mt19937 random(11);  // NOLINT: the same each time
  std::size_t found = 0;
  std::size_t remembered = 0;
  for (int turn = 0; turn < 60'000; ++turn) {
    const Dialect& dialect = all_dialects[random() % 8 % all_dialects.size()];
    // Those of the beginning more often than the servers' corpus.
    const std::size_t most = turn % 2 == 0 ? own_statements : statements.size();
    const std::string sql = varied(statements[random() % most], dialect, random);
    const bool prepared = random() % 8 == 0;
    const Command command = prepared ? Command::com_stmt_prepare : Command::com_query;
    ConnectionFacts facts;
    facts.user = "app";
    facts.schema = random() % 2 == 0 ? "shop" : "other";
    const UserGuard& guard = *guards[random() % guards.size()];
    const auto shape = prepared ? cache->of_prepared(sql, dialect) : cache->of_query(sql, dialect);
    Inspection inspection = inspection_of(sql, *shape, command);
    inspection.shape = shape->lasts() ? shape.get() : nullptr;
    const GuardFindings by_shape = guard.judge(facts, inspection, dialect);
    const auto other_cache = std::make_unique<ShapeCache>();
    const auto fresh = other_cache->of_query(sql, dialect);
    const GuardFindings anew = guard.judge(facts, inspection_of(sql, *fresh, command), dialect);
    INFO(sql << " in " << facts.schema);
    CHECK(by_shape.refused == anew.refused);
    CHECK(by_shape.observed == anew.observed);
    // The cache of tautologies is behind both.
    const Conditions conditions = read_conditions(sql, dialect);
    if (&guard == guards[0])
      CHECK((anew.refused.has(GuardCheck::tautology) || anew.observed.has(GuardCheck::tautology)) ==
            conditions.tautology);
    found += anew.clean() ? 0 : 1;
    remembered += inspection.shape != nullptr && inspection.shape->guard.guard != 0 ? 1 : 0;
  }
  CHECK(found > 5000);
  CHECK(remembered > 5000);
}

TEST_CASE("rules that remember shapes match as those that do not", "[shape][rules]") {
  const auto statements = corpus();
  const std::string rules = R"toml(
[[rule]]
name = "digit"
when = { match = "= 5" }
then = { log = true }
continue = true
[[rule]]
name = "archive"
when = { match = "from archive\\d " }
then = { log = true }
continue = true
[[rule]]
name = "quoted archive"
when = { match = "'from archive5 '" }
then = { log = true }
continue = true
[[rule]]
name = "zeros"
when = { match = "\\b007\\b" }
then = { log = true }
continue = true
[[rule]]
name = "fraction"
when = { match = "0\\.5" }
then = { log = true }
continue = true
[[rule]]
name = "any value"
when = { match = "id = (\\S+)", kind = "select" }
then = { hash = { group = 1, pool = "replicas" } }
continue = true
[[rule]]
name = "no digit"
when = { kind = ["select", "delete"] }
unless = { match = "[0-9]" }
then = { log = true }
continue = true
[[rule]]
name = "cut number"
when = { match = "34567" }
then = { log = true }
continue = true
[[rule]]
name = "list"
when = { match = ", 2\\)" }
then = { log = true }
continue = true
[[rule]]
name = "same text"
when = { match = "^SELECT a FROM archive7 WHERE id = 7$" }
case_sensitive = true
then = { log = true }
continue = true
[[rule]]
name = "digest"
when = { match_digest = "LIKE \\?" }
unless = { table = "u" }
then = { log = true }
continue = true
[[rule]]
name = "of the shop"
when = { table = "shop.t", kind = "delete" }
then = { log = true }
continue = true
[[rule]]
name = "hint"
when = { hint = "pool=fast" }
then = { log = true }
continue = true
[[rule]]
name = "column"
when = { table = "orders" }
then = { hash = { column = "id", pool = "replicas" } }
continue = true
[[rule]]
name = "of one user"
when = { user = "report", kind = "insert" }
then = { log = true }
continue = true
[[rule]]
name = "signs"
when = { match = "7/7" }
then = { log = true }
continue = true
[[rule]]
name = "sign and quote"
when = { match = "/7'" }
then = { log = true }
continue = true
[[rule]]
name = "rewritten"
when = { match = "'x'" }
then = { rewrite_all = "'y'" }
continue = true
)toml";
  test::Asking first(rules);
  test::Asking second(
      rules + "[[rule]]\nname = \"more\"\nwhen = { match = \"42\" }\nthen = { log = true }\n");
  const std::array books = {&first, &second};
  const auto all_dialects = dialects();
  const auto cache = std::make_unique<ShapeCache>();
  std::mt19937 random(13);  // NOLINT: the same each time
  std::size_t matched = 0;
  std::size_t remembered = 0;
  std::size_t quiet = 0;
  test::Asking* asked = nullptr;
  for (int turn = 0; turn < 80'000; ++turn) {
    const std::size_t most = turn % 2 == 0 ? own_statements : statements.size();
    // A session asks more than once before another does; or two of them by turns.
    const bool alone = turn / 500 % 2 == 0;
    if (!alone || turn % 500 == 0) {
      asked = books[random() % books.size()];
      asked->client.schema = random() % 2 == 0 ? "shop" : "other";
      asked->client.user = random() % 2 == 0 ? "app" : "report";
    }
    test::Asking& asking = *asked;
    rules::Statement& statement = asking.statement;
    statement.dialect = all_dialects[random() % 8 % all_dialects.size()];
    statement.prepared = random() % 8 == 0;
    const std::string sql = varied(statements[random() % most], statement.dialect, random);
    const auto shape = statement.prepared ? cache->of_prepared(sql, statement.dialect)
                                          : cache->of_query(sql, statement.dialect);
    statement.text = sql;
    statement.what = &shape->what;
    statement.digest_text = shape->digest_text;
    statement.digest = shape->digest;
    statement.shape = shape->lasts() ? shape.get() : nullptr;
    const auto scope = asking.book->scope(asking.client);
    const bool is_quiet = statement.shape != nullptr && shape->quiet_scope == scope.id();
    const bool out = statement.shape != nullptr &&
                     asking.book->rules_out(scope, *statement.shape, asking.client.schema);
    asking.book->at_statement(scope, asking.client, statement, asking.moment, asking.decision);
    // Explaining remembers nothing.
    const auto anew = std::make_unique<ShapeCache>();
    const auto fresh = anew->of_query(sql, statement.dialect);
    statement.what = &fresh->what;
    statement.digest_text = fresh->digest_text;
    statement.digest = fresh->digest;
    statement.shape = nullptr;
    rules::Decision explained;
    asking.book->explain(asking.client, &statement, asking.moment, explained);
    INFO(sql << " in " << asking.client.schema);
    CHECK(std::ranges::equal(asking.decision.matched(), explained.matched()));
    CHECK(asking.decision.hash_value == explained.hash_value);
    CHECK(asking.decision.rewritten == explained.rewritten);
    if (out || is_quiet) CHECK(explained.matched().empty());
    quiet += is_quiet ? 1 : 0;
    matched += explained.matched().empty() ? 0 : 1;
    remembered += shape->rules.book != 0 ? 1 : 0;
  }
  CHECK(matched > 5000);
  CHECK(remembered > 5000);
  CHECK(quiet > 100);
}
