// The captured conversations through the tracker: what each packet is, and when a reply is over.
#include "conversation.hpp"

#include <catch2/catch.hpp>
#include <support/examples.hpp>

using namespace mysqlwire;
using namespace mysqlwire::test;
namespace ex = mysqlwire::test::examples;

namespace {

Context eof_dialect() {
  Context context;
  context.capabilities = Capability::protocol_41 | Capability::local_files;
  context.capabilities.set({Capability::plugin_auth, Capability::multi_results});
  return context;
}

Context deprecate_eof() {
  Context context = eof_dialect();
  context.capabilities.set(Capability::deprecate_eof);
  return context;
}

Context mariadb(Context context) {
  context.flavor = Flavor::mariadb;
  context.capabilities.set(Capability::mariadb_progress);
  return context;
}

// The same kinds must come out however the bytes arrive.
void check_replies(const Conversation& turns, const Context& context, const std::string& expected) {
  Tracker whole = Tracker::in_command_phase(context);
  CHECK(run_whole(whole, turns) == expected);
  CHECK(whole.idle());
  CHECK(whole.response_complete());
  for (const std::size_t piece : {1u, 2u, 3u, 5u, 28u, 1000u}) {
    Tracker streamed = Tracker::in_command_phase(context);
    CHECK(run_streamed(streamed, turns, piece) == expected);
    CHECK(streamed.idle());
    CHECK(streamed.rows() == whole.rows());
    CHECK(streamed.describe() == whole.describe());
  }
  const Conversation cut = reframed(turns, 64);
  Tracker small = Tracker::in_command_phase(context, 64);
  CHECK(run_streamed(small, cut, 7, 64) == expected);
  CHECK(small.idle());
  Tracker small_whole = Tracker::in_command_phase(context, 64);
  CHECK(run_whole(small_whole, cut, 64) == expected);
}

void check_login(const Conversation& turns, const std::string& expected, Phase phase) {
  Tracker whole;
  CHECK(run_whole(whole, turns) == expected);
  CHECK(whole.phase() == phase);
  CHECK(whole.response_complete());
  for (const std::size_t piece : {1u, 3u, 29u}) {
    Tracker streamed;
    CHECK(run_streamed(streamed, turns, piece) == expected);
    CHECK(streamed.phase() == phase);
    CHECK(streamed.context().capabilities == whole.context().capabilities);
  }
}

}  // namespace

TEST_CASE("logins", "[tracker]") {
  check_login(conversation(ex::e1),
              "greeting handshake_response auth_switch_request auth_response ok", Phase::command);
  check_login(conversation(ex::e2), "greeting handshake_response ok", Phase::command);
  check_login(conversation(ex::e3),
              "greeting handshake_response auth_more_data auth_response auth_more_data "
              "auth_response ok",
              Phase::command);
  check_login(conversation(ex::e4), "greeting handshake_response auth_more_data ok",
              Phase::command);
  check_login(conversation(ex::e5),
              "greeting ssl_request handshake_response auth_more_data auth_response ok",
              Phase::command);
  for (const Turn& refusal : conversation(ex::e7)) check_login({refusal}, "err", Phase::closed);

  // ed25519, behind the greeting and response of the other MariaDB login.
  Conversation ed25519 = slice(conversation(ex::e2), 0, 2);
  for (const Turn& turn : conversation(ex::e6)) ed25519.push_back(turn);
  check_login(ed25519, "greeting handshake_response auth_switch_request auth_response ok",
              Phase::command);
}

TEST_CASE("a login leaves what was negotiated", "[tracker]") {
  Tracker mysql;
  CHECK(mysql.phase() == Phase::greeting);
  run_whole(mysql, slice(conversation(ex::e1), 0, 1));
  CHECK(mysql.context().capabilities.bits() == 0xc3ffffff);
  CHECK(mysql.context().flavor == Flavor::mysql);
  run_whole(mysql, slice(conversation(ex::e1), 1, 5));
  CHECK(mysql.context().capabilities.bits() == 0x002fa20d);
  CHECK(mysql.status() == StatusFlags(ServerStatus::autocommit));
  CHECK(mysql.idle());

  Tracker maria;
  run_whole(maria, slice(conversation(ex::e2), 0, 1));
  CHECK(maria.context().capabilities.has(Capability::mariadb_progress));
  CHECK(maria.context().flavor == Flavor::mariadb);
  run_whole(maria, slice(conversation(ex::e2), 1, 3));
  CHECK_FALSE(maria.context().capabilities.has(Capability::mariadb_progress));

  Tracker tls;
  run_whole(tls, slice(conversation(ex::e5), 0, 2));
  CHECK(tls.phase() == Phase::tls);
}

TEST_CASE("text results", "[tracker]") {
  const Conversation e8 = conversation(ex::e8);
  check_replies(e8, eof_dialect(),
                "command column_count 3*column_definition eof text_row result_end");
  Conversation e9 = slice(e8, 0, 5);
  for (const Turn& turn : conversation(ex::e9)) e9.push_back(turn);
  check_replies(e9, deprecate_eof(),
                "command column_count 3*column_definition text_row result_end");
  check_replies(conversation(ex::e10), deprecate_eof(),
                "command column_count 2*column_definition 2*text_row result_end command err");
}

