#include "proxy/statistics/statistics.hpp"

#include "proxy/statistics/redacted.hpp"
#include "proxy/statistics/report.hpp"

#include <mysqlwire/sql/digest.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <string>

using namespace mysqlproxy;

namespace {

StatementStatistics::Handle find(StatementStatistics& statistics, std::string_view digest,
                                 std::string_view user, std::string_view text,
                                 const Shape* shape = nullptr) {
  const auto origin = statistics.origin(user, "shop", "db1");
  return statistics.find({digest, mysqlwire::sql::digest_hash(digest), origin}, text, {}, shape);
}

void add(StatementStatistics& statistics, std::string_view digest, std::int64_t microseconds,
         std::string_view user = "app") {
  const auto line = find(statistics, digest, user, "SELECT 'secret', 5");
  statistics.add(line, {.now = 1000 + microseconds,
                        .microseconds = microseconds,
                        .rows = 2,
                        .bytes = 100,
                        .error = microseconds == 13,
                        .refused = false});
}

const StatementRecord& record_of(const StatementReport& report, std::string_view user,
                                 std::string_view digest) {
  const auto found = std::ranges::find_if(report.statements, [&](const StatementRecord& one) {
    return one.user == user && one.digest_text == digest;
  });
  REQUIRE(found != report.statements.end());
  return *found;
}

std::uint64_t total(const StatementReport& report) {
  std::uint64_t count = report.other.count;
  for (const StatementRecord& one : report.statements) count += one.figures.count;
  return count;
}

}  // namespace

TEST_CASE("statements are added up by their key", "[statistics]") {
  StatementStatistics statistics(10);
  add(statistics, "SELECT ?", 10);
  add(statistics, "SELECT ?", 13);
  add(statistics, "SELECT ?", 100, "jo");
  const StatementReport report = statistics.report();
  REQUIRE(report.statements.size() == 2);
  const StatementRecord& app = record_of(report, "app", "SELECT ?");
  CHECK(app.figures.count == 2);
  CHECK(app.figures.errors == 1);
  CHECK(app.figures.rows == 4);
  CHECK(app.figures.bytes == 200);
  CHECK(app.figures.first == 1010);
  CHECK(app.figures.last == 1013);
  CHECK(app.figures.latency.total() == 23);
  CHECK(app.example == "SELECT ?, ?");
  CHECK(report.evicted == 0);
}

TEST_CASE("a shape's line is that of who asks, as long as it is there", "[statistics]") {
  const auto shapes = std::make_unique<ShapeCache>();
  const auto shape = shapes->of_query("SELECT 5", {});
  REQUIRE(shape->digest_text == "SELECT ?");
  StatementStatistics statistics(2);
  StatementStatistics others(2);
  const auto count = [&](StatementStatistics& where, std::string_view user) {
    const auto line = find(where, "SELECT ?", user, "SELECT 5", shape.get());
    where.add(line, {});
  };
  for (const std::string_view user : {"app", "app", "jo", "app"}) count(statistics, user);
  count(others, "app");
  add(statistics, "DO ?", 10);
  add(statistics, "DO ? + ?", 10);
  count(statistics, "app");
  const StatementReport report = statistics.report();
  REQUIRE(report.statements.size() == 2);
  CHECK(record_of(report, "app", "SELECT ?").figures.count == 1);
  CHECK(report.other.count == 5);
  CHECK(others.report().statements[0].figures.count == 1);
}

TEST_CASE("names that are equal are one origin while anybody has it", "[statistics]") {
  StatementStatistics statistics(1);
  const auto origin = statistics.origin("app", "shop", "db1");
  CHECK(statistics.origin("app", "shop", "db1") == origin);
  CHECK(statistics.origin("app", "shop", "db2") != origin);
  CHECK(statistics.origin("app", "", "shopdb1") != origin);
  CHECK(origin->user == "app");
  CHECK(origin->schema == "shop");
  CHECK(origin->server == "db1");
  // Those that come and go leave no trace, however many they are.
  for (int i = 0; i < 1000; ++i) {
    const std::string schema = "schema" + std::to_string(i);
    CHECK(statistics.origin("app", schema, "db1")->schema == schema);
  }
  CHECK(statistics.origins() <= 64);
  CHECK(statistics.origin("app", "shop", "db1") == origin);
}

TEST_CASE("what does not come again gives way, and sums stay right", "[statistics]") {
  StatementStatistics statistics(100);
  for (int i = 0; i < 1000; ++i) {
    add(statistics, "SELECT " + std::to_string(i), i);
    add(statistics, "SELECT `hot`", 1);
  }
  const StatementReport report = statistics.report();
  CHECK(report.statements.size() == 100);
  CHECK(report.evicted == 901);
  CHECK(record_of(report, "app", "SELECT `hot`").figures.count == 1000);
  CHECK(record_of(report, "app", "SELECT 999").figures.count == 1);
  CHECK(total(report) == 2000);
  CHECK(report.other.latency.count() == 901);
}

TEST_CASE("where all came again the oldest gives way", "[statistics]") {
  StatementStatistics statistics(3);
  for (int times = 0; times < 2; ++times)
    for (const std::string_view name : {"a", "b", "c"}) add(statistics, name, 1);
  add(statistics, "d", 1);
  add(statistics, "b", 1);
  // Not b, which has come again since; not d, which is newer than c.
  add(statistics, "e", 1);
  const StatementReport report = statistics.report();
  REQUIRE(report.statements.size() == 3);
  CHECK(record_of(report, "app", "b").figures.count == 3);
  CHECK(record_of(report, "app", "d").figures.count == 1);
  CHECK(record_of(report, "app", "e").figures.count == 1);
  CHECK(report.evicted == 2);
  CHECK(report.other.count == 4);
}

