#include <mysqlwire/wire/eof_packet.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/message.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/progress.hpp>
#include <mysqlwire/wire/session_track.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>
#include <support/layout.hpp>

#include <string>
#include <vector>

using namespace mysqlwire;
using mysqlwire::test::check_layout;
using mysqlwire::test::Ending;
using mysqlwire::test::hex;
using mysqlwire::test::to_hex;

static_assert(Message<OkPacket> && Message<ErrPacket> && Message<EofPacket> &&
              Message<ProgressReport>);

namespace {

Context with(Capabilities capabilities) {
  Context context;
  context.capabilities = capabilities;
  return context;
}

const Context today = with(Capability::protocol_41 | Capability::transactions);
const Context tracking = with({Capability::protocol_41, Capability::session_track});

/// "type=text" of each item of a session state block.
std::vector<std::string> items_of(Bytes block) {
  std::vector<std::string> texts;
  SessionTrackItems items(block, tracking);
  while (const auto item = items.next()) {
    if (item->type == SessionTrackType::system_variables) {
      SystemVariables variables(item->data, tracking);
      while (const auto one = variables.next())
        texts.push_back(std::string(one->name) + "=" + std::string(one->value));
      CHECK(variables.ok());
    } else {
      texts.push_back(std::string(to_string(item->type)) + ":" +
                      std::string(*item->text(tracking)));
    }
  }
  CHECK(items.ok());
  return texts;
}

}  // namespace

TEST_CASE("E1, E9: an OK without info, in both headers", "[ok]") {
  check_layout<OkPacket>("00000002000000", today, Ending::items, 7);
  const auto bytes = hex("fe000022000000");
  const auto end = OkPacket::decode(bytes, today);
  REQUIRE(end);
  CHECK(end->ends_rows);
  CHECK(end->status ==
        (StatusFlags(ServerStatus::autocommit) | StatusFlags(ServerStatus::query_no_index_used)));
}

TEST_CASE("E15, E19: the info of an OK has a length, with and without SESSION_TRACK", "[ok]") {
  const char* digits =
      "000100020000002f5265636f7264733a2031202044656c657465643a20302020536b69707065643a203020205761"
      "726e696e67733a2030";
  check_layout<OkPacket>(digits, today, Ending::items, 7);
  const auto bytes = hex(digits);
  CHECK(OkPacket::decode(bytes, today)->affected_rows == 1);
  CHECK(OkPacket::decode(bytes, today)->info == "Records: 1  Deleted: 0  Skipped: 0  Warnings: 0");
  CHECK(OkPacket::decode(bytes, tracking)->info == OkPacket::decode(bytes, today)->info);
}

TEST_CASE("the info of an OK may lack its length without SESSION_TRACK", "[ok]") {
  // "Rows": 'R' would announce 82 bytes.
  const auto bytes = hex("00010002000000526f7773");
  Notes notes;
  Context context = today;
  context.notes = &notes;
  const auto ok = OkPacket::decode(bytes, context);
  REQUIRE(ok);
  CHECK(ok->info == "Rows");
  REQUIRE(notes.total() == 1);
  CHECK(to_string(*notes.begin()) == "OkPacket.info: bad value at offset 7");
  context.strict = true;
  CHECK_FALSE(OkPacket::decode(bytes, context).has_value());
  // With SESSION_TRACK there is no doubt about the layout.
  CHECK(to_string(OkPacket::decode(bytes, tracking).error()) ==
        "OkPacket.info: truncated at offset 7");
}

TEST_CASE("an OK before 4.1 has a status only with TRANSACTIONS, and never warnings", "[ok]") {
  check_layout<OkPacket>("000500", {}, Ending::items, 3);
  check_layout<OkPacket>("0005000200", with(Capability::transactions), Ending::items, 5);
}

