#include "proxy/session/second_chance.hpp"

#include "proxy/session/errors.hpp"

#include <mysqlwire/wire/capabilities.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mysqlproxy;

namespace {

mysqlwire::Context context() {
  mysqlwire::Context made;
  made.capabilities = mysqlwire::Capability::protocol_41;
  return made;
}

/// COM_QUERY with this text.
struct Query {
  explicit Query(std::string text) : payload("\x03" + text) {
    inspection.text = std::string_view(payload).substr(1);
    inspection.payload = mysqlwire::as_bytes(payload);
    what = mysqlwire::sql::classify(inspection.text, {});
    inspection.what = &what;
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  std::string payload;
  mysqlwire::sql::Classification what;
  Inspection inspection;
};

constexpr SqlError read_only{1290, "HY000"};
constexpr SqlError unprepared{1047, "08S01"};
constexpr std::string_view by_read_only =
    "The MariaDB server is running with the --read-only option so it cannot execute this statement";
constexpr std::string_view by_cluster = "WSREP has not yet prepared node for application use";
constexpr SecondChance::Terms all{.read_only = true, .cluster = true, .lost_reads = true};

bool takes_back(SecondChance& chance, SqlError error, std::string_view message) {
  return chance.takes_back(error_payload(error, message), context());
}

}  // namespace

TEST_CASE("a write that a server refuses since it is read-only is done again", "[session]") {
  SecondChance chance;
  const Query query("INSERT INTO t VALUES (1)");
  SECTION("where there is a primary") {
    chance.set_terms({.read_only = true});
    chance.on_forward(query.inspection, true);
    CHECK(takes_back(chance, read_only, by_read_only));
    CHECK(chance.refusal() == SecondChance::Refusal::read_only);
    CHECK(mysqlwire::as_text(chance.take()) == std::string("\x19\0\0\0", 4) + query.payload);
    CHECK_FALSE(takes_back(chance, read_only, by_read_only));  // once
  }
  SECTION("and not where it says so for another reason") {
    chance.set_terms(all);
    chance.on_forward(query.inspection, true);
    CHECK_FALSE(takes_back(chance, read_only,
                           "The MySQL server is running with the --secure-file-priv option so it "
                           "cannot execute this statement"));
    CHECK_FALSE(takes_back(chance, {1792, "25006"}, "in a READ ONLY transaction"));
  }
  SECTION("and not in a transaction") {
    chance.set_terms(all);
    chance.on_forward(query.inspection, false);
    CHECK_FALSE(takes_back(chance, read_only, by_read_only));
  }
  SECTION("and not where nobody has a primary") {
    chance.set_terms({.cluster = true});
    chance.on_forward(query.inspection, true);
    CHECK_FALSE(takes_back(chance, read_only, by_read_only));
  }
}

TEST_CASE("a program may have done something before it was refused", "[session]") {
  SecondChance chance;
  chance.set_terms(all);
  const std::string text =
      GENERATE("CALL p()", "EXECUTE s", "EXECUTE IMMEDIATE 'CALL p()'", "what nobody knows");
  const Query query(text);
  chance.on_forward(query.inspection, true);
  CHECK_FALSE(takes_back(chance, read_only, by_read_only));
  CHECK_FALSE(chance.survives_loss());
}

TEST_CASE("what a member of a cluster refuses is done by another", "[session]") {
  SecondChance chance;
  chance.set_terms({.cluster = true});
  const Query query(GENERATE("INSERT INTO t VALUES (1)", "SELECT 1", "BEGIN", "SHOW TABLES"));
  chance.on_forward(query.inspection, true);
  CHECK_FALSE(takes_back(chance, unprepared, "Unknown command"));
  CHECK(takes_back(chance, unprepared, by_cluster));
  CHECK(chance.refusal() == SecondChance::Refusal::out_of_step);
  CHECK_FALSE(chance.survives_loss());
}

TEST_CASE("a read outlives its server, and nothing else does", "[session]") {
  SecondChance chance;
  const auto survives = [&](std::string text, bool free = true) {
    const Query query(std::move(text));
    chance.on_forward(query.inspection, free);
    return chance.survives_loss();
  };
  CHECK_FALSE(survives("SELECT a FROM t"));  // nobody has asked for it
  chance.set_terms({.lost_reads = true});
  CHECK(survives("SELECT a FROM t"));
  CHECK_FALSE(survives("SELECT a FROM t", false));
  CHECK_FALSE(survives("SELECT a FROM t FOR UPDATE"));
  CHECK_FALSE(survives("SELECT SLEEP(1), f(a) FROM t"));
  CHECK_FALSE(survives("INSERT INTO t VALUES (1)"));
  CHECK_FALSE(survives("SELECT 1; DELETE FROM t"));
  Query part("SELECT a FROM t");
  part.inspection.whole = false;
  chance.on_forward(part.inspection, true);
  CHECK_FALSE(chance.survives_loss());
}

TEST_CASE("nobody tries for ever", "[session]") {
  SecondChance chance;
  chance.set_terms(all);
  const Query query("SELECT a FROM t");
  int tries = 0;
  for (; tries < 100; ++tries) {
    chance.on_forward(query.inspection, true);
    if (!takes_back(chance, unprepared, by_cluster)) break;
    chance.take();
  }
  CHECK(tries == 5);
  CHECK_FALSE(chance.survives_loss());
  chance.on_answered();
  chance.on_forward(query.inspection, true);
  CHECK(chance.survives_loss());
}