TEST_CASE("prepare and execute", "[tracker]") {
  check_replies(slice(conversation(ex::e11), 0, 21), eof_dialect(),
                "command prepare_ok 3*parameter_definition eof 4*column_definition eof "
                "command column_count 4*column_definition eof 2*binary_row result_end");
}

TEST_CASE("OK packets with session state", "[tracker]") {
  Context context = deprecate_eof();
  context.capabilities.set(Capability::session_track);
  check_replies(conversation(ex::e12), context,
                "command ok command ok command ok command ok command ok command ok command ok "
                "command ok");
  Tracker tracker = Tracker::in_command_phase(context);
  run_whole(tracker, slice(conversation(ex::e12), 0, 10));
  CHECK(tracker.in_transaction());
  run_whole(tracker, slice(conversation(ex::e12), 10, 14));
  CHECK_FALSE(tracker.in_transaction());
}

TEST_CASE("change of user, reset, statistics, set option", "[tracker]") {
  check_replies(conversation(ex::e13), eof_dialect(),
                "command auth_switch_request auth_response ok command ok command statistics "
                "command eof");
}

TEST_CASE("LOCAL INFILE", "[tracker]") {
  check_replies(conversation(ex::e15), eof_dialect(),
                "command local_infile_request infile_data infile_end ok");
  Tracker tracker = Tracker::in_command_phase(eof_dialect());
  run_whole(tracker, slice(conversation(ex::e15), 0, 2));
  CHECK(tracker.expects_infile());
  run_whole(tracker, slice(conversation(ex::e15), 2, 4));
  CHECK_FALSE(tracker.expects_infile());
  CHECK_FALSE(tracker.idle());
}

TEST_CASE("a prepared CALL with OUT parameters", "[tracker]") {
  const Conversation e16 = conversation(ex::e16);
  check_replies(e16, eof_dialect(),
                "command column_count column_definition eof binary_row result_end column_count "
                "2*column_definition eof binary_row result_end ok");
  // The other dialect has no EOF behind the definitions.
  Conversation other = {e16[0], e16[1], e16[2], e16[4]};
  for (const char* line : {"S 07000004 fe00000a000000", "S 01000005 02"})
    other.push_back(conversation(line)[0]);
  other.push_back(e16[7]);
  other.push_back(e16[8]);
  other[6].sequence_id = 6;
  other[7].sequence_id = 7;
  other[3].sequence_id = 3;
  for (const Turn& turn : conversation(ex::e16_more)) other.push_back(turn);
  for (Turn& turn : other) {
    turn.frames.clear();
    std::uint8_t id = turn.sequence_id;
    append_packet(turn.frames, turn.payload, id);
  }
  check_replies(other, deprecate_eof(),
                "command column_count column_definition binary_row result_end column_count "
                "2*column_definition binary_row result_end ok");
}

TEST_CASE("a cursor and its fetches", "[tracker]") {
  check_replies(conversation(ex::e17), eof_dialect(),
                "command column_count column_definition eof command binary_row result_end "
                "command binary_row result_end");
}

TEST_CASE("multi-statements, optional metadata, field list", "[tracker]") {
  const Conversation e18 = conversation(ex::e18);
  Context optional = deprecate_eof();
  optional.capabilities.set(Capability::optional_resultset_metadata);
  check_replies(slice(e18, 0, 6), deprecate_eof(),
                "command ok column_count column_definition text_row result_end");
  check_replies(slice(e18, 6, 17), optional,
                "command column_count column_definition text_row result_end command ok command "
                "column_count text_row result_end");
  check_replies(slice(e18, 17, 22), eof_dialect(),
                "command 3*field_list_definition field_list_end");
}

TEST_CASE("MariaDB's extensions", "[tracker]") {
  const Conversation e19 = conversation(ex::e19);
  Context cached = mariadb(deprecate_eof());
  cached.capabilities.set(Capability::mariadb_cache_metadata);
  check_replies(slice(e19, 0, 6), mariadb(deprecate_eof()),
                "command column_count 3*column_definition result_end");
  check_replies(slice(e19, 6, 10), cached, "command column_count binary_row result_end");
  check_replies(slice(e19, 10, 12), cached, "command ok");
  const Conversation altered = conversation(R"(
C 08000000 03616c746572207a
S 1b000001 ffffff01010282060011636f707920746f20746d70207461626c65
S 1b000002 ffffff01010282060011636f707920746f20746d70207461626c65
S 07000003 00000002000000)");
  check_replies(altered, cached, "command 2*progress ok");
  // CHECK TABLE reports between its columns and its row.
  const Conversation checked = conversation(R"(
C 0f000000 03636865636b207461626c65207431
S 01000001 01
S 18000002 03646566000000024f6b000c21000c000000fd00001f0000
S 05000003 fe00000200
S 1b000004 ffffff01010282060011636f707920746f20746d70207461626c65
S 03000005 024f4b
S 05000006 fe00000200)");
  check_replies(checked, mariadb(eof_dialect()),
                "command column_count column_definition eof progress text_row result_end");
  // Without the capability the same bytes are an ERR, which ends the reply.
  check_replies(slice(altered, 0, 2), deprecate_eof(), "command err");
}