TEST_CASE("an OK's counts of every length", "[ok]") {
  check_layout<OkPacket>("00fcfb00fd00000102000000", today, Ending::items, 12);
  const auto bytes = hex("00fcfb00fd00000102000000");
  CHECK(OkPacket::decode(bytes, today)->affected_rows == 251);
  CHECK(OkPacket::decode(bytes, today)->last_insert_id == 0x10000);
  const auto null = hex("00fb0002000000");
  CHECK(to_string(OkPacket::decode(null, today).error()) ==
        "OkPacket.affected_rows: bad value at offset 1");
}

TEST_CASE("E12: session state", "[ok][session_track]") {
  const struct {
    const char* digits;
    std::vector<std::string> items;
  } examples[] = {
      {"000000004000000014000f0a6175746f636f6d6d6974034f4646020131",
       {"autocommit=OFF", "SESSION_TRACK_STATE_CHANGE:1"}},
      {"00000000400000000b0106056d7973716c020131",
       {"SESSION_TRACK_SCHEMA:mysql", "SESSION_TRACK_STATE_CHANGE:1"}},
      {"000000014000000020050908545f5f5f5f5f5f5f0413125354415254205452414e53414354494f4e3b",
       {"SESSION_TRACK_TRANSACTION_STATE:T_______",
        "SESSION_TRACK_TRANSACTION_CHARACTERISTICS:START TRANSACTION;"}},
      {"0001000140000028526f7773206d6174636865643a203120204368616e6765643a203120205761726e696e6773"
       "3a20300b050908545f5f57735f5f5f",
       {"SESSION_TRACK_TRANSACTION_STATE:T__Ws___"}},
      {"00000000400000003a032a002866656336646230652d653533642d313166312d386163612d30326663303030"
       "30303030313a3131350509085f5f5f5f5f5f5f5f040100",
       {"SESSION_TRACK_GTIDS:fec6db0e-e53d-11f1-8aca-02fc00000001:115",
        "SESSION_TRACK_TRANSACTION_STATE:________", "SESSION_TRACK_TRANSACTION_CHARACTERISTICS:"}},
  };
  for (const auto& example : examples) {
    const auto bytes = hex(example.digits);
    const auto ok = OkPacket::decode(bytes, tracking);
    REQUIRE(ok);
    CHECK(items_of(ok->session_state) == example.items);
    Buffer out;
    Writer writer(out);
    ok->encode(writer, tracking);
    CHECK(to_hex(out) == example.digits);
  }
}

TEST_CASE("session state items written are the ones that servers write", "[session_track]") {
  Buffer block;
  Writer writer(block);
  SessionTrackItem::write_variable(writer, "autocommit", "OFF");
  SessionTrackItem::write_text(writer, SessionTrackType::state_change, "1");
  CHECK(to_hex(block) == "000f0a6175746f636f6d6d6974034f4646020131");
  block.clear();
  Writer schema(block);
  SessionTrackItem::write_text(schema, SessionTrackType::schema, "mysql");
  SessionTrackItem::write_text(schema, SessionTrackType::gtids, "a:1");
  CHECK(to_hex(block) == "0106056d7973716c03050003613a31");
  CHECK(items_of(block) ==
        std::vector<std::string>{"SESSION_TRACK_SCHEMA:mysql", "SESSION_TRACK_GTIDS:a:1"});
}

TEST_CASE("unknown items are skipped by their length, cut ones are errors", "[session_track]") {
  const auto bytes = hex("6302abcd 0106056d7973716c");
  SessionTrackItems items(bytes, tracking);
  const auto unknown = items.next();
  REQUIRE(unknown);
  CHECK(unknown->text(tracking).error().code == errc::unsupported);
  CHECK(*items.next()->text(tracking) == "mysql");
  CHECK_FALSE(items.next());
  CHECK(items.ok());

  const auto cut = hex("0106056d79");
  SessionTrackItems broken(cut, tracking);
  CHECK_FALSE(broken.next());
  CHECK(to_string(broken.error()) == "SessionTrack.data: truncated at offset 1");
}

