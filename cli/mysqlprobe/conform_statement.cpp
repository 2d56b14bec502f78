// Prepared statements.
#include "cli/mysqlprobe/conform.hpp"

#include <mysqlwire/wire/stmt.hpp>

#include <fmt/format.h>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

Parameter text_parameter(std::string_view text) {
  return {{FieldType::var_string, false}, "", Value(text), false};
}
Parameter number_parameter(std::int64_t number) {
  return {{FieldType::longlong, false}, "", Value(number), false};
}
Parameter null_parameter() { return {{FieldType::null, false}, "", Value(), false}; }

std::string placeholders(unsigned count) {
  std::string sql = "SELECT ?";
  for (unsigned i = 1; i < count; ++i) sql += ", ?";
  return sql;
}

// Every third is NULL, in both directions.
Outcome nulls(Bench& bench, unsigned count) {
  const auto session = bench.open();
  const StmtPrepareOk prepared = session->prepare(placeholders(count));
  if (prepared.parameter_count != count)
    return fail(fmt::format("{} parameters announced", prepared.parameter_count));
  std::vector<Parameter> parameters;
  std::vector<std::string> expected;
  std::vector<std::string> texts(count);
  for (unsigned i = 0; i < count; ++i) {
    texts[i] = fmt::format("v{}", i);
    const bool is_null = i % 3 == 0;
    parameters.push_back(is_null ? null_parameter() : text_parameter(texts[i]));
    expected.push_back(is_null ? "NULL" : texts[i]);
  }
  return expect_row(session->execute(prepared.statement_id, parameters), expected);
}

Buffer command(Command code, std::initializer_list<std::uint8_t> rest) {
  Buffer payload;
  payload.reserve(1 + rest.size());
  payload.push_back(static_cast<std::uint8_t>(code));
  for (const std::uint8_t each : rest) payload.push_back(each);
  return payload;
}

// A bad packet of a command that has an answer: ERR, and the session goes on.
Outcome malformed(Bench& bench, const Buffer& payload, std::initializer_list<std::int64_t> codes) {
  const auto session = bench.open();
  session->connection().send_packet(payload);
  const auto reply = session->read_raw();
  if (!reply) return deviation("closed without an ERR");
  Answer answer;
  answer.context = session->context();
  if (reply->payload.empty() || reply->payload[0] != 0xff) return fail("answered", reply->payload);
  answer.err =
      Failure{FailureKind::err_packet, "", reply->payload[1] | reply->payload[2] << 8, "", ""};
  Outcome outcome = expect_err(answer, codes);
  if (!session->alive()) return fail(outcome.seen + ", and nothing works behind it");
  return outcome;
}

constexpr const char* three_rows = "SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3";

struct Cursor {
  std::unique_ptr<Session> session;
  std::uint32_t id;
};

Cursor open_cursor(Bench& bench) {
  auto session = bench.open_in_schema();
  session->need("CREATE TEMPORARY TABLE mysqlprobe_r (n INT)");
  session->need("INSERT INTO mysqlprobe_r VALUES (1), (2), (3)");
  const StmtPrepareOk prepared = session->prepare("SELECT n FROM mysqlprobe_r ORDER BY n");
  const Answer answer =
      session->execute(prepared.statement_id, {}, ExecuteFlag::cursor_type_read_only);
  if (answer.err) throw skip(answer.text());
  if (answer.count(PacketKind::binary_row) != 0 ||
      !answer.status().has(ServerStatus::cursor_exists))
    throw deviation("rows at once, no cursor");
  return {std::move(session), prepared.statement_id};
}

Outcome fetch(Bench& bench, std::uint32_t rows, std::size_t expected, bool last) {
  Cursor cursor = open_cursor(bench);
  const Answer answer = cursor.session->send(ComStmtFetch{cursor.id, rows});
  if (answer.err) return fail(answer.text());
  const std::size_t got = answer.count(PacketKind::binary_row);
  const StatusFlags status = answer.status();
  const bool ended = status.has(ServerStatus::last_row_sent);
  if (got != expected || ended != last)
    return fail(fmt::format("{} rows{}", got, ended ? ", LAST_ROW_SENT" : ""));
  return pass(fmt::format("{} rows{}", got, ended ? ", LAST_ROW_SENT" : ""));
}

