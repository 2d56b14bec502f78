#include "../temporary_folder.hpp"
#include "asking.hpp"
#include "proxy/explain_command.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace mysqlproxy;
using namespace mysqlproxy::test;
using Catch::Contains;

namespace {

const std::string some_rules = R"(
[[rule]]
name = "night"
stage = "connection"
when = { time = "22:00-06:00" }
then = { pool = "replicas" }
[[rule]]
name = "careless"
when = { kind = ["delete", "update"] }
unless = { effect = "has_where" }
then = { refuse = "WHERE is missing" }
[[rule]]
name = "shards"
when = { table = "customer" }
then = { hash = { pool = "replicas", column = "id" } }
[[rule]]
name = "reads"
when = { effect = "reads_only" }
then = { pool = "replicas", delay = "100ms" }
)";

struct Explained {
  int code;
  std::string err;
  nlohmann::json json;
};

Explained explain(std::vector<std::string> arguments, const std::string& more = {}) {
  const TemporaryFolder folder;
  write_file(folder / "rules.toml", rules_base + some_rules + more);
  arguments.insert(arguments.end(), {"-c", folder / "rules.toml", "--json"});
  const ExplainCommandLine line = parse_explain_command(arguments);
  if (!line.command) return {static_cast<int>(line.result.exit), line.result.err, {}};
  const CommandLineResult result = run_explain_command(*line.command);
  const bool good = !result.out.empty();
  return {static_cast<int>(result.exit), result.err,
          good ? nlohmann::json::parse(result.out) : nlohmann::json()};
}

Explained explain_at_noon(const std::string& sql, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{
      "--user", "app", "--sql", sql, "--db", "s", "--time=2026-11-20 12:00"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return explain(arguments);
}

}  // namespace

TEST_CASE("explain says what would become of a statement", "[rules]") {
  const auto refused = explain_at_noon("delete from t");
  CHECK(refused.code == 1);
  CHECK(refused.json["result"]["refused"] == true);
  CHECK(refused.json["result"]["outcome"][0] == "refused with 1148 (42000): WHERE is missing");
  CHECK(refused.json["statement_rules"].size() == 3);
  CHECK(refused.json["statement_rules"][1]["why"] == "stopped");

  const auto read = explain_at_noon("select * from t");
  CHECK(read.code == 0);
  CHECK(read.json["result"]["pool"] == "replicas");
  CHECK(read.json["result"]["outcome"][0] == "waits 100ms");
  CHECK(read.json["result"]["servers"] == std::vector<std::string>{"db1", "db2", "db3"});
  CHECK(read.json["statement"]["digest_text"] == "SELECT * FROM `t`");

  const auto tied = explain_at_noon("update t set a = @x where b = 1");
  CHECK(tied.json["result"]["tied_by"] == "reads_session");
  CHECK(tied.json["result"]["servers"] == std::vector<std::string>{"db1"});
}

TEST_CASE("explain knows the time and the parameters that it is told", "[rules]") {
  const auto night = explain({"--user", "app", "--sql", "select 1", "--time", "2026-11-20 23:00"});
  CHECK(night.json["client"]["pool"] == "replicas");
  CHECK(explain_at_noon("select 1").json["client"]["pool"] == "main");

  const auto bound =
      explain_at_noon("select * from customer where id = ?", {"--prepared", "--parameter", "5"});
  const auto text = explain_at_noon("select * from customer where id = 5");
  CHECK(bound.json["result"]["hashed"] == "5");
  CHECK(text.json["result"]["balance"] == "hash");
  CHECK(bound.json["result"]["tied_by"] == "prepared");
}

TEST_CASE("explain refuses what it can't make sense of", "[rules]") {
  for (const auto& [arguments, why] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--user", "app"}, "--sql"},
           {{"--sql", "x"}, "--user"},
           {{"--user", "ap", "--sql", "x"}, "did you mean \"app\""},
           {{"--user", "app", "--sql", "x", "--client", "10.0.0.0/8"}, "--client"},
           {{"--user", "app", "--sql", "x", "--time", "noon"}, "--time"},
           {{"--user", "app", "--sql", "x", "--server-version", "eight"}, "--server-version"},
           {{"--user", "app", "--sql", "x", "--listener", "man"}, "did you mean \"main\""},
           {{"--user", "app", "--sql", "x", "--parameter", "5"}, "--prepared"},
           {{"--user", "app", "--sql", "x", "y"}, "unexpected"},
       }) {
    CAPTURE(why);
    const auto result = explain(arguments);
    CHECK(result.code == static_cast<int>(ExitCode::usage));
    CHECK_THAT(result.err, Contains(why));
  }
}

TEST_CASE("explain asks the guard too", "[rules][guard]") {
  const std::string guard = R"(
[guard]
ddl = "enforce"
no_where = "enforce"
comment = "observe"
[guard.batch]
users = ["report"]
no_where = "observe"
)";
  const auto ask = [&](const std::string& user, const std::string& sql) {
    return explain({"--user", user, "--sql", sql, "--db", "s", "--time=2026-11-20 12:00"}, guard);
  };
  const auto refused = ask("app", "DELETE FROM t WHERE /* all */ 1");
  CHECK(refused.code == 1);
  CHECK(refused.json["guard"]["refused"] == nlohmann::json{"no_where"});
  CHECK(refused.json["guard"]["observed"] == nlohmann::json{"comment"});
  CHECK(refused.json["result"]["refused"] == true);
  // Not by the rule, which is asked when the guard has nothing against it.
  CHECK_THAT(refused.json["result"]["outcome"][0].get<std::string>(),
             Contains("refused with 1175 (HY000)") && Contains("guard"));
  const auto passed = ask("report", "DELETE FROM t WHERE 1 = 1");
  CHECK(passed.json["guard"]["refused"].empty());
  CHECK(passed.json["guard"]["observed"] == nlohmann::json{"no_where"});
  CHECK(ask("app", "SELECT a FROM t WHERE id = 5").code == 0);
  CHECK_FALSE(explain_at_noon("SELECT 1").json.contains("guard"));
}

TEST_CASE("explain says all that is wrong with a configuration", "[rules]") {
  const auto result = explain({"--user", "app", "--sql", "SELECT 1"},
                              "[guard]\nddl = \"maybe\"\nno_were = \"enforce\"\n");
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Contains("ddl") && Contains("no_were"));
}

TEST_CASE("explain's help names every option and fits a screen", "[rules]") {
  const auto help = parse_explain_command({"--help"}).result;
  CHECK(help.exit == ExitCode::good);
  for (const char* option :
       {"--config", "--sql", "--user", "--db", "--client", "--listener", "--prepared",
        "--parameter", "--time", "--server-version", "--sql-mode", "--json", "Exit codes"})
    CHECK_THAT(help.out, Contains(option));
}
