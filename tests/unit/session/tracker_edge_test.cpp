// What the tracker refuses, tolerates and bounds.
#include "conversation.hpp"

#include <catch2/catch.hpp>
#include <support/examples.hpp>

using namespace mysqlwire;
using namespace mysqlwire::test;
namespace ex = mysqlwire::test::examples;

namespace {

Context dialect(Capabilities more = {}) {
  Context context;
  context.capabilities = Capability::protocol_41 | Capability::local_files;
  context.capabilities.set(more);
  return context;
}

std::string run(const Context& context, std::string_view text) {
  Tracker tracker = Tracker::in_command_phase(context);
  return run_whole(tracker, conversation(text));
}

std::string login(std::string_view rest) {
  Tracker tracker;
  Conversation turns = slice(conversation(ex::e1), 0, 2);
  for (const Turn& turn : conversation(rest)) turns.push_back(turn);
  return run_whole(tracker, turns).substr(std::string("greeting handshake_response ").size());
}

std::string mariadb_login(std::string_view rest) {
  Tracker tracker;
  Conversation turns = slice(conversation(ex::e2), 0, 2);
  for (const Turn& turn : conversation(rest)) turns.push_back(turn);
  return run_whole(tracker, turns).substr(std::string("greeting handshake_response ").size());
}

}  // namespace

TEST_CASE("an out-of-band ERR may come at any time", "[tracker]") {
  const std::string_view idle_err = "S 09000000 ffbf0f234859303030";
  Tracker tracker = Tracker::in_command_phase(dialect());
  CHECK(run_whole(tracker, conversation(idle_err)) == "err");
  CHECK(tracker.idle());
  CHECK_FALSE(tracker.response_complete());
  // A command that crosses it is still a command.
  CHECK(run_whole(tracker, conversation("C 01000000 0e")) == "command");

  // In place of a row, with the sequence id 0 (MySQL) or 1 (MariaDB); not with any other.
  for (const char* id : {"00", "01"}) {
    Tracker rows = Tracker::in_command_phase(dialect());
    run_whole(rows, slice(conversation(ex::e8), 0, 6));
    const std::string line = std::string("S 090000") + id + " ff8707233038533031";
    CHECK(run_whole(rows, conversation(line)) == "err");
    CHECK(rows.idle());
  }
  Tracker rows = Tracker::in_command_phase(dialect());
  run_whole(rows, slice(conversation(ex::e8), 0, 6));
  CHECK(run_whole(rows, conversation("S 09000002 ff8707233038533031")) == "packets out of order");
  CHECK(rows.lost());
  CHECK(run_whole(rows, conversation("C 01000000 0e")) == "unexpected packet");
}

