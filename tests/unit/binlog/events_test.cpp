#include <mysqlwire/binlog/control_events.hpp>
#include <mysqlwire/binlog/gtid_events.hpp>
#include <mysqlwire/binlog/statement_events.hpp>
#include <mysqlwire/binlog/stream.hpp>
#include <mysqlwire/wire/message.hpp>

#include <catch2/catch.hpp>
#include <support/binlog_examples.hpp>
#include <support/hex.hpp>
#include <support/layout.hpp>

#include <string>

using namespace mysqlwire;
using namespace mysqlwire::binlog;
using namespace mysqlwire::test;

static_assert(Message<FormatDescription> && Message<Rotate> && Message<Heartbeat> &&
              Message<HeartbeatV2> && Message<Incident> && Message<BinlogCheckpoint> &&
              Message<StartEncryption> && Message<GtidLog> && Message<PreviousGtids> &&
              Message<MariadbGtidEvent> && Message<GtidList> && Message<Query> && Message<Xid> &&
              Message<XaPrepare> && Message<Intvar> && Message<Rand> && Message<UserVar> &&
              Message<RowsQuery> && Message<AnnotateRows> && Message<TransactionPayload> &&
              Message<CompressedBody> && Message<TableMap>);

namespace {

const Context context;

/// The hex digits of an event's body, without its checksum.
std::string body_of(std::string_view event) {
  return std::string(
      event.substr(2 * EventHeader::size, event.size() - 2 * (EventHeader::size + checksum_size)));
}

template <class M>
M decoded(const ExactBytes& bytes) {
  const auto message = M::decode(bytes, context);
  REQUIRE(message);
  return *message;
}

}  // namespace

TEST_CASE("a format description says which checksums follow", "[binlog]") {
  for (const auto example : {examples::mysql_format, examples::mariadb_format}) {
    const ExactBytes event = hex(example);
    const ExactBytes body(event.get().subspan(EventHeader::size));
    const auto format = decoded<FormatDescription>(body);
    CHECK(format.binlog_version == 4);
    CHECK(format.header_length == 19);
    CHECK(format.checksum_algorithm == ChecksumAlgorithm::crc32);
    const bool is_mariadb = example == examples::mariadb_format;
    CHECK(format.server_version == (is_mariadb ? "10.11.19-MariaDB-0+deb12u1-log" : "8.0.15"));
    CHECK(format.post_header_lengths.size() == (is_mariadb ? 171 : 39));
    // The lengths in front of the rows' own: 8 bytes in version 1, 10 in version 2.
    CHECK(
        format.post_header_lengths[static_cast<std::size_t>(EventType::write_rows_event_v1) - 1] ==
        8);

    Buffer again;
    CHECK_FALSE(append_event(again, *EventHeader::decode(event, context), format,
                             ChecksumAlgorithm::crc32, context));
    CHECK(to_hex(again) == to_hex(event));
    for (std::size_t size = 0; size < 2 + 50 + 4 + 1 + 1 + checksum_size; ++size) {
      const ExactBytes prefix(body.get().first(size));
      CHECK_FALSE(FormatDescription::decode(prefix, context));
    }
  }
}

TEST_CASE("a format description of an old server has no checksum algorithm", "[binlog]") {
  FormatDescription old;
  old.server_version = "5.5.62-log";
  const std::uint8_t lengths[27] = {56, 13};
  old.post_header_lengths = lengths;
  Buffer out;
  Writer writer(out);
  old.encode(writer, context);
  const ExactBytes bytes{Bytes(out)};
  const auto again = decoded<FormatDescription>(bytes);
  CHECK(again.checksum_algorithm == ChecksumAlgorithm::undefined);
  CHECK(out.size() == 2 + 50 + 4 + 1 + 27);
}

TEST_CASE("another binlog version is refused", "[binlog]") {
  const ExactBytes event = hex(examples::mysql_format);
  Buffer body(event.get().begin() + EventHeader::size, event.get().end());
  body[0] = 3;
  const auto format = FormatDescription::decode(body, context);
  REQUIRE_FALSE(format);
  CHECK(format.error().code == errc::bad_value);
}

TEST_CASE("events of the log itself", "[binlog]") {
  check_layout<Rotate>(body_of(examples::mysql_rotate), context, Ending::rest, 8);
  const ExactBytes rotate = hex(body_of(examples::mysql_rotate));
  CHECK(decoded<Rotate>(rotate) == Rotate{4, "log.000001"});
  const ExactBytes heartbeat = hex(body_of(examples::mysql_heartbeat));
  CHECK(decoded<Heartbeat>(heartbeat).filename == "log.000001");
  check_layout<BinlogCheckpoint>(body_of(examples::mariadb_checkpoint), context);
  const ExactBytes checkpoint = hex(body_of(examples::mariadb_checkpoint));
  CHECK(decoded<BinlogCheckpoint>(checkpoint).filename == "log.000001");
  check_layout<Incident>("01000474657874", context);
  // Scheme 1, key 1, a nonce.
  check_layout<StartEncryption>("0101000000000102030405060708090a0b", context);
}

