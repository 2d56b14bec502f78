// Results of the text protocol, status and session state.
#include "cli/mysqlprobe/conform.hpp"

#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/query.hpp>
#include <mysqlwire/wire/session_track.hpp>

#include <fmt/format.h>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

// `count` rows without any table, in order.
std::string rows_sql(unsigned count) {
  std::string sql = "SELECT 1 AS n";
  for (unsigned i = 2; i <= count; ++i) sql += fmt::format(" UNION ALL SELECT {}", i);
  return sql;
}

// Sequence ids count up by one from packet to packet, 255 is followed by 0.
Outcome sequence_over(Session& session, unsigned rows) {
  const Answer answer = session.query(rows_sql(rows));
  if (answer.count(PacketKind::text_row) != rows) return fail(answer.text());
  std::uint8_t expected = 1;
  for (const SeenPacket& packet : answer.packets) {
    if (packet.first_sequence_id != expected)
      return fail(fmt::format("{} where {} was due", packet.first_sequence_id, expected),
                  packet.payload);
    expected = static_cast<std::uint8_t>(packet.last_sequence_id + 1);
  }
  return pass("1, 2 … 255, 0, 1 …");
}

Outcome columns(Bench& bench, unsigned count) {
  std::string sql = "SELECT 0 AS c0";
  for (unsigned i = 1; i < count; ++i) sql += fmt::format(", {} AS c{}", i, i);
  const Answer answer = bench.open()->query(sql);
  const std::vector<std::string> row = answer.row(0);
  if (row.size() != count) return fail(answer.text());
  return row.back() == std::to_string(count - 1) ? pass("all there")
                                                 : fail("the last is " + row.back());
}

Outcome cell_of(Bench& bench, unsigned size) {
  const Answer answer = bench.open()->query(fmt::format("SELECT REPEAT('x', {}), 'end'", size));
  const std::vector<std::string> row = answer.row(0);
  if (row.size() != 2) return fail(answer.text());
  return row[0].size() == size && row[1] == "end" ? pass("whole")
                                                  : fail(fmt::format("{} bytes", row[0].size()));
}

// Items of the session state that came with the answer's OK.
std::string tracked(Session& session, const Answer& answer, SessionTrackType type) {
  const SeenPacket* packet = answer.find(PacketKind::ok);
  if (packet == nullptr) throw fail(answer.text());
  const auto ok = OkPacket::decode(packet->payload, session.context());
  if (!ok) throw fail(to_string(ok.error()), packet->payload);
  std::string out;
  SessionTrackItems items(ok->session_state, session.context());
  while (const auto item = items.next()) {
    if (item->type != type) continue;
    if (type == SessionTrackType::system_variables) {
      SystemVariables variables(item->data, session.context());
      while (const auto each = variables.next())
        out += fmt::format("{}={} ", each->name, each->value);
    } else if (const auto text = item->text(session.context())) {
      out += *text;
    }
  }
  if (!items.ok()) throw fail(to_string(items.error()), packet->payload);
  return out;
}

Outcome tracks(Bench& bench, const char* setting, const char* sql, SessionTrackType type,
               std::string_view expected) {
  bench.need(Capability::session_track);
  const auto session = bench.open(Capability::session_track);
  if (*setting != '\0') session->need(setting);
  const Answer answer = session->query(sql);
  const std::string seen = tracked(*session, answer, type);
  if (seen.empty()) return fail("not told", answer.packets.back().payload);
  return seen.find(expected) != std::string::npos ? pass("told") : fail(seen);
}

Outcome local_infile(Bench& bench, bool agreed) {
  const auto session = agreed ? bench.open_in_schema(Capability::local_files)
                              : bench.open_in_schema({}, Capability::local_files);
  session->need("CREATE TEMPORARY TABLE mysqlprobe_i (a VARCHAR(20))");
  const Answer answer =
      session->query("LOAD DATA LOCAL INFILE '/mysqlprobe' INTO TABLE mysqlprobe_i");
  const SeenPacket* request = answer.find(PacketKind::local_infile_request);
  if (!agreed) {
    if (request != nullptr) return fail("asked for a file", request->payload);
    return expect_err(answer, {1148, 3948, 4166, 3950});
  }
  if (request == nullptr)
    return answer.err ? skip("refused by the server: " + answer.text()) : fail(answer.text());
  const auto asked = LocalInfileRequest::decode(request->payload, session->context());
  if (!asked || asked->filename != "/mysqlprobe") return fail("another file", request->payload);
  return answer.is_ok() ? pass("asked, and satisfied with an empty file") : fail(answer.text());
}

}  // namespace