TEST_CASE("an ERR ends a chain of results", "[tracker]") {
  Tracker tracker = Tracker::in_command_phase(dialect());
  const std::string kinds = run_whole(tracker, conversation(R"(
C 02000000 0331
S 07000001 0000000b000000
S 09000002 ff2804233432303030)"));
  CHECK(kinds == "command ok err");
  CHECK(tracker.response_complete());
  CHECK(tracker.idle());
  CHECK(tracker.in_transaction());  // as the last status had it
  CHECK_FALSE(tracker.status().has(ServerStatus::more_results_exists));
}

TEST_CASE("commands without a reply", "[tracker]") {
  Tracker tracker = Tracker::in_command_phase(dialect());
  CHECK(run_whole(tracker, conversation("C 05000000 1901000000\nC 08000000 1801000000000061")) ==
        "2*command");
  CHECK(tracker.idle());
  CHECK(run_whole(tracker, conversation("S 07000001 00000002000000")) == "unexpected packet");

  // Malformed ones are answered by MySQL: alone, or in front of the reply to the next command.
  CHECK(run(dialect(),
            "C 02000000 1901\nS 09000001 ff2b07234859303030\nC 01000000 0e\n"
            "S 07000001 00000002000000") == "command err command ok");
  Tracker pipelined = Tracker::in_command_phase(dialect());
  CHECK(run_whole(pipelined, conversation(R"(
C 02000000 1901
C 02000000 1801
C 01000000 0e
S 09000001 ff2b07234859303030)")) == "3*command err");
  CHECK_FALSE(pipelined.response_complete());
  CHECK(run_whole(pipelined, conversation(R"(
S 09000001 ff2b07234859303030
S 07000001 00000002000000)")) == "err ok");
  CHECK(pipelined.idle());
  // One malformed command takes one ERR; the next is the reply to what followed.
  Tracker both = Tracker::in_command_phase(dialect());
  run_whole(both, conversation("C 02000000 1901\nC 01000000 1a"));
  CHECK(run_whole(both, conversation("S 09000001 ff2b07234859303030")) == "err");
  CHECK_FALSE(both.response_complete());
  CHECK(run_whole(both, conversation("S 09000001 ff2b07234859303030")) == "err");
  CHECK(both.idle());
  // MariaDB stays silent.
  CHECK(run(dialect(), "C 02000000 1901\nC 01000000 0e\nS 07000001 00000002000000") ==
        "2*command ok");

  Tracker quit = Tracker::in_command_phase(dialect());
  CHECK(run_whole(quit, conversation("C 01000000 01")) == "command");
  CHECK(quit.phase() == Phase::closed);
  CHECK(run_whole(quit, conversation("C 01000000 0e")) == "unexpected packet");
}

TEST_CASE("pipelined commands are answered in order", "[tracker]") {
  Tracker tracker = Tracker::in_command_phase(dialect());
  CHECK(run_whole(tracker, conversation(R"(
C 01000000 0e
C 02000000 0331
C 01000000 09)")) == "3*command");
  CHECK(tracker.pending_commands() == 3);
  CHECK(tracker.command() == Command::com_ping);
  CHECK(run_whole(tracker, conversation("S 07000001 00000002000000")) == "ok");
  CHECK(tracker.response_complete());
  CHECK(tracker.command() == Command::com_ping);
  CHECK(run_whole(tracker, conversation("S 07000001 00000002000000")) == "ok");
  CHECK(tracker.command() == Command::com_query);
  CHECK(run_whole(tracker, conversation("S 03000001 555054")) == "statistics");
  CHECK(tracker.idle());
}

TEST_CASE("pipelining is bounded, and a long queue can be copied", "[tracker]") {
  Context context = dialect();
  context.limits.max_pipelined_commands = 100;
  Tracker tracker = Tracker::in_command_phase(context);
  const Conversation ping = conversation("C 01000000 0e");
  const Conversation pong = conversation("S 07000001 00000002000000");
  for (int i = 0; i < 3; ++i) run_whole(tracker, ping);
  for (int i = 0; i < 2; ++i) run_whole(tracker, pong);
  for (int i = 0; i < 99; ++i) CHECK(run_whole(tracker, ping) == "command");
  CHECK(tracker.pending_commands() == 100);

  Tracker copy(tracker);
  CHECK(run_whole(tracker, ping) == "limit exceeded");
  Tracker assigned;
  assigned = copy;
  for (int i = 0; i < 100; ++i) CHECK(run_whole(assigned, pong) == "ok");
  CHECK(assigned.idle());
  CHECK(copy.pending_commands() == 100);
  Tracker moved(std::move(copy));
  for (int i = 0; i < 100; ++i) CHECK(run_whole(moved, pong) == "ok");
  CHECK(moved.idle());
}

TEST_CASE("the queue keeps each command's own facts", "[tracker]") {
  // EXECUTE with a cursor, then one without: only the first ends at the definitions.
  Tracker tracker = Tracker::in_command_phase(dialect());
  const Conversation e17 = conversation(ex::e17);
  Conversation without = slice(e17, 0, 1);
  without[0].payload[5] = 0;
  run_whole(tracker, slice(e17, 0, 1));
  run_whole(tracker, without);
  CHECK(run_whole(tracker, slice(e17, 1, 4)) == "column_count column_definition eof");
  CHECK(tracker.response_complete());
  CHECK(run_whole(tracker, slice(e17, 1, 4)) == "column_count column_definition eof");
  CHECK_FALSE(tracker.response_complete());
}

TEST_CASE("first byte and length decide between a row and the end", "[tracker]") {
  const std::string_view head = R"(
C 02000000 0331
S 01000001 01
S 0e000002 03646566000000000000000000ff
)";
  // Nine bytes with 0xFE are a row in the EOF dialect and the end in the other.
  Tracker eof = Tracker::in_command_phase(dialect());
  CHECK(
      run_whole(eof, conversation(std::string(head) + "S 05000003 fe00000200\n" +
                                  "S 09000004 fe0000020000000061\nS 08000005 fe00000200000000")) ==
      "command column_count column_definition eof text_row result_end");
  CHECK(eof.idle());
  CHECK(run(dialect(Capability::deprecate_eof),
            std::string(head) + "S 09000003 fe0000020000000061") ==
        "command column_count column_definition result_end");
  // A classic EOF in the new dialect still has its status in the right place.
  Tracker classic = Tracker::in_command_phase(dialect(Capability::deprecate_eof));
  CHECK(run_whole(classic, conversation(std::string(head) + "S 05000003 fe00002200")) ==
        "command column_count column_definition result_end");
  CHECK(classic.status().bits() == 0x22);

  // A first column of 2^24 bytes or more: only the length of the first frame tells.
  for (const Capabilities more : {Capabilities(), Capabilities(Capability::deprecate_eof)}) {
    Tracker tracker = Tracker::in_command_phase(dialect(more));
    run_whole(tracker, conversation(head));
    if (more.empty()) run_whole(tracker, conversation("S 05000003 fe00000200"));
    const std::uint8_t id = more.empty() ? 4 : 3;
    const ExactBytes prefix = hex("fe00000001000000006161616161616161616161616161 6161");
    CHECK(tracker.accept({Direction::to_client, id, max_frame_payload, prefix}).value() ==
          PacketKind::text_row);
    // Its id is known again at its end.
    tracker.end_of_packet(Direction::to_client, static_cast<std::uint8_t>(id + 1));
    Tracker wrong(tracker);
    CHECK(wrong.accept({Direction::to_client, id, 7, hex("fe000002000000")}).error().code ==
          errc::packets_out_of_order);
    const auto next = static_cast<std::uint8_t>(id + 2);
    CHECK(tracker.accept({Direction::to_client, next, 7, hex("fe000002000000")}).value() ==
          PacketKind::result_end);
  }
}

TEST_CASE("the first packet of a reply", "[tracker]") {
  // A count must fill its packet; 0 columns, EOF and NULL are no counts.
  for (const char* bad : {"S 02000001 0361", "S 03000001 fc0000", "S 05000001 fe00000200",
                          "S 00000001", "S 02000001 ff10"}) {
    const std::string text = std::string("C 02000000 0331\n") + bad;
    const std::string kinds = run(dialect(), text);
    CHECK((kinds == "command unexpected packet" || kinds == "command bad value"));
  }
  CHECK(run(dialect(), "C 02000000 0331\nS 03000001 fc0110") == "command limit exceeded");
  CHECK(run(dialect(), "C 02000000 0331\nS 03000001 fc0010") == "command column_count");
  // 0xFB without LOCAL_FILES, and with a command behind it that would become file content.
  Context refusing = dialect();
  refusing.capabilities.clear(Capability::local_files);
  CHECK(run(refusing, "C 02000000 0331\nS 02000001 fb61") == "command unexpected packet");
  CHECK(run(dialect(), "C 02000000 0331\nC 01000000 0e\nS 02000001 fb61") ==
        "2*command unexpected packet");
  // Neither is an empty packet one, whatever stands behind it in memory, nor are a NULL and an EOF
  // definitions.
  Tracker asked = Tracker::in_command_phase(dialect());
  run_whole(asked, conversation("C 02000000 0331"));
  const auto ok = hex("00000002000000");
  CHECK(asked.accept({Direction::to_client, 1, 0, ok}).error().code == errc::unexpected_packet);
  for (const char* bad : {"S 00000002", "S 02000002 fb61", "S 05000002 fe00000200"})
    CHECK(run(dialect(), std::string("C 02000000 0331\nS 01000001 01\n") + bad) ==
          "command column_count unexpected packet");
  // As many columns and parameters as a table can have.
  const std::string prepare = "C 02000000 1631\nS 0c000001 0001000000";
  CHECK(run(dialect(), prepare + "00100000000000") == "command prepare_ok");
  CHECK(run(dialect(), prepare + "01100000000000") == "command limit exceeded");
  // A binary row starts with 0.
  CHECK(run(dialect(), "C 09000000 1c0100000001000000\nS 02000001 0131") ==
        "command unexpected packet");
}

TEST_CASE("LOCAL INFILE inside a list of statements, and refused in the middle", "[tracker]") {
  CHECK(run(dialect(), R"(
C 02000000 0331
S 07000001 0000000a000000
S 02000002 fb61
C 02000003 6162
C 00000004
S 07000005 0000000a000000
S 02000006 fb61
C 00000007
S 07000008 00000002000000)") ==
        "command ok local_infile_request infile_data infile_end ok local_infile_request "
        "infile_end ok");

  // The client goes on with its file until it hears of the ERR.
  Tracker tracker = Tracker::in_command_phase(dialect());
  CHECK(run_whole(tracker, conversation(R"(
C 02000000 0331
S 02000001 fb61
C 02000002 6162
S 09000000 ff2905233730313030)")) == "command local_infile_request infile_data err");
  CHECK(tracker.response_complete());
  CHECK_FALSE(tracker.idle());
  CHECK(run_whole(tracker, conversation("C 02000003 6162\nC 00000004\nC 01000000 0e")) ==
        "infile_data infile_end command");
}

TEST_CASE("sequence ids", "[tracker]") {
  CHECK(run(dialect(), "C 01000001 0e") == "packets out of order");
  CHECK(run(dialect(), "C 01000000 0e\nS 07000002 00000002000000") ==
        "command packets out of order");
  Tracker loose = Tracker::in_command_phase(dialect());
  loose.check_sequence(false);
  CHECK(run_whole(loose, conversation("C 01000009 0e\nS 07000007 00000002000000")) == "command ok");
  // Inside compressed frames the ids mean nothing.
  CHECK(run(dialect(Capability::compress), "C 01000000 0e\nS 07000002 00000002000000") ==
        "command ok");

  // A reply starts behind the frames of its request, and wraps.
  Tracker large = Tracker::in_command_phase(dialect(), 4);
  const Conversation query = reframed(conversation("C 0a000000 03313131313131313131"), 4);
  CHECK(run_whole(large, query, 4) == "command");
  Tracker wrong(large);
  CHECK(wrong.accept({Direction::to_client, 1, 1, hex("01")}).error().code ==
        errc::packets_out_of_order);
  CHECK(large.accept({Direction::to_client, 3, 1, hex("01")}).value() == PacketKind::column_count);

  Tracker wrap = Tracker::in_command_phase(dialect(Capability::deprecate_eof));
  run_whole(wrap, conversation("C 02000000 0331\nS 01000001 01\nS 02000002 0361"));
  for (unsigned id = 3; id < 600; ++id) {
    const auto kind =
        wrap.accept({Direction::to_client, static_cast<std::uint8_t>(id), 1, hex("00")});
    REQUIRE(kind);
  }
  CHECK(wrap.rows() == 597);
}

TEST_CASE("a request that is refused while it is still being sent", "[tracker]") {
  Tracker tracker = Tracker::in_command_phase(dialect());
  const ExactBytes prefix = hex("036161616161616161616161616161616161616161616161");
  CHECK(tracker.accept({Direction::to_server, 0, max_frame_payload, prefix}).value() ==
        PacketKind::command);
  CHECK(tracker.accept({Direction::to_client, 4, 9, hex("ff8104233038533031")}).value() ==
        PacketKind::err);
  tracker.end_of_packet(Direction::to_server, 9);
  CHECK(tracker.idle());
}

TEST_CASE("login packets", "[tracker]") {
  CHECK(login("S 01000002 fe") == "old_auth_switch_request");
  CHECK(login("S 01000002 fe\nS 07000003 00000002000000") ==
        "old_auth_switch_request unexpected packet");
  CHECK(login("S 02000002 0103\nS 07000003 00000002000000") == "auth_more_data ok");
  CHECK(login("S 02000002 0104\nC 00000003\nC 00000004") ==
        "auth_more_data auth_response unexpected packet");
  CHECK(login("C 00000002") == "unexpected packet");
  CHECK(login("S 07000003 00000002000000") == "packets out of order");
  CHECK(login("S 09000002 ff1504233238303030\nC 01000000 0e") == "err unexpected packet");
  // Plugin data without a marker is MariaDB's alone.
  CHECK(login("S 02000002 5000") == "unexpected packet");
  CHECK(mariadb_login("S 02000002 5000\nC 01000003 61\nS 07000004 00000002000000") ==
        "auth_raw_data auth_response ok");
  // Several switches, and a bound on them.
  std::string text;
  std::string id = "0123456789abcdef";
  for (std::size_t i = 0; i < 9; ++i) {
    text += std::string("S 020000") + "01"[(i * 2 + 2) / 16] + id[(i * 2 + 2) % 16] + " fe00\n";
    text += std::string("C 000000") + "01"[(i * 2 + 3) / 16] + id[(i * 2 + 3) % 16] + "\n";
  }
  std::string rounds = mariadb_login(text);
  CHECK(rounds.substr(rounds.size() - 14) == "limit exceeded");

  // Nothing of the client comes before the greeting, and no packet of several frames.
  Tracker early;
  CHECK(run_whole(early, conversation("C 01000000 0e")) == "unexpected packet");
  Tracker huge;
  CHECK(huge.needs(Direction::to_client, 100) == 100);
  // Nobody has to hold 16 MiB of it to learn that.
  CHECK(huge.needs(Direction::to_client, max_frame_payload) == 24);
  const Buffer start(24, 0x0a);
  CHECK(huge.accept({Direction::to_client, 0, max_frame_payload, start}).error().code ==
        errc::limit_exceeded);
  Tracker old;
  CHECK(run_whole(old, conversation("S 02000000 0900")) == "unsupported");
}

TEST_CASE("a client from before 4.1", "[tracker]") {
  Tracker tracker;
  Conversation turns = slice(conversation(ex::e1), 0, 1);
  turns.push_back(conversation("C 09000001 0524ffffff61006200")[0]);
  turns.push_back(conversation("S 07000002 ffe304436c6965")[0]);
  CHECK(run_whole(tracker, turns) == "greeting handshake_response err");
  CHECK_FALSE(tracker.context().capabilities.has(Capability::protocol_41));
  // The lone EOF of its servers.
  Context context;
  CHECK(run(context, R"(
C 02000000 0331
S 01000001 01
S 02000002 0361
S 01000003 fe
S 02000004 0131
S 01000005 fe)") == "command column_count column_definition eof text_row result_end");
}

TEST_CASE("failed change of user leaves the tracker in the command phase", "[tracker]") {
  Tracker tracker = Tracker::in_command_phase(dialect());
  CHECK(run_whole(tracker, conversation(R"(
C 04000000 11610000
S 02000001 fe00
C 00000002
S 09000003 ff1504233238303030
C 01000000 0e
S 07000001 00000002000000)")) == "command auth_switch_request auth_response err command ok");
  CHECK(tracker.idle());
}

TEST_CASE("a change of user goes on after more data of a plugin", "[tracker]") {
  const std::string more = "C 04000000 11610000\nS 02000001 0104\n";
  CHECK(run(dialect(), more + "S 07000002 00000002000000") == "command auth_more_data ok");
  CHECK(run(dialect(), more + "C 00000002\nS 07000003 00000002000000") ==
        "command auth_more_data auth_response ok");
  // Behind a switch it is the client's turn.
  CHECK(run(dialect(), "C 04000000 11610000\nS 02000001 fe00\nS 07000002 00000002000000") ==
        "command auth_switch_request unexpected packet");
}

TEST_CASE("refused and unknown commands", "[tracker]") {
  const std::string err = "S 09000001 ff1704233038533031\n";
  for (const char* command : {"C 00000000", "C 01000000 00", "C 01000000 1d", "C 01000000 fe"})
    CHECK(run(dialect(), std::string(command) + "\n" + err) == "command err");
  CHECK(run(dialect(), "C 01000000 20\n" + err) == "command err");
  CHECK(run(dialect(), "C 01000000 20\nS 07000001 00000002000000") == "command unsupported");
  CHECK(run(dialect(), "C 01000000 0e\nS 05000001 fe00000200") == "command unexpected packet");
}

TEST_CASE("SET_OPTION in the dialect without EOF", "[tracker]") {
  CHECK(run(dialect(Capability::deprecate_eof), "C 03000000 1b0100\nS 07000001 fe000002000000") ==
        "command eof");
  CHECK(run(dialect(), "C 03000000 1b0100\nS 07000001 00000002000000") == "command ok");
}

TEST_CASE("an onlooker finds its place", "[tracker]") {
  Tracker tracker = Tracker::midstream(dialect());
  CHECK(tracker.phase() == Phase::joining);
  CHECK(run_whole(tracker, conversation(R"(
S 05000006 0131fb0178
S 05000007 fe00000200
C 02000003 6162
C 02000000 0e61
C 01000000 0e
S 07000001 00000002000000)")) == "4*unexpected command ok");
  CHECK(tracker.idle());

  // After an error nothing is taken until resync().
  CHECK(run_whole(tracker, conversation("S 07000001 00000002000000")) == "unexpected packet");
  CHECK(tracker.lost());
  CHECK(run_whole(tracker, conversation("C 01000000 0e")) == "unexpected packet");
  tracker.resync();
  CHECK_FALSE(tracker.lost());
  CHECK(run_whole(tracker, conversation("C 01000000 0e")) == "command");
}

TEST_CASE("a semi-sync ACK may start the sequence anew", "[tracker]") {
  CHECK(run(dialect(), R"(
C 0b000000 120400000002000c000000
S 02000001 00ef
S 02000002 00ef
C 0a000000 ef680800000000000062
S 02000003 00ef
S 02000001 00ef
C 0a000000 ef680800000000000062
S 02000001 00ef)") ==
        "command 2*binlog_event semi_sync_ack 2*binlog_event semi_sync_ack "
        "binlog_event");
}

TEST_CASE("a prefix that is too short is an error, not an overread", "[tracker]") {
  Tracker tracker = Tracker::in_command_phase(dialect());
  CHECK(tracker.accept({Direction::to_server, 0, 30, hex("0361")}).error().code == errc::truncated);
  CHECK(tracker.lost());
}

TEST_CASE("the state can be read", "[tracker]") {
  Tracker tracker;
  CHECK(tracker.describe() == "greeting");
  tracker = Tracker::in_command_phase(dialect());
  CHECK(tracker.describe() == "command: idle");
  run_whole(tracker, slice(conversation(ex::e8), 0, 7));
  run_whole(tracker, conversation("C 01000000 0e"));
  CHECK(tracker.describe() == "command: COM_QUERY, next row, 3 columns, 1 row, 1 command waiting");
  CHECK(to_string(tracker.accept({Direction::to_client, 7, 0, {}}).error()) ==
        "Tracker.row: unexpected packet at offset 0");
}

TEST_CASE("any packet at any point is an answer or an error", "[tracker]") {
  // Every packet of the examples is put in after every prefix of a few conversations.
  Conversation all;
  for (const std::string_view text :
       {ex::e1, ex::e3, ex::e7, ex::e8, ex::e13, ex::e15, ex::e17, ex::e18, ex::e19, ex::e20})
    for (const Turn& turn : conversation(text)) all.push_back(turn);
  for (const std::string_view text : {ex::e8, ex::e13, ex::e15, ex::e16, ex::e17}) {
    const Conversation turns = conversation(text);
    Tracker tracker = Tracker::in_command_phase(dialect());
    for (const Turn& turn : turns) {
      for (const Turn& other : all) {
        Tracker copy(tracker);
        copy.check_sequence(false);
        const auto kind =
            copy.accept(other.direction, {ExactBytes(Bytes(other.payload)), other.sequence_id, 0});
        CHECK((kind.has_value() != copy.lost()));
        (void)copy.describe();
      }
      REQUIRE(run_whole(tracker, {turn}) != "");
    }
    CHECK(tracker.idle());
  }
}

TEST_CASE("an OK without PROTOCOL_41 and TRANSACTIONS has no status", "[tracker]") {
  Context context;
  Tracker tracker = Tracker::in_command_phase(context);
  const auto ping = hex("0e");
  REQUIRE(tracker.accept({Direction::to_server, 0, 1, ping}));
  // 00, no rows, no id, and a text that would be a status with MORE_RESULTS_EXISTS.
  const auto ok = hex("0000000b6d");
  REQUIRE(tracker.accept({Direction::to_client, 1, 5, ok}));
  CHECK(tracker.response_complete());
  CHECK(tracker.status().empty());
  // Nor is one byte of text a truncated status.
  REQUIRE(tracker.accept({Direction::to_server, 0, 1, ping}));
  const auto brief = hex("00000041");
  CHECK(tracker.accept({Direction::to_client, 1, 4, brief}).has_value());
}