TEST_CASE("a heartbeat of version 2 has a position of any size", "[binlog]") {
  // filename "log.000001", position 4 GiB, the end
  const char* digits = "010a6c6f672e3030303030310209fe000000000100000000";
  const ExactBytes bytes = hex(digits);
  Buffer again;
  Writer writer(again);
  decoded<HeartbeatV2>(bytes).encode(writer, context);
  CHECK(to_hex(again) == to_hex(bytes));
  CHECK(decoded<HeartbeatV2>(bytes) == HeartbeatV2{"log.000001", std::uint64_t{1} << 32});
  // A field that is not known yet is skipped.
  const ExactBytes newer = hex("0702ffff02010700");
  CHECK(decoded<HeartbeatV2>(newer).position == 7);
  CHECK_FALSE(HeartbeatV2::decode(hex("0200").get(), context));
}

TEST_CASE("MySQL's ids of transactions", "[binlog]") {
  check_layout<GtidLog>(body_of(examples::mysql_gtid), context, Ending::items, 25);
  const ExactBytes bytes = hex(body_of(examples::mysql_gtid));
  const auto gtid = decoded<GtidLog>(bytes);
  CHECK(gtid.transaction_number == 1);
  std::string uuid;
  append_uuid(uuid, gtid.source_uuid);
  CHECK(uuid == "4483971e-e5aa-11f1-9720-02fc00000001");
  REQUIRE(gtid.logical);
  CHECK(*gtid.logical == GtidLog::Logical{0, 1});
  CHECK(gtid.immediate_commit == 1795265540052146);
  CHECK_FALSE(gtid.original_commit);
  CHECK(gtid.transaction_length == 4270);
  CHECK(gtid.immediate_server_version == 80015);

  check_layout<PreviousGtids>(body_of(examples::mysql_previous_gtids), context);
  const ExactBytes set = hex(body_of(examples::mysql_previous_gtids));
  std::string text;
  decoded<PreviousGtids>(set).append_text(text);
  CHECK(text == "4483971e-e5aa-11f1-9720-02fc00000001:1-11");
}

TEST_CASE("the times and versions of an origin are told apart", "[binlog]") {
  GtidLog gtid;
  const std::uint8_t uuid[16] = {1};
  gtid.source_uuid = uuid;
  gtid.logical = GtidLog::Logical{7, 8};
  gtid.immediate_commit = 1000;
  gtid.original_commit = 999;
  gtid.transaction_length = 300;
  gtid.immediate_server_version = 80036;
  gtid.original_server_version = 80015;
  gtid.commit_group_ticket = 42;
  Buffer out;
  Writer writer(out);
  gtid.encode(writer, context);
  const ExactBytes bytes{Bytes(out)};
  const auto again = decoded<GtidLog>(bytes);
  CHECK(again.immediate_commit == 1000);
  CHECK(again.original_commit == 999);
  CHECK(again.immediate_server_version == 80036);
  CHECK(again.original_server_version == 80015);
  CHECK(again.commit_group_ticket == 42);
}

TEST_CASE("a GTID set that says more than it has is truncated", "[binlog]") {
  const auto set = PreviousGtids::decode(
      hex("0100000000000000 000102030405060708090a0b0c0d0e0f ffffffffffffff7f").get(), context);
  REQUIRE_FALSE(set);
  CHECK(set.error().code == errc::truncated);
  const auto tagged = PreviousGtids::decode(hex("0100000000000001").get(), context);
  REQUIRE_FALSE(tagged);
  CHECK(tagged.error().code == errc::unsupported);
}

TEST_CASE("MariaDB's ids of transactions", "[binlog]") {
  check_layout<MariadbGtidEvent>(body_of(examples::mariadb_gtid), context, Ending::items, 13);
  const ExactBytes bytes = hex(body_of(examples::mariadb_gtid));
  const auto gtid = decoded<MariadbGtidEvent>(bytes);
  CHECK(gtid.sequence == 1);
  CHECK(gtid.domain_id == 0);
  CHECK(gtid.flags == 12);

  check_layout<GtidList>(body_of(examples::mariadb_gtid_list), context);
  const ExactBytes list = hex(body_of(examples::mariadb_gtid_list));
  const auto gtids = decoded<GtidList>(list);
  REQUIRE(gtids.size() == 1);
  CHECK(to_string(gtids[0]) == "0-1-11");
  check_layout<GtidList>(body_of(examples::mariadb_gtid_list_empty), context, Ending::items, 4);
  CHECK_FALSE(GtidList::decode(hex("ffffff0f").get(), context));
}