TEST_CASE("replication", "[tracker]") {
  const Conversation e20 = conversation(ex::e20);
  Tracker tracker = Tracker::in_command_phase(eof_dialect());
  CHECK(run_whole(tracker, slice(e20, 0, 8)) == "command ok command 5*binlog_event");
  CHECK(tracker.phase() == Phase::binlog);
  CHECK_FALSE(tracker.idle());
  CHECK(run_whole(tracker, conversation("S 05000006 fe00000200")) == "binlog_end");
  CHECK(tracker.phase() == Phase::command);
  CHECK(run_whole(tracker, slice(e20, 8, 13)) == "command 4*binlog_event");
  // Parts of other streams follow.
  tracker.check_sequence(false);
  CHECK(run_whole(tracker, slice(e20, 13, 16)) == "2*binlog_event semi_sync_ack");
  CHECK(run_whole(tracker, conversation("S 09000020 ffd404233039303030")) == "err");
  CHECK(tracker.idle());
}

TEST_CASE("definitions and rows can be passed over in bulk", "[tracker]") {
  Tracker text = Tracker::in_command_phase(eof_dialect());
  CHECK(run_bulk(text, conversation(ex::e8)) ==
        "command column_count 3*column_definition eof text_row result_end");
  CHECK(text.rows() == 1);
  Tracker binary = Tracker::in_command_phase(eof_dialect());
  CHECK(run_bulk(binary, slice(conversation(ex::e11), 11, 21)) ==
        "command column_count 4*column_definition eof 2*binary_row result_end");

  // Several at once, up to what is not a whole row.
  Tracker tracker = Tracker::in_command_phase(eof_dialect());
  run_whole(tracker, slice(conversation(ex::e8), 0, 6));
  CHECK(tracker.accept_bulk(hex("05000006 0131fb0178 05000007 0131fb0178 0500000801")).size == 18);
  CHECK(tracker.accept_bulk(hex("05000008 0131fb0178 05000009 fe00000200")).size == 9);
  CHECK(tracker.accept_bulk(hex("0500000a 0131fb0178")).size == 0);  // 9 is next
  CHECK(tracker.rows() == 3);
  CHECK(run_whole(tracker, conversation("S 05000009 fe00000200")) == "result_end");
  CHECK(tracker.accept_bulk(hex("0500000a 0131fb0178")).size == 0);

  // A result set up to its end, but for what tells of something else.
  Tracker all = Tracker::in_command_phase(eof_dialect());
  run_whole(all, conversation("C 02000000 0378"));
  CHECK(all.accept_bulk(hex("01000001 00")).size == 0);
  CHECK(all.accept_bulk(hex("01000001 fb")).size == 0);
  CHECK(all.accept_bulk(hex("01000002 01")).size == 0);
  const auto result = all.accept_bulk(
      hex("01000001 01 02000002 0378 05000003 fe00000200 05000004 0131fb0178 05000005 fe00000200"));
  CHECK(result.size == 29);
  CHECK(result.begins);
  CHECK(result.last == PacketKind::text_row);
  CHECK(all.columns() == 1);
  CHECK(all.rows() == 1);
  CHECK(all.status() == ServerStatus::autocommit);
  CHECK(run_whole(all, conversation("S 05000005 fe00000a00")) == "result_end");
  const auto second = all.accept_bulk(hex("01000006 01 02000007 0378 05000008 fe00000240"));
  CHECK(second.size == 11);  // the EOF tells of a change of state
  CHECK(second.begins);
  CHECK(second.last == PacketKind::column_definition);
  CHECK(all.rows() == 0);
  CHECK(run_whole(all, conversation("S 05000008 fe00000240")) == "eof");
  const auto empty = all.accept_bulk(hex("05000009 fe00000200"));
  CHECK(empty.size == 0);

  // From the definitions to the rows where no EOF stands between them.
  Context context = eof_dialect();
  context.capabilities.set(Capability::deprecate_eof);
  Tracker no_eof = Tracker::in_command_phase(context);
  CHECK(run_whole(no_eof, conversation("C 02000000 0378\nS 01000001 02")) ==
        "command column_count");
  CHECK(no_eof.accept_bulk(hex("04000002 036465")).size == 0);  // not whole
  const auto definition = no_eof.accept_bulk(hex("02000002 0378"));
  CHECK(definition.size == 6);
  CHECK(definition.last == PacketKind::column_definition);
  CHECK(no_eof.accept_bulk(hex("02000003 fb78")).size == 0);  // none begins so
  CHECK(no_eof.accept_bulk(hex("02000004 0378")).size == 0);  // 3 is next
  const auto both =
      no_eof.accept_bulk(hex("02000003 0378 05000004 0131fb0178 05000005 fe00000200"));
  CHECK(both.size == 15);
  CHECK(both.last == PacketKind::text_row);
  CHECK(no_eof.rows() == 1);
}