TEST_CASE("an announced session state that is not there is noted", "[ok]") {
  const auto bytes = hex("00000000400000");
  Notes notes;
  Context context = tracking;
  context.notes = &notes;
  CHECK(OkPacket::decode(bytes, context).has_value());
  REQUIRE(notes.total() == 1);
  CHECK(notes.begin()->code == errc::missing_field);
  context.strict = true;
  CHECK(to_string(OkPacket::decode(bytes, context).error()) ==
        "OkPacket.session_state: missing at offset 7");
}

TEST_CASE("E10: an ERR with SQLSTATE", "[err]") {
  const char* digits = "ff1904233432303030556e6b6e6f776e20646174616261736520276e6f7375636827";
  check_layout<ErrPacket>(digits, today, Ending::rest, 3);
  const auto bytes = hex(digits);
  const auto err = ErrPacket::decode(bytes, today);
  CHECK(err->code == 1049);
  CHECK(err->sql_state == "42000");
  CHECK(err->message == "Unknown database 'nosuch'");
}

TEST_CASE("E7: an ERR in place of the greeting has no SQLSTATE, whatever the capabilities",
          "[err]") {
  const auto bytes = hex("ff1004546f6f206d616e7920636f6e6e656374696f6e73");
  const auto err = ErrPacket::decode(bytes, today);
  REQUIRE(err);
  CHECK(err->code == 1040);
  CHECK(err->sql_state.empty());
  CHECK(err->message == "Too many connections");
  // A '#' with too little behind it belongs to the message.
  const auto odd = hex("ff10042334323030");
  CHECK(ErrPacket::decode(odd, today)->message == "#4200");
}

TEST_CASE("encoding an ERR cuts the message and keeps the SQLSTATE for 4.1 clients only", "[err]") {
  const std::string text(600, 'x');
  const ErrPacket err{1105, "HY000", text};
  Buffer out;
  Writer writer(out);
  err.encode(writer, today);
  CHECK(out.size() == 1 + 2 + 6 + 512);
  out.clear();
  Writer old(out);
  ErrPacket{1251, "08004", "no"}.encode(old, {});
  CHECK(to_hex(out) == "ffe3046e6f");
  out.clear();
  Writer bad(out, "ErrPacket");
  ErrPacket{1, "42", ""}.encode(bad, today);
  CHECK(to_string(bad.error()) == "ErrPacket.sql_state: bad value at offset 3");
}

TEST_CASE("E8: EOF has warnings before status, and neither before 4.1", "[eof]") {
  Context strict = today;
  strict.strict = true;
  check_layout<EofPacket>("fe01000a10", strict, Ending::items, 5);
  check_layout<EofPacket>("fe", {});
  const auto bytes = hex("fe01000a10");
  CHECK(EofPacket::decode(bytes, today)->warnings == 1);
  CHECK(EofPacket::decode(bytes, today)->status.has(ServerStatus::ps_out_params));
}

TEST_CASE("an EOF of series 4.1 may be its header alone", "[eof]") {
  Notes notes;
  Context context = today;
  context.notes = &notes;
  const auto lone = hex("fe");
  const auto eof = EofPacket::decode(lone, context);
  REQUIRE(eof);
  CHECK(eof->status.empty());
  REQUIRE(notes.total() == 1);
  CHECK(to_string(*notes.begin()) == "EofPacket.warnings: missing at offset 1");
  const auto cut = hex("fe0100");
  CHECK(EofPacket::decode(cut, context).error().code == errc::truncated);
  const auto empty = hex("");
  CHECK(EofPacket::decode(empty, context).error().code == errc::truncated);
}

TEST_CASE("E19: progress report", "[progress]") {
  const char* digits = "ffffff01010282060011636f707920746f20746d70207461626c65";
  check_layout<ProgressReport>(digits, today);
  const auto bytes = hex(digits);
  const auto report = ProgressReport::decode(bytes, today);
  CHECK(report->stage == 1);
  CHECK(report->max_stage == 2);
  CHECK(report->progress == 0x682);
  CHECK(report->text == "copy to tmp table");
}
