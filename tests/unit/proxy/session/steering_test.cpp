#include "proxy/session/steering.hpp"

#include <mysqlwire/wire/frame.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <memory>
#include <string>

using namespace mysqlproxy;
using mysqlwire::Bytes;
using mysqlwire::Command;
using mysqlwire::Direction;
using mysqlwire::sql::StatementKind;

namespace {

/// A steering and the grammar that the relay keeps for it.
struct Steered {
  std::unique_ptr<ShapeCache> shapes = std::make_unique<ShapeCache>();
  mysqlwire::Tracker tracker = mysqlwire::Tracker::in_command_phase(context());
  Steering steering{{.user = "app", .schema = "shop"}, {}, *shapes};

  static mysqlwire::Context context() {
    mysqlwire::Context context;
    context.capabilities = mysqlwire::Capability::protocol_41;
    return context;
  }

  const Inspection& send(Command command, std::string_view rest) {
    std::string payload(1, static_cast<char>(command));
    payload += rest;
    last = payload;
    const Bytes bytes = mysqlwire::as_bytes(last);
    CHECK(steering.on_command(bytes, true, tracker) == Gate::Verdict::pass);
    const auto kind =
        tracker.accept({Direction::to_server, 0, static_cast<std::uint32_t>(bytes.size()), bytes});
    REQUIRE(kind);
    return steering.inspection();
  }
  void answer(std::string_view hex_text, std::uint8_t sequence_id = 1) {
    const auto payload = mysqlwire::test::hex(hex_text);
    const Bytes bytes = payload;
    const auto kind = tracker.accept(
        {Direction::to_client, sequence_id, static_cast<std::uint32_t>(bytes.size()), bytes});
    REQUIRE(kind);
    if (*kind == mysqlwire::PacketKind::column_count)
      steering.on_columns();
    else
      steering.on_answer(*kind, bytes, tracker);
  }

  std::string last;
};

constexpr std::string_view ok = "00 00 00 0200 0000";
constexpr std::string_view err = "ff 8104 23 4859303030 78";

}  // namespace

TEST_CASE("a query is inspected once for everybody", "[steering]") {
  Steered steered;
  const Inspection& inspection = steered.send(Command::com_query, "select * from t where a = 5");
  CHECK(inspection.what->kind == StatementKind::select);
  CHECK(inspection.digest_text == "SELECT * FROM `t` WHERE `a` = ?");
  CHECK(inspection.whole);
}

TEST_CASE("an execution is inspected as what was prepared", "[steering]") {
  Steered steered;
  steered.send(Command::com_stmt_prepare, "delete from t where a = 5");
  SECTION("when the server prepared it") {
    steered.answer("00 07000000 0000 0000 00 0000");
    const Inspection& inspection =
        steered.send(Command::com_stmt_execute, std::string("\x07\0\0\0\0\1\0\0\0", 9));
    CHECK(inspection.what->kind == StatementKind::delete_);
    CHECK(inspection.text == "delete from t where a = 5");
    CHECK(inspection.digest_text == "DELETE FROM `t` WHERE `a` = ?");
  }
  SECTION("by MariaDB's short way to name the last one") {
    steered.answer("00 07000000 0000 0000 00 0000");
    const Inspection& inspection =
        steered.send(Command::com_stmt_execute, std::string("\xFF\xFF\xFF\xFF\0\1\0\0\0", 9));
    CHECK(inspection.what->kind == StatementKind::delete_);
  }
  SECTION("and not when it refused") {
    steered.answer(err);
    const Inspection& inspection =
        steered.send(Command::com_stmt_execute, std::string("\x07\0\0\0\0\1\0\0\0", 9));
    CHECK_FALSE(inspection.has_text());
  }
  SECTION("and not when it has been closed") {
    steered.answer("00 07000000 0000 0000 00 0000");
    steered.send(Command::com_stmt_close, std::string("\x07\0\0\0", 4));
    const Inspection& inspection =
        steered.send(Command::com_stmt_execute, std::string("\x07\0\0\0\0\1\0\0\0", 9));
    CHECK_FALSE(inspection.has_text());
  }
}

TEST_CASE("the current schema follows what the server has accepted", "[steering]") {
  Steered steered;
  SECTION("COM_INIT_DB") {
    steered.send(Command::com_init_db, "hr");
    CHECK(steered.steering.facts().schema == "shop");
    steered.answer(ok);
    CHECK(steered.steering.facts().schema == "hr");
  }
  SECTION("USE") {
    steered.send(Command::com_query, "use `h``r`");
    steered.answer(ok);
    CHECK(steered.steering.facts().schema == "h`r");
  }
  SECTION("USE that was prepared") {
    steered.send(Command::com_stmt_prepare, "use hr");
    steered.answer("00 07000000 0000 0000 00 0000");
    CHECK(steered.steering.facts().schema == "shop");
    steered.send(Command::com_stmt_execute, std::string("\x07\0\0\0\0\1\0\0\0", 9));
    steered.answer(ok);
    CHECK(steered.steering.facts().schema == "hr");
  }
  SECTION("refused") {
    steered.send(Command::com_query, "use hr");
    steered.answer(err);
    CHECK(steered.steering.facts().schema == "shop");
    steered.send(Command::com_query, "do 1");
    steered.answer(ok);
    CHECK(steered.steering.facts().schema == "shop");
  }
}

TEST_CASE("a statement is read as its session says", "[steering]") {
  Steered steered;
  steered.send(Command::com_query, "set sql_mode = 'ansi_quotes'");
  SECTION("when the server agreed") {
    steered.answer(ok);
    CHECK(steered.send(Command::com_query, "select \"a\"").digest_text == "SELECT `a`");
    steered.answer(ok);
    steered.send(Command::com_reset_connection, "");
    steered.answer(ok);
    CHECK(steered.send(Command::com_query, "select \"a\"").digest_text == "SELECT ?");
  }
  SECTION("when it refused") {
    steered.answer(err);
    CHECK(steered.send(Command::com_query, "select \"a\"").digest_text == "SELECT ?");
  }
}

TEST_CASE("of a statement that will not come again nothing is kept behind its answer",
          "[steering]") {
  Steered steered;
  steered.send(Command::com_query, "set names utf8mb4");
  CHECK(steered.steering.inspection().has_text());
  steered.answer(ok);
  CHECK(steered.steering.inspection().has_text());
  CHECK(steered.steering.on_progress(11, steered.tracker));
  CHECK_FALSE(steered.steering.inspection().has_text());
}

TEST_CASE("of a part it is not said what it does", "[steering]") {
  Steered steered;
  const std::string payload = "\x03select 1";
  CHECK(steered.steering.on_command(mysqlwire::as_bytes(payload), false, steered.tracker) ==
        Gate::Verdict::pass);
  const Inspection& inspection = steered.steering.inspection();
  CHECK_FALSE(inspection.whole);
  CHECK(inspection.what->kind == StatementKind::unknown);
  CHECK(inspection.what->has(mysqlwire::sql::Effect::writes));
  CHECK(inspection.digest_truncated);
}