Outcome long_data(Bench& bench, std::initializer_list<std::string_view> pieces) {
  const auto session = bench.open();
  const StmtPrepareOk prepared = session->prepare("SELECT LENGTH(?)");
  std::size_t size = 0;
  for (const std::string_view piece : pieces) {
    (void)session->send(ComStmtSendLongData{prepared.statement_id, 0, piece});
    size += piece.size();
  }
  Parameter parameter{{FieldType::long_blob, false}, "", Value(), true};
  return expect_row(session->execute(prepared.statement_id, {&parameter, 1}),
                    {std::to_string(size)});
}

}  // namespace

void add_statement_checks(std::vector<Check>& checks) {
  const auto add = [&](const std::string& name, const char* about,
                       std::function<Outcome(Bench&)> run) {
    checks.push_back({"statement." + name, about, std::move(run)});
  };
  add("prepare", "counts of parameters and columns", [](Bench& bench) {
    const StmtPrepareOk ok = bench.open()->prepare("SELECT ?, ?, 1");
    return ok.parameter_count == 2 && ok.column_count == 3
               ? pass("2 and 3")
               : fail(fmt::format("{} and {}", ok.parameter_count, ok.column_count));
  });
  add("prepare-eof", "… in the EOF dialect", [](Bench& bench) {
    const auto session = bench.open({}, Capability::deprecate_eof);
    const StmtPrepareOk ok = session->prepare("SELECT ?, ?, 1");
    return ok.parameter_count == 2 && ok.column_count == 3 && session->alive() ? pass("2 and 3")
                                                                               : fail("other");
  });
  add("prepare-syntax", "ERR 1064", [](Bench& bench) {
    return expect_err(bench.open()->send(ComStmtPrepare{"SELEKT ?"}), {1064});
  });
  add("prepare-two", "one statement only: ERR 1064", [](Bench& bench) {
    return expect_err(
        bench.open(Capability::multi_statements)->send(ComStmtPrepare{"SELECT 1; SELECT 2"}),
        {1064});
  });
  add("no-parameters", "a statement without parameters", [](Bench& bench) {
    const auto session = bench.open();
    return expect_row(session->execute(session->prepare("SELECT 1, 'a'").statement_id, {}),
                      {"1", "a"});
  });
  for (const unsigned count : {1U, 6U, 7U, 8U, 9U, 250U})
    add(fmt::format("null-bitmap-{}", count), "NULL among so many parameters and columns",
        [count](Bench& bench) { return nulls(bench, count); });
  add("types-remembered", "a second execute without types", [](Bench& bench) {
    const auto session = bench.open();
    const StmtPrepareOk prepared = session->prepare("SELECT ?");
    Parameter parameter = number_parameter(1);
    (void)session->execute(prepared.statement_id, {&parameter, 1});
    parameter = number_parameter(2);
    ComStmtExecute again;
    again.statement_id = prepared.statement_id;
    again.parameter_count = 1;
    again.new_params_bind_flag = false;
    again.parameters = ParameterList({&parameter, 1});
    return expect_row(session->send(again), {"2"});
  });
  add("types-missing", "a first execute without types: ERR", [](Bench& bench) {
    const auto session = bench.open();
    const StmtPrepareOk prepared = session->prepare("SELECT ?");
    const Parameter parameter = number_parameter(2);
    ComStmtExecute execute;
    execute.statement_id = prepared.statement_id;
    execute.parameter_count = 1;
    execute.new_params_bind_flag = false;
    execute.parameters = ParameterList({&parameter, 1});
    return expect_err(session->send(execute), {1210, 1835});
  });
  add("long-data", "long data in pieces",
      [](Bench& bench) { return long_data(bench, {"abc", "", "defg"}); });
  add("long-data-empty", "long data without any bytes",
      [](Bench& bench) { return long_data(bench, {""}); });
  add("long-data-unknown", "long data for an unknown statement: no answer", [](Bench& bench) {
    const auto session = bench.open();
    session->connection().send_packet(
        command(Command::com_stmt_send_long_data, {0xff, 0, 0, 0, 0, 0, 'x'}));
    return session->alive() ? pass("no answer") : fail("an answer");
  });
  add("unknown-id", "COM_STMT_EXECUTE of an unknown statement: ERR 1243",
      [](Bench& bench) { return expect_err(bench.open()->execute(12345, {}), {1243}); });
  add("unknown-id-reset", "COM_STMT_RESET: ERR 1243",
      [](Bench& bench) { return expect_err(bench.open()->send(ComStmtReset{12345}), {1243}); });
  add("unknown-id-fetch", "COM_STMT_FETCH: ERR 1243",
      [](Bench& bench) { return expect_err(bench.open()->send(ComStmtFetch{12345, 1}), {1243}); });
  add("unknown-id-close", "COM_STMT_CLOSE: no answer", [](Bench& bench) {
    const auto session = bench.open();
    (void)session->send(ComStmtClose{12345});
    return session->alive() ? pass("no answer") : fail("an answer");
  });
  add("close", "a closed statement is unknown: ERR 1243", [](Bench& bench) {
    const auto session = bench.open();
    const StmtPrepareOk prepared = session->prepare("SELECT 1");
    (void)session->send(ComStmtClose{prepared.statement_id});
    return expect_err(session->execute(prepared.statement_id, {}), {1243});
  });
  add("reset", "COM_STMT_RESET: OK", [](Bench& bench) {
    const auto session = bench.open();
    return expect_ok(session->send(ComStmtReset{session->prepare("SELECT 1").statement_id}));
  });
  add("others-id", "another session's statement is unknown", [](Bench& bench) {
    const auto owner = bench.open();
    for (int i = 0; i < 5; ++i) (void)owner->prepare("SELECT 1");
    const std::uint32_t id = owner->prepare("SELECT 'secret'").statement_id;
    return expect_err(bench.open()->execute(id, {}), {1243});
  });
  add("execute-short", "a COM_STMT_EXECUTE that is cut: ERR", [](Bench& bench) {
    return malformed(bench, command(Command::com_stmt_execute, {1, 0}), {1835, 1243, 1210});
  });
  add("fetch-short", "a COM_STMT_FETCH that is cut: ERR", [](Bench& bench) {
    return malformed(bench, command(Command::com_stmt_fetch, {1, 0}), {1835, 1243, 1210});
  });
  add("parameters-short", "parameters that are cut: ERR, not an answer", [](Bench& bench) {
    const auto session = bench.open();
    const StmtPrepareOk prepared = session->prepare("SELECT ?");
    const auto id = static_cast<std::uint8_t>(prepared.statement_id);
    // A string that announces 200 bytes and has 2.
    Buffer payload = command(Command::com_stmt_execute,
                             {id, static_cast<std::uint8_t>(prepared.statement_id >> 8),
                              static_cast<std::uint8_t>(prepared.statement_id >> 16),
                              static_cast<std::uint8_t>(prepared.statement_id >> 24), 0, 1, 0, 0, 0,
                              0, 1, 0xfd, 0, 200, 'a', 'b'});
    session->connection().send_packet(payload);
    const auto reply = session->read_raw();
    if (!reply) return deviation("closed without an ERR");
    if (reply->payload.empty() || reply->payload[0] != 0xff)
      return deviation("taken for something", reply->payload);
    return pass("ERR");
  });
  add("cursor", "a cursor: no rows before COM_STMT_FETCH", [](Bench& bench) {
    (void)open_cursor(bench);
    return pass("CURSOR_EXISTS, no rows");
  });
  add("fetch", "two rows of three", [](Bench& bench) { return fetch(bench, 2, 2, false); });
  add("fetch-all", "more rows than there are",
      [](Bench& bench) { return fetch(bench, 10, 3, true); });
  add("fetch-behind", "COM_STMT_FETCH behind the last row", [](Bench& bench) {
    Cursor cursor = open_cursor(bench);
    (void)cursor.session->send(ComStmtFetch{cursor.id, 10});
    const Answer again = cursor.session->send(ComStmtFetch{cursor.id, 10});
    if (again.err) return expect_err(again, {1421});
    return again.count(PacketKind::binary_row) == 0 ? pass("0 rows") : fail(again.text());
  });
  add("fetch-no-cursor", "COM_STMT_FETCH without a cursor: ERR 1421", [](Bench& bench) {
    const auto session = bench.open();
    const StmtPrepareOk prepared = session->prepare(three_rows);
    (void)session->execute(prepared.statement_id, {});
    return expect_err(session->send(ComStmtFetch{prepared.statement_id, 1}), {1421});
  });
  add("reset-closes-cursor", "COM_STMT_RESET closes the cursor", [](Bench& bench) {
    Cursor cursor = open_cursor(bench);
    (void)cursor.session->send(ComStmtReset{cursor.id});
    return expect_err(cursor.session->send(ComStmtFetch{cursor.id, 1}), {1421});
  });
  add("many", "300 statements at a time", [](Bench& bench) {
    const auto session = bench.open();
    std::uint32_t id = 0;
    for (int i = 0; i < 300; ++i) id = session->prepare(fmt::format("SELECT {}", i)).statement_id;
    return expect_row(session->execute(id, {}), {"299"});
  });
}

}  // namespace mysqlprobe