void add_result_checks(std::vector<Check>& checks) {
  const auto add = [&](const std::string& name, const char* about,
                       std::function<Outcome(Bench&)> run) {
    checks.push_back({"result." + name, about, std::move(run)});
  };
  add("ok", "a statement without rows: OK",
      [](Bench& bench) { return expect_ok(bench.open()->query("SET @a = 1")); });
  add("syntax", "ERR 1064 with SQLSTATE 42000", [](Bench& bench) {
    const Answer answer = bench.open()->query("SELEKT");
    if (answer.err && answer.err->sql_state != "42000") return fail(answer.text());
    return expect_err(answer, {1064});
  });
  add("empty-query", "no statement: ERR 1065",
      [](Bench& bench) { return expect_err(bench.open()->query(""), {1065}); });
  add("err-keeps-open", "an ERR does not end the session", [](Bench& bench) {
    const auto session = bench.open();
    (void)session->query("SELEKT");
    return session->alive() ? pass("goes on") : fail("it ends");
  });
  add("null", "NULL is 0xFB, an empty string is not", [](Bench& bench) {
    return expect_row(bench.open()->query("SELECT NULL, '', 'NULL'"), {"NULL", "", "NULL"});
  });
  add("no-rows", "a result without rows", [](Bench& bench) {
    const Answer answer = bench.open()->query("SELECT 1 FROM DUAL WHERE 1 = 0");
    return answer.text() == "0 rows" ? pass("0 rows") : fail(answer.text());
  });
  add("definition", "a definition's catalog, name and type", [](Bench& bench) {
    const auto session = bench.open();
    const Answer answer = session->query("SELECT 1 AS a");
    const SeenPacket* packet = answer.find(PacketKind::column_definition);
    if (packet == nullptr) return fail(answer.text());
    const auto column = ColumnDefinition41::decode(packet->payload, session->context());
    if (!column) return fail(to_string(column.error()), packet->payload);
    if (column->catalog != "def" || column->column_name != "a")
      return fail("wrong", packet->payload);
    const bool number = column->type == FieldType::longlong || column->type == FieldType::long_;
    return number ? pass("def, a, a number") : deviation("no number", packet->payload);
  });
  add("deprecate-eof", "rows end with an OK that begins with 0xFE", [](Bench& bench) {
    bench.need(Capability::deprecate_eof);
    const Answer answer = bench.open(Capability::deprecate_eof)->query("SELECT 1");
    const SeenPacket* end = answer.find(PacketKind::result_end);
    if (end == nullptr) return fail(answer.text());
    return answer.packets.size() == 4 && end->payload.size() >= 7 && end->payload[0] == 0xfe
               ? pass("4 packets")
               : fail(fmt::format("{} packets", answer.packets.size()), end->payload);
  });
  add("eof", "without DEPRECATE_EOF: EOF behind definitions and rows", [](Bench& bench) {
    const Answer answer = bench.open({}, Capability::deprecate_eof)->query("SELECT 1");
    const SeenPacket* end = answer.find(PacketKind::result_end);
    if (end == nullptr) return fail(answer.text());
    return answer.packets.size() == 5 && end->payload.size() == 5
               ? pass("5 packets")
               : fail(fmt::format("{} packets", answer.packets.size()), end->payload);
  });
  add("sequence-wrap", "sequence ids wrap at 255",
      [](Bench& bench) { return sequence_over(*bench.open({}, Capability::compress), 600); });
  add("sequence-wrap-eof", "… in the EOF dialect too", [](Bench& bench) {
    return sequence_over(*bench.open({}, Capability::compress | Capability::deprecate_eof), 600);
  });
  for (const unsigned count : {1U, 250U, 251U, 1000U, 4096U})
    add(fmt::format("columns-{}", count), "so many columns",
        [count](Bench& bench) { return columns(bench, count); });
  for (const unsigned size : {250U, 251U, 65535U, 65536U, 1000000U})
    add(fmt::format("cell-{}", size), "a cell of so many bytes",
        [size](Bench& bench) { return cell_of(bench, size); });
  add("optional-metadata", "the byte behind the column count", [](Bench& bench) {
    bench.need(Capability::optional_resultset_metadata);
    const auto session = bench.open(Capability::optional_resultset_metadata);
    const Answer answer = session->query("SELECT 1");
    const SeenPacket* count = answer.find(PacketKind::column_count);
    if (count == nullptr) return fail(answer.text());
    return count->payload.size() == 2 ? pass("there") : fail("not there", count->payload);
  });
  add("multi-statements", "two results, the first with MORE_RESULTS_EXISTS", [](Bench& bench) {
    const Answer answer = bench.open(Capability::multi_statements)->query("SELECT 1; SELECT 2");
    return answer.count(PacketKind::text_row) == 2 && answer.count(PacketKind::column_count) == 2
               ? pass("two results")
               : fail(answer.text());
  });
  add("multi-mixed", "OK, rows and OK in one answer", [](Bench& bench) {
    const Answer answer =
        bench.open(Capability::multi_statements)->query("SET @a = 1; SELECT @a; SET @a = 2");
    return answer.count(PacketKind::ok) == 2 && answer.count(PacketKind::text_row) == 1
               ? pass("three results")
               : fail(answer.text());
  });
  add("multi-error", "an error ends the list", [](Bench& bench) {
    const auto session = bench.open(Capability::multi_statements);
    const Answer answer = session->query("SELECT 1; SELEKT; SELECT 3");
    if (!answer.err) return fail(answer.text());
    if (answer.count(PacketKind::text_row) > 1) return fail("it went on");
    return session->alive() ? pass("ERR behind the first result") : fail("it ends the session");
  });
  add("multi-refused", "not without the leave for it: ERR 1064", [](Bench& bench) {
    return expect_err(bench.open({}, Capability::multi_statements)->query("SELECT 1; SELECT 2"),
                      {1064});
  });
  add("error-in-rows", "an ERR in the place of a row", [](Bench& bench) {
    const auto session = bench.open();
    const Answer answer =
        session->query("SELECT EXP(n) FROM (SELECT 1 AS n UNION ALL SELECT 100000) t");
    if (!answer.err) return deviation(answer.text());
    return session->alive() ? pass(answer.text()) : fail("it ends the session");
  });
  add("transaction", "IN_TRANS from START TRANSACTION to COMMIT", [](Bench& bench) {
    const auto session = bench.open();
    if (!session->query("START TRANSACTION").status().has(ServerStatus::in_trans))
      return fail("no IN_TRANS behind START TRANSACTION");
    return session->query("COMMIT").status().has(ServerStatus::in_trans)
               ? fail("IN_TRANS behind COMMIT")
               : pass("on, off");
  });
  add("transaction-readonly", "IN_TRANS_READONLY", [](Bench& bench) {
    const Answer answer = bench.open()->query("START TRANSACTION READ ONLY");
    if (answer.err) return skip(answer.text());
    return answer.status().has(ServerStatus::in_trans_readonly) ? pass("on") : fail("off");
  });
  add("autocommit", "AUTOCOMMIT follows the variable", [](Bench& bench) {
    const auto session = bench.open();
    if (session->query("SET autocommit = 0").status().has(ServerStatus::autocommit))
      return fail("still on");
    return session->query("SET autocommit = 1").status().has(ServerStatus::autocommit)
               ? pass("off, on")
               : fail("still off");
  });
  add("no-backslash-escapes", "NO_BACKSLASH_ESCAPES follows sql_mode", [](Bench& bench) {
    const Answer answer = bench.open()->query("SET sql_mode = 'NO_BACKSLASH_ESCAPES'");
    if (answer.err) return skip(answer.text());
    return answer.status().has(ServerStatus::no_backslash_escapes) ? pass("on") : fail("off");
  });
  add("warnings", "warnings are counted", [](Bench& bench) {
    const auto session = bench.open();
    const Answer answer = session->query("SET @a = CAST('x' AS SIGNED)");
    const SeenPacket* packet = answer.find(PacketKind::ok);
    if (packet == nullptr) return fail(answer.text());
    const auto ok = OkPacket::decode(packet->payload, session->context());
    return ok && ok->warnings == 1 ? pass("1") : deviation("not counted", packet->payload);
  });
  add("affected", "affected rows, insert id and info", [](Bench& bench) {
    const auto session = bench.open_in_schema();
    session->need("CREATE TEMPORARY TABLE mysqlprobe_a (id INT AUTO_INCREMENT PRIMARY KEY, v INT)");
    const Answer answer = session->query("INSERT INTO mysqlprobe_a (v) VALUES (1), (2), (3)");
    const SeenPacket* packet = answer.find(PacketKind::ok);
    if (packet == nullptr) return fail(answer.text());
    const auto ok = OkPacket::decode(packet->payload, session->context());
    if (!ok) return fail(to_string(ok.error()), packet->payload);
    const bool good = ok->affected_rows == 3 && ok->last_insert_id == 1 &&
                      ok->info.find("Records: 3") != std::string_view::npos;
    return good ? pass("3, 1, Records: 3") : fail("other", packet->payload);
  });
  for (const bool found : {false, true})
    add(found ? "found-rows" : "changed-rows",
        found ? "with FOUND_ROWS: rows that were found" : "without FOUND_ROWS: rows that changed",
        [found](Bench& bench) {
          const auto session = found ? bench.open_in_schema(Capability::found_rows)
                                     : bench.open_in_schema({}, Capability::found_rows);
          session->need("CREATE TEMPORARY TABLE mysqlprobe_c (v INT)");
          session->need("INSERT INTO mysqlprobe_c VALUES (1), (1)");
          const Answer answer = session->query("UPDATE mysqlprobe_c SET v = 1");
          const SeenPacket* packet = answer.find(PacketKind::ok);
          if (packet == nullptr) return fail(answer.text());
          const auto ok = OkPacket::decode(packet->payload, session->context());
          return ok && ok->affected_rows == (found ? 2U : 0U) ? pass(found ? "2" : "0")
                                                              : fail("other", packet->payload);
        });
  add("track-variable", "a changed variable is told", [](Bench& bench) {
    return tracks(bench, "", "SET autocommit = 0", SessionTrackType::system_variables,
                  "autocommit=OFF");
  });
  add("track-charset", "SET NAMES tells three variables", [](Bench& bench) {
    return tracks(bench, "", "SET NAMES latin1", SessionTrackType::system_variables,
                  "character_set_client=latin1");
  });
  add("track-state", "a change of state is told", [](Bench& bench) {
    return tracks(bench, "SET session_track_state_change = ON", "SET @a = 1",
                  SessionTrackType::state_change, "1");
  });
  add("track-transaction", "a transaction's state is told", [](Bench& bench) {
    return tracks(bench, "SET session_track_transaction_info = 'STATE'", "START TRANSACTION",
                  SessionTrackType::transaction_state, "T_");
  });
  add("track-schema", "USE tells the schema", [](Bench& bench) {
    if (bench.settings().plan.database.empty()) return skip("needs a schema: --database");
    const std::string sql = "USE `" + bench.settings().plan.database + "`";
    return tracks(bench, "", sql.c_str(), SessionTrackType::schema, bench.settings().plan.database);
  });
  add("local-infile-refused", "no file is asked of a client without LOCAL_FILES",
      [](Bench& bench) { return local_infile(bench, false); });
  add("local-infile", "a file is asked for, an empty one is taken",
      [](Bench& bench) { return local_infile(bench, true); });
}

}  // namespace mysqlprobe