TEST_CASE("MariaDB's XA transactions have their ids behind the flags", "[binlog]") {
  MariadbGtidEvent gtid;
  gtid.flags = MariadbGtidEvent::prepared_xa | MariadbGtidEvent::group_commit;
  gtid.commit_id = 5;
  gtid.xa_format = 1;
  gtid.xa_global = as_bytes("global");
  gtid.xa_branch = as_bytes("b");
  Buffer out;
  Writer writer(out);
  gtid.encode(writer, context);
  const ExactBytes bytes{Bytes(out)};
  const auto again = decoded<MariadbGtidEvent>(bytes);
  CHECK(as_text(again.xa_global) == "global");
  CHECK(as_text(again.xa_branch) == "b");
  CHECK(again.commit_id == 5);
  CHECK(again.more.empty());
}

TEST_CASE("statements, and what they were run with", "[binlog]") {
  check_layout<Query>(body_of(examples::mysql_query), context, Ending::items, 13);
  const ExactBytes bytes = hex(body_of(examples::mysql_query));
  const auto query = decoded<Query>(bytes);
  CHECK(query.schema == "shop");
  CHECK(query.query == "BEGIN");
  StatusVariables variables;
  REQUIRE(variables.read(query.status_variables, context));
  CHECK(variables.sql_mode == 0x45a00020);
  CHECK(variables.character_set_client == 45);
  CHECK(variables.collation_connection == 45);
  CHECK(variables.collation_server == 255);
  CHECK(variables.catalog == "std");
  CHECK(variables.default_utf8mb4_collation == 255);
  for (std::size_t size = 0; size < query.status_variables.size(); ++size) {
    const ExactBytes prefix(query.status_variables.first(size));
    StatusVariables cut;
    cut.read(prefix, context);  // never past the end
  }
}

TEST_CASE("a status variable that is not known ends them, one that is cut fails", "[binlog]") {
  StatusVariables variables;
  CHECK(variables.read(hex("0001000000 fe 1234").get(), context));
  CHECK(variables.flags2 == 1U);
  CHECK_FALSE(variables.read(hex("01 20000000").get(), context));
  const ExactBytes invoker = hex("0b 0161 0162");
  CHECK(variables.read(invoker, context));
  CHECK(variables.invoker_user == "a");
  CHECK(variables.invoker_host == "b");
}

TEST_CASE("the text of a statement in front of its rows", "[binlog]") {
  check_layout<RowsQuery>(body_of(examples::mysql_rows_query), context, Ending::rest, 1);
  const ExactBytes bytes = hex(body_of(examples::mysql_rows_query));
  CHECK(decoded<RowsQuery>(bytes).query == "DELETE FROM every");
  const ExactBytes annotation = hex("444f2031");
  CHECK(decoded<AnnotateRows>(annotation).query == "DO 1");
}

TEST_CASE("what statements depend on, and ends of transactions", "[binlog]") {
  check_layout<Xid>(body_of(examples::mysql_xid), context);
  check_layout<Intvar>("020300000000000000", context);
  check_layout<Rand>("01000000000000000200000000000000", context);
  check_layout<UserVar>(body_of(examples::mysql_user_var), context, Ending::rest, 31);
  const ExactBytes bytes = hex(body_of(examples::mysql_user_var));
  const auto variable = decoded<UserVar>(bytes);
  CHECK(variable.variable == "name");
  CHECK(as_text(variable.value) == "user variable");
  CHECK(variable.collation == 45);
  check_layout<UserVar>("010000006101", context, Ending::items, 6);
  check_layout<XaPrepare>("00010000000300000002000000616263 6465", context);
}

TEST_CASE("MariaDB's compressed bodies have a head", "[binlog]") {
  const ExactBytes bytes = hex(body_of(examples::mariadb_query_compressed));
  const auto query = decoded<Query>(bytes);
  const auto body = CompressedBody::decode(as_bytes(query.query), context);
  REQUIRE(body);
  CHECK(body->algorithm == 0);
  CHECK(body->size == 61);
  CHECK(body->data[0] == 0x78);
  check_layout<CompressedBody>("82012c789c", context, Ending::rest, 3);
  check_layout<CompressedBody>("84010000007a", context, Ending::rest, 5);
  CHECK_FALSE(CompressedBody::decode(hex("7f00").get(), context));
  CHECK_FALSE(CompressedBody::decode(hex("85000000000000").get(), context));
  CHECK_FALSE(CompressedBody::decode(hex("8000").get(), context));
}

TEST_CASE("a transaction in one event", "[binlog]") {
  // compression zstd, size 300, payload of 2 bytes
  const char* digits = "020100 0303fc2c01 010102 00 abcd";
  check_layout<TransactionPayload>(digits, context);
  const ExactBytes bytes = hex(digits);
  const auto event = decoded<TransactionPayload>(bytes);
  CHECK(event.compression == TransactionPayload::zstd);
  CHECK(event.size == 300);
  CHECK(event.payload.size() == 2);
}
