#include "proxy/guard/guard.hpp"

#include <mysqlwire/sql/digest.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <memory>
#include <set>
#include <string>

using namespace mysqlproxy;
using mysqlwire::Command;

namespace {

struct Examined {
  std::set<std::string> refused;
  std::set<std::string> observed;
  bool is_new = false;
};

std::set<std::string> names(GuardChecks checks) {
  std::set<std::string> found;
  for (std::size_t i = 0; i < guard_checks; ++i)
    if (checks.has(static_cast<GuardCheck>(i)))
      found.emplace(to_string(static_cast<GuardCheck>(i)));
  return found;
}

/// As a session would: what was found out of one statement is remembered for others of its shape.
Inspection inspect(const std::string& sql, const mysqlwire::sql::Dialect& dialect = {}) {
  static ShapeCache shapes;
  static std::shared_ptr<const Shape> shape;
  shape = shapes.of_query(sql, dialect);
  Inspection inspection;
  inspection.text = sql;
  inspection.what = &shape->what;
  inspection.digest = shape->digest;
  inspection.digest_text = shape->digest_text;
  inspection.digest_truncated = shape->digest_truncated;
  inspection.shape = shape->lasts() ? shape.get() : nullptr;
  return inspection;
}

std::string digest_of(const std::string& sql) {
  std::array<char, 4096> room;
  return std::string(mysqlwire::sql::digest(sql, {}, room).text);
}

GuardFindings judge(const UserGuard& guard, const std::string& sql,
                    const mysqlwire::sql::Dialect& dialect = {}) {
  const ConnectionFacts facts{.user = "app",
                              .schema = "shop",
                              .address = {},
                              .host = {},
                              .listener = {},
                              .pool = {},
                              .server = {}};
  return guard.judge(facts, inspect(sql, dialect), dialect);
}

/// Everything on but the lists.
GuardConfig strict() {
  GuardConfig config;
  for (std::size_t i = 0; i < guard_checks; ++i) config.settings.modes[i] = GuardMode::enforce;
  config.settings.mode(GuardCheck::unknown_digest) = GuardMode::off;
  config.settings.mode(GuardCheck::denied) = GuardMode::off;
  config.settings.limit_tables = {"orders", "shop.items"};
  return config;
}

std::set<std::string> refused(const std::string& sql) {
  const Guard guard(strict(), {});
  return names(judge(guard.of("app"), sql).refused);
}

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("each check finds what it is about", "[guard]") {
  CHECK(refused("SELECT a FROM t WHERE id = 5").empty());
  CHECK(refused("DELETE FROM t") == Names{"no_where"});
  CHECK(refused("DELETE FROM t LIMIT 5") == Names{"no_where"});
  CHECK(refused("DELETE FROM t WHERE id = 5").empty());
  CHECK(refused("UPDATE t SET a = 1 WHERE id = id") == Names{"no_where", "tautology"});
  CHECK(refused("WITH c AS (SELECT 1 FROM u WHERE a = 2) DELETE FROM t WHERE name LIKE '%'") ==
        Names{"no_where"});
  CHECK(refused("DELETE t FROM t JOIN u ON t.id = u.id") == Names{"no_where"});
  CHECK(refused("DELETE FROM t WHERE (SELECT 1)") == Names{"no_where"});
  CHECK(refused("CREATE TABLE x (a INT)") == Names{"ddl"});
  CHECK(refused("CREATE TEMPORARY TABLE x (a INT)").empty());
  CHECK(refused("DROP TEMPORARY TABLE x").empty());
  CHECK(refused("TRUNCATE t") == Names{"ddl"});
  CHECK(refused("GRANT ALL ON *.* TO x") == Names{"account"});
  CHECK(refused("SET PASSWORD = 'x'") == Names{"account"});
  CHECK(refused("FLUSH TABLES") == Names{"admin"});
  CHECK(refused("LOAD DATA INFILE 'x' INTO TABLE t") == Names{"read_file"});
  CHECK(refused("LOAD DATA LOCAL INFILE 'x' INTO TABLE t") == Names{"read_file"});
  CHECK(refused("SELECT LOAD_FILE('/etc/passwd')") == Names{"read_file"});
  CHECK(refused("SELECT a FROM t INTO OUTFILE '/tmp/x'") == Names{"write_file"});
  CHECK(refused("SELECT a FROM t INTO DUMPFILE '/tmp/x'") == Names{"write_file"});
  CHECK(refused("SELECT SLEEP(5)") == Names{"sleep"});
  CHECK(refused("SELECT `sleep` (5)") == Names{"sleep"});
  CHECK(refused("SELECT a FROM t WHERE id = 1 AND IF(b, BeNcHmArK(5, MD5(1)), 0)") ==
        Names{"sleep"});
  CHECK(refused("SELECT sleep FROM nights").empty());
  CHECK(refused("SELECT GET_LOCK('a', 5)").empty());
  CHECK(refused("SELECT /* x */ 1") == Names{"comment"});
  CHECK(refused("SELECT a FROM t WHERE id = 1 -- x") == Names{"comment"});
  CHECK(
      refused("SELECT a FROM t WHERE id = 1 /*!50000 UNION SELECT 1 */").count("version_comment"));
  CHECK(refused("SELECT a FROM t UNION SELECT b FROM u") == Names{"union"});
  CHECK(refused("SELECT a FROM t WHERE id = 1 OR 'a' = 'a'") == Names{"tautology"});
  CHECK(refused("PREPARE s FROM @x") == Names{"prepare_from_variable"});
  CHECK(refused("SELECT 1.e(a) FROM t").count("unreadable"));
  CHECK(refused("SELECT 'a") == Names{"unreadable"});
  CHECK(refused(std::string("SELECT a\0 FROM t", 16)).count("unreadable"));
  CHECK(refused("MUMBLE a FROM t") == Names{"unreadable"});
}

TEST_CASE("each statement of a text is judged", "[guard]") {
  CHECK(refused("SELECT 1; SELECT 2") == Names{"several_statements"});
  CHECK(refused("SELECT 1; DROP TABLE t") == Names{"several_statements", "ddl"});
  CHECK(refused("SELECT 1;;; DELETE FROM t;") == Names{"several_statements", "no_where"});
  CHECK(refused("SELECT 1;").empty());
  GuardConfig config;
  config.settings.mode(GuardCheck::no_where) = GuardMode::enforce;
  CHECK(names(judge(Guard(config, {}).of("app"), "SELECT 1; SELECT 2; DELETE FROM t").refused) ==
        Names{"no_where"});
}

TEST_CASE("the text that is prepared is judged", "[guard]") {
  CHECK(refused("PREPARE s FROM 'SELECT 1'").empty());
  CHECK(refused("PREPARE s FROM 'DELETE FROM t'") == Names{"no_where"});
  CHECK(refused("PREPARE s FROM 'DE' 'LETE FROM t'") == Names{"no_where"});
  CHECK(refused("PREPARE s FROM 'SELECT \\'a\\' INTO OUTFILE ''x'''") == Names{"write_file"});
  CHECK(refused("PREPARE s FROM 'PREPARE t FROM ''DROP TABLE x'''") == Names{"ddl"});
  CHECK(refused("EXECUTE s").empty());
  mysqlwire::sql::Dialect mariadb;
  mariadb.flavor = mysqlwire::Flavor::mariadb;
  mariadb.version = 101100;
  const Guard guard(strict(), {});
  const auto on_mariadb = [&](const std::string& sql) {
    return names(judge(guard.of("app"), sql, mariadb).refused);
  };
  CHECK(on_mariadb("EXECUTE IMMEDIATE 'DROP TABLE t'") == Names{"ddl"});
  CHECK(on_mariadb("EXECUTE IMMEDIATE CONCAT('DROP', ' TABLE t')") ==
        Names{"prepare_from_variable"});
  CHECK(on_mariadb("EXECUTE IMMEDIATE 'DROP' || ' TABLE t'") == Names{"prepare_from_variable"});
  CHECK(on_mariadb("EXECUTE IMMEDIATE @x") == Names{"prepare_from_variable"});
  CHECK(on_mariadb("BEGIN NOT ATOMIC DELETE FROM t; END").count("unreadable"));
}

TEST_CASE("rows are limited where tables are named", "[guard]") {
  CHECK(refused("DELETE FROM orders WHERE a = 1") == Names{"no_limit"});
  CHECK(refused("UPDATE `Orders` SET a = 1 WHERE b = 2") == Names{"no_limit"});
  CHECK(refused("DELETE FROM orders WHERE a = 1 LIMIT 10").empty());
  CHECK(refused("DELETE FROM items WHERE a = 1") == Names{"no_limit"});
  CHECK(refused("DELETE FROM other.items WHERE a = 1").empty());
  CHECK(refused("DELETE FROM other.orders WHERE a = 1") == Names{"no_limit"});
}

TEST_CASE("commands without a text are judged", "[guard]") {
  const Guard guard(strict(), {});
  const auto check = [&](Command command) {
    Inspection inspection;
    inspection.command = command;
    return names(guard.of("app").judge({}, inspection, {}).refused);
  };
  CHECK(check(Command::com_drop_db) == Names{"ddl"});
  CHECK(check(Command::com_shutdown) == Names{"admin"});
  CHECK(check(Command::com_binlog_dump) == Names{"admin"});
  CHECK(check(Command::com_ping).empty());
}

TEST_CASE("what can't be inspected is refused", "[guard]") {
  const Guard guard(strict(), {});
  const std::string sql = "SELECT 1";
  Inspection inspection = inspect(sql);
  inspection.whole = false;
  CHECK(names(guard.of("app").judge({}, inspection, {}).refused) == Names{"unreadable"});
  inspection = inspect(sql);
  inspection.readable = false;
  inspection.text = {};
  CHECK(names(guard.of("app").judge({}, inspection, {}).refused) == Names{"unreadable"});
}

TEST_CASE("known digests are allowed, by user", "[guard]") {
  GuardConfig config = strict();
  config.settings.mode(GuardCheck::unknown_digest) = GuardMode::enforce;
  const DigestsByUser known{
      {"app", {digest_of("SELECT a FROM t WHERE id = 1"), digest_of("SELECT 1 UNION SELECT 2")}},
      {"", {digest_of("SELECT a FROM t WHERE 1 = 1")}}};
  const Guard guard(config, known);
  const auto of = [&](std::string_view user, const std::string& sql) {
    return names(judge(guard.of(user), sql).refused);
  };
  CHECK(of("app", "select a from t where id=77").empty());
  CHECK(of("app", "SELECT 5 UNION SELECT 6").empty());
  CHECK(of("app", "SELECT a FROM t WHERE 2 = 2").empty());
  CHECK(of("app", "SELECT a FROM t WHERE id=77 OR 1=1") == Names{"tautology", "unknown_digest"});
  CHECK(of("app", "SELECT a FROM t WHERE id=77 /* x */") == Names{"comment"});
  CHECK(of("jo", "select a from t where id=77") == Names{"unknown_digest"});
  CHECK(of("jo", "SELECT a FROM t WHERE 2 = 2").empty());
  // The digest leaves out what is no token.
  CHECK(of("app", std::string("SELECT a FROM t WHERE id = 1 \x01", 30)).count("unknown_digest"));
}

TEST_CASE("a digest that does not fit is not known", "[guard]") {
  GuardConfig config;
  config.settings.mode(GuardCheck::unknown_digest) = GuardMode::enforce;
  const std::string sql = "SELECT a FROM t WHERE id = 1";
  Inspection inspection = inspect(sql);
  inspection.digest_text = inspection.digest_text.substr(0, 10);
  inspection.digest_truncated = true;
  inspection.shape = nullptr;
  const Guard guard(config, {{"app", {std::string(inspection.digest_text)}}});
  CHECK(names(guard.of("app").judge({}, inspection, {}).refused) == Names{"unknown_digest"});
}

TEST_CASE("denied statements are named by text or digest", "[guard]") {
  GuardConfig config;
  config.settings.mode(GuardCheck::denied) = GuardMode::enforce;
  config.settings.deny = {"select * from secrets where id = 5",
                          "DELETE FROM `t` WHERE `a` IN (...)"};
  const Guard guard(config, {});
  const auto denied = [&](const std::string& sql) {
    return names(judge(guard.of("app"), sql).refused) == Names{"denied"};
  };
  CHECK(denied("SELECT * FROM secrets WHERE id = 9"));
  CHECK(denied("delete from t where a in (1, 2, 3)"));
  CHECK_FALSE(denied("SELECT * FROM secrets WHERE id > 9"));
}

TEST_CASE("learning tells what is new", "[guard]") {
  GuardConfig config;
  config.learn = true;
  config.settings.mode(GuardCheck::unknown_digest) = GuardMode::enforce;
  const Guard guard(config, {{"app", {digest_of("SELECT 1")}}});
  CHECK_FALSE(judge(guard.of("app"), "SELECT 2").is_new);
  CHECK(judge(guard.of("jo"), "SELECT 2").is_new);
  const auto found = judge(guard.of("app"), "PREPARE s FROM 'SELECT a FROM t'");
  CHECK(found.clean());
  CHECK(found.is_new);
  CHECK(found.new_inside == std::vector<std::string>{"SELECT `a` FROM `t`"});
  CHECK_FALSE(judge(guard.of("app"), "SELECT 'a").is_new);  // never to be known
}

TEST_CASE("users have the settings of their profile", "[guard]") {
  GuardConfig config;
  config.settings.mode(GuardCheck::ddl) = GuardMode::enforce;
  GuardProfile profile{.name = "batch", .users = {"nightly"}, .settings = config.settings};
  profile.settings.mode(GuardCheck::ddl) = GuardMode::observe;
  config.profiles.push_back(profile);
  const Guard guard(config, {{"nightly", {"SELECT ?"}}, {"app", {"SELECT ?"}}});
  CHECK(names(judge(guard.of("nightly"), "DROP TABLE t").observed) == Names{"ddl"});
  CHECK(judge(guard.of("nightly"), "DROP TABLE t").refused.empty());
  CHECK(names(judge(guard.of("app"), "DROP TABLE t").refused) == Names{"ddl"});
  CHECK(names(judge(guard.of("jo"), "DROP TABLE t").refused) == Names{"ddl"});
}

TEST_CASE("statements of one digest are told apart where their values matter", "[guard]") {
  const Guard guard(strict(), {});
  for (int i = 0; i < 2; ++i) {
    CHECK(names(judge(guard.of("app"), "SELECT a FROM t WHERE ('' = '' OR a = '')").refused) ==
          Names{"tautology"});
    CHECK(judge(guard.of("app"), "SELECT a FROM t WHERE ('x' = '' OR a = 'x')").clean());
    CHECK(names(judge(guard.of("app"), "SELECT a FROM t WHERE a + 1 = a + 1").refused) ==
          Names{"tautology"});
    CHECK(judge(guard.of("app"), "SELECT a FROM t WHERE a + 1 = a + 2").clean());
  }
}

TEST_CASE("a refusal has its number", "[guard]") {
  GuardChecks checks;
  checks.add(GuardCheck::ddl);
  CHECK(refusal_of(checks, "ab-1").code == 1148);
  checks.add(GuardCheck::no_where);
  const Refusal refusal = refusal_of(checks, "ab-1");
  CHECK(refusal.code == 1175);
  CHECK(refusal.sqlstate == "HY000");
  CHECK(refusal.message ==
        "mysqlproxy's guard refuses UPDATE or DELETE without a WHERE that "
        "selects rows (request ab-1)");
}

TEST_CASE("an allow file says what was written", "[guard]") {
  const DigestsByUser digests{{"", {"SELECT ?"}},
                              {"*", {"SELECT `a\nb` , `c\\d`"}},
                              {"#x", {"SET @? = ?"}},
                              {"j\to", {"SELECT `\x01`", "SELECT `é`"}}};
  std::vector<DigestFileFault> faults;
  const std::string text = format_digests(digests);
  CHECK(parse_digests(text, faults) == digests);
  CHECK(faults.empty());
  CHECK(parse_digests("\n# x\r\n*\tSELECT ?\r\n", faults) == DigestsByUser{{"", {"SELECT ?"}}});
  CHECK(faults.empty());
  parse_digests("a SELECT\n\tSELECT\na\t\na\t\\q\nb\tx\n", faults);
  REQUIRE(faults.size() == 4);
  CHECK(faults[0].line == 1);
  CHECK(faults[3].line == 4);
}

TEST_CASE("texts are compared, not only hashes", "[guard]") {
  DigestSet set;
  set.add("SELECT ?");
  set.add("SELECT ?");
  CHECK(set.size() == 1);
  CHECK(set.has(mysqlwire::sql::digest_hash("SELECT ?"), "SELECT ?"));
  CHECK_FALSE(set.has(mysqlwire::sql::digest_hash("SELECT ?"), "DROP"));
}

TEST_CASE("what has passed is remembered by its shape where values say nothing", "[guard]") {
  GuardConfig config = strict();
  config.settings.max_statement_size = 60;
  config.settings.mode(GuardCheck::statement_size) = GuardMode::enforce;
  const Guard guard(config, {});
  const auto refused = [&](const std::string& sql) {
    return names(judge(guard.of("app"), sql).refused);
  };
  for (int turn = 0; turn < 2; ++turn) {
    CHECK(refused("SELECT a FROM t WHERE id = 5").empty());
    CHECK(refused("SELECT a FROM t WHERE id = 5 OR 1 = 0").empty());
    CHECK(refused("SELECT a FROM t WHERE id = 6 OR 1 = 1") == Names{"tautology"});
    CHECK(refused("SELECT a FROM t WHERE b = 'x'").empty());
    CHECK(refused("SELECT a FROM t WHERE b = '" + std::string(60, 'x') + "'") ==
          Names{"statement_size"});
  }
  // What another guard thinks of it is another matter.
  config.settings.deny = {"SELECT a FROM t WHERE id = 5"};
  config.settings.mode(GuardCheck::denied) = GuardMode::enforce;
  const Guard other(config, {});
  CHECK(names(judge(other.of("app"), "SELECT a FROM t WHERE id = 5").refused) == Names{"denied"});
  CHECK(refused("SELECT a FROM t WHERE id = 5").empty());
}
