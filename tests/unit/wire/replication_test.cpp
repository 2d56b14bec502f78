#include <mysqlwire/wire/message.hpp>
#include <mysqlwire/wire/replication.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>
#include <support/layout.hpp>

#include <string>

using namespace mysqlwire;
using mysqlwire::test::check_layout;
using mysqlwire::test::Ending;
using mysqlwire::test::hex;

static_assert(Message<ComRegisterSlave> && Message<ComBinlogDump> && Message<ComBinlogDumpGtid> &&
              Message<BinlogEventPacket> && Message<SemiSyncAck> && Message<ComTableDump>);

TEST_CASE("COM_REGISTER_SLAVE as a replica sent it", "[replication]") {
  const char* digits = "155c00000000000050340000000000000000";
  check_layout<ComRegisterSlave>(digits, {});
  const auto payload = hex(digits);
  CHECK(*ComRegisterSlave::decode(payload, {}) ==
        ComRegisterSlave{.server_id = 0x5c, .port = 0x3450});
}

TEST_CASE("COM_REGISTER_SLAVE with everything in it", "[replication]") {
  // server 0x01020304, "host", "repl", "pw", port 3306, rank 1, source 2
  const char* digits = "15 04030201 04686f7374 047265706c 027077 ea0c 01000000 02000000";
  check_layout<ComRegisterSlave>(digits, {});
  const auto payload = hex(digits);
  CHECK(*ComRegisterSlave::decode(payload, {}) ==
        ComRegisterSlave{0x01020304, "host", "repl", "pw", 3306, 1, 2});

  const auto longer = hex("15 04030201 ff 68");
  CHECK(to_string(ComRegisterSlave::decode(longer, {}).error()) ==
        "COM_REGISTER_SLAVE.host: truncated at offset 6");

  const std::string name(256, 'h');
  Buffer out;
  Writer writer(out, "COM_REGISTER_SLAVE");
  ComRegisterSlave{.host = name}.encode(writer, {});
  CHECK(writer.error().code == errc::too_long);
  CHECK(out.size() == 5);
}

TEST_CASE("COM_BINLOG_DUMP", "[replication]") {
  const char* digits = "120400000000005c00000062696e6c6f672e303030303031";
  check_layout<ComBinlogDump>(digits, {}, Ending::rest, 11);
  const auto payload = hex(digits);
  CHECK(*ComBinlogDump::decode(payload, {}) == ComBinlogDump{4, {}, 0x5c, "binlog.000001"});

  const auto flags = hex("1204000000 0300 5c000000");
  const auto dump = ComBinlogDump::decode(flags, {});
  REQUIRE(dump);
  CHECK(dump->flags ==
        BinlogDumpFlags{BinlogDumpFlag::non_block, BinlogDumpFlag::send_annotate_rows});
  CHECK(dump->filename.empty());
}

TEST_CASE("COM_BINLOG_DUMP_GTID", "[replication]") {
  const char* digits =
      "1e 0000 5c000000 00000000 0400000000000000 30000000"
      "0100000000000000 fec6db0ee53d11f18aca02fc00000001 0100000000000000"
      "0100000000000000 2c00000000000000";
  check_layout<ComBinlogDumpGtid>(digits, {});
  const auto payload = hex(digits);
  const auto dump = ComBinlogDumpGtid::decode(payload, {});
  REQUIRE(dump);
  CHECK(dump->flags.empty());
  CHECK(dump->server_id == 0x5c);
  CHECK(dump->filename.empty());
  CHECK(dump->position == 4);
  CHECK(dump->gtid_set.size() == 48);

  // A file name, a position over 4 GiB, and the empty set.
  const char* other = "1e 0400 01000000 03000000 622e31 0500000001000000 08000000 0000000000000000";
  check_layout<ComBinlogDumpGtid>(other, {});
  const auto named = hex(other);
  const auto second = ComBinlogDumpGtid::decode(named, {});
  REQUIRE(second);
  CHECK(second->flags == BinlogDumpFlags(BinlogDumpFlag::skip_tagged_gtids));
  CHECK(second->filename == "b.1");
  CHECK(second->position == 0x100000005);

  // Lengths that the payload does not have.
  const auto name = hex("1e 0000 5c000000 ffffffff 6162");
  CHECK(to_string(ComBinlogDumpGtid::decode(name, {}).error()) ==
        "COM_BINLOG_DUMP_GTID.filename: truncated at offset 11");
  const auto set = hex("1e 0000 5c000000 00000000 0400000000000000 09000000 0000000000000000");
  CHECK(to_string(ComBinlogDumpGtid::decode(set, {}).error()) ==
        "COM_BINLOG_DUMP_GTID.gtid_set: truncated at offset 23");
}

TEST_CASE("an event of a dump", "[replication]") {
  // A fake rotate of MySQL's.
  const char* digits =
      "000000000004 5b000000 2c000000 00000000 2000 0400000000000000"
      "62696e6c6f672e303030303031 1b09a04b";
  check_layout<BinlogEventPacket>(digits, {}, Ending::rest, 1);
  const auto payload = hex(digits);
  const auto packet = BinlogEventPacket::decode(payload, {});
  REQUIRE(packet);
  CHECK_FALSE(packet->semi_sync);
  CHECK(packet->event.size() == 0x2c);

  const auto other = hex("fe00000200");
  CHECK(BinlogEventPacket::decode(other, {}).error().code == errc::bad_value);
}

TEST_CASE("an event of a dump with semi-sync", "[replication]") {
  const char* digits = "00ef01 56e2006b10470000001f000000170300000000f001000000000000b04cfd95";
  const auto decode = [](Bytes bytes, const Context& context) {
    return BinlogEventPacket::decode(bytes, context, true);
  };
  check_layout(digits, {}, decode, Ending::rest, 3);
  const auto payload = hex(digits);
  const auto packet = BinlogEventPacket::decode(payload, {}, true);
  REQUIRE(packet);
  CHECK(packet->semi_sync);
  CHECK(packet->ack_wanted);
  CHECK(packet->event.size() == 0x1f);
  CHECK(packet->event.front() == 0x56);

  // The same bytes are an event whose time stamp starts with 0xef when semi-sync is off.
  CHECK(BinlogEventPacket::decode(payload, {})->event.size() == 0x1f + 2);

  const auto quiet = hex("00ef00 56e2006b");
  CHECK_FALSE(BinlogEventPacket::decode(quiet, {}, true)->ack_wanted);
  const auto without = hex("00 56e2006b");
  CHECK(to_string(BinlogEventPacket::decode(without, {}, true).error()) ==
        "BinlogEventPacket.semi_sync_header: bad value at offset 1");
}

TEST_CASE("the acknowledgement of semi-sync", "[replication]") {
  const char* digits = "ef170300000000000062696e6c6f672e303030303032";
  check_layout<SemiSyncAck>(digits, {}, Ending::rest, 9);
  const auto payload = hex(digits);
  CHECK(*SemiSyncAck::decode(payload, {}) == SemiSyncAck{0x317, "binlog.000002"});
  const auto other = hex("ee1703000000000000");
  CHECK(to_string(SemiSyncAck::decode(other, {}).error()) ==
        "SemiSyncAck.header: bad value at offset 0");
}

TEST_CASE("COM_TABLE_DUMP", "[replication]") {
  const char* digits = "13 0474657374 027431";
  check_layout<ComTableDump>(digits, {});
  const auto payload = hex(digits);
  CHECK(*ComTableDump::decode(payload, {}) == ComTableDump{"test", "t1"});
}