TEST_CASE("what ends after its line was forgotten counts as other", "[statistics]") {
  StatementStatistics statistics(1);
  const auto line = find(statistics, "SELECT ?", "app", {});
  add(statistics, "SELECT `a`", 5);
  statistics.add(
      line, {.now = 1, .microseconds = 5, .rows = 0, .bytes = 0, .error = false, .refused = true});
  const StatementReport report = statistics.report();
  REQUIRE(report.statements.size() == 1);
  CHECK(report.statements[0].figures.count == 1);
  CHECK(report.other.count == 1);
  CHECK(report.other.refused == 1);
  CHECK(report.other.latency.count() == 0);
}

TEST_CASE("a lower limit forgets at once", "[statistics]") {
  StatementStatistics statistics(100);
  for (int i = 0; i < 50; ++i) add(statistics, "SELECT " + std::to_string(i), i);
  statistics.limit(3);
  CHECK(statistics.size() == 3);
  CHECK(total(statistics.report()) == 50);
  for (int i = 0; i < 50; ++i) add(statistics, "SELECT " + std::to_string(i), i);
  CHECK(statistics.size() == 3);
  CHECK(total(statistics.report()) == 100);
}

TEST_CASE("threads are merged", "[statistics]") {
  StatementStatistics one(10);
  StatementStatistics two(10);
  add(one, "SELECT ?", 10);
  add(two, "SELECT ?", 1000);
  add(two, "SELECT `a`", 7);
  StatementReport report = one.report();
  report.merge(two.report());
  REQUIRE(report.statements.size() == 2);
  CHECK(report.statements[0].figures.count == 2);
  CHECK(report.statements[0].figures.latency.max() == 1000);
  CHECK(report.statements[0].figures.first == 1010);
  CHECK(report.statements[0].figures.last == 2000);
}

TEST_CASE("long digests are told apart by their hash", "[statistics]") {
  StatementStatistics statistics(10);
  const std::string begin(2000, 'x');
  add(statistics, begin + "a", 1);
  add(statistics, begin + "b", 1);
  add(statistics, begin + "a", 1);
  const StatementReport report = statistics.report();
  REQUIRE(report.statements.size() == 2);
  CHECK(report.statements[0].digest_text.size() == StatementStatistics::longest_digest);
  CHECK(report.statements[0].figures.count == 1);
  CHECK(report.statements[1].figures.count == 2);
}

TEST_CASE("a histogram's quantiles are at most an eighth too large", "[statistics]") {
  LatencyHistogram histogram;
  for (std::int64_t i = 1; i <= 10'000; ++i) histogram.add(i);
  for (const double q : {0.01, 0.5, 0.95, 0.99, 1.0}) {
    const auto exact = static_cast<std::int64_t>(q * 10'000);
    CHECK(histogram.quantile(q) >= exact);
    CHECK(histogram.quantile(q) <= exact + exact / 8 + 1);
  }
  histogram.add(std::int64_t{1} << 50);
  CHECK(histogram.quantile(1.0) == std::int64_t{1} << 50);
  CHECK(histogram.count() == 10'001);
}

TEST_CASE("the report is JSON in the order of time spent", "[statistics]") {
  StatementStatistics statistics(10);
  add(statistics, "SELECT ?", 10);
  add(statistics, "SELECT `\xff`", 5000);
  const auto json = nlohmann::json::parse(format_statistics(
      statistics.report(), 1'700'000'000'123, 1'600'000'000'000, 2, {{"guard", {{"ddl", 1}}}}));
  CHECK(json["time"] == "2023-11-14T22:13:20.123Z");
  CHECK(json["threads"] == 2);
  CHECK(json["guard"]["ddl"] == 1);
  CHECK(json["statements"].size() == 2);
  CHECK(json["statements"][1]["digest_text"] == "SELECT ?");
  CHECK(json["statements"][0]["latency"]["max_us"] == 5000);
  CHECK(json["statements"][1]["latency"]["buckets_us"] == nlohmann::json::parse("[[10, 1]]"));
  CHECK(json["other"]["count"] == 0);
}

TEST_CASE("what people typed does not show", "[statistics]") {
  const auto shown = [](std::string_view sql) { return redacted(sql, {}, 1000); };
  CHECK(shown("SELECT a FROM t WHERE b = 'secret' AND c = 5") ==
        "SELECT a FROM t WHERE b = ? AND c = ?");
  CHECK(shown("SELECT /* secret */ 1") == "SELECT /* */ ?");
  CHECK(shown("SELECT 1 -- secret\n, 2") == "SELECT ? /* */\n, ?");
  CHECK(shown("SELECT /*!50000 'secret', */ x").find("secret") == std::string::npos);
  CHECK(shown("SELECT /*!99999 'secret', */ x").find("secret") == std::string::npos);
  CHECK(shown("SELECT x'41', 0x4142, _utf8'secret'") == "SELECT ?, ?, _utf8?");
  CHECK(shown("SELECT 'secret") == "SELECT ?");
  CHECK(shown("SELECT a /* secret").find("secret") == std::string::npos);
  CHECK(shown("SELECT a # secret").find("secret") == std::string::npos);
  CHECK(redacted("SELECT aaaaaaaaaaaaaaa", {}, 10) == "SELECT aaa");
}
