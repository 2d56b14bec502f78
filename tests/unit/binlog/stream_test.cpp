#include <mysqlwire/binlog/control_events.hpp>
#include <mysqlwire/binlog/statement_events.hpp>
#include <mysqlwire/binlog/stream.hpp>

#include <catch2/catch.hpp>
#include <support/binlog_examples.hpp>
#include <support/hex.hpp>

using namespace mysqlwire;
using namespace mysqlwire::binlog;
using namespace mysqlwire::test;

namespace {

const Context context;

}  // namespace

TEST_CASE("the checksum is that of zlib", "[binlog]") {
  CHECK(crc32(as_bytes("123456789")) == 0xcbf43926);
  CHECK(crc32(as_bytes("6789"), crc32(as_bytes("12345"))) == 0xcbf43926);
  CHECK(crc32({}) == 0);
}

TEST_CASE("a checksum is checked, and known before it is announced", "[binlog]") {
  Stream stream;
  const ExactBytes rotate = hex(examples::mysql_rotate);
  const auto first = stream.take(rotate, context);
  REQUIRE(first);
  CHECK(first->checksum);
  CHECK(first->checksum_ok);
  CHECK(Rotate::decode(first->body, context)->filename == "log.000001");
  CHECK_FALSE(stream.checksum_algorithm());

  REQUIRE(stream.take(hex(examples::mysql_format), context));
  CHECK(stream.checksum_algorithm() == ChecksumAlgorithm::crc32);

  const ExactBytes xid = hex(examples::mysql_xid);
  for (std::size_t at = EventHeader::size; at < xid.size(); ++at) {
    Buffer damaged(xid.get().begin(), xid.get().end());
    damaged[at] ^= 1;
    const auto event = stream.take(damaged, context);
    REQUIRE(event);
    CHECK(event->checksum);
    CHECK_FALSE(event->checksum_ok);
  }
  CHECK(stream.take(xid, context)->checksum_ok);
}

TEST_CASE("without checksums nothing is cut off", "[binlog]") {
  Stream stream;
  FormatDescription format;
  format.server_version = "8.0.36";
  format.checksum_algorithm = ChecksumAlgorithm::off;
  EventHeader header;
  header.type = EventType::format_description_event;
  Buffer bytes;
  CHECK_FALSE(append_event(bytes, header, format, ChecksumAlgorithm::off, context));
  const auto described = stream.take(bytes, context);
  REQUIRE(described);
  CHECK_FALSE(described->checksum);
  bytes.clear();
  header.type = EventType::xid_event;
  CHECK_FALSE(append_event(bytes, header, Xid{7}, ChecksumAlgorithm::off, context));
  CHECK(bytes.size() == EventHeader::size + 8);
  const auto event = stream.take(bytes, context);
  REQUIRE(event);
  CHECK_FALSE(event->checksum);
  CHECK(Xid::decode(event->body, context)->xid == 7);
}

TEST_CASE("events are written as servers write them", "[binlog]") {
  const ExactBytes xid = hex(examples::mysql_xid);
  Stream stream;
  const auto event = stream.take(xid, context);
  REQUIRE(event);
  Buffer again;
  CHECK_FALSE(append_event(again, event->header, *Xid::decode(event->body, context),
                           ChecksumAlgorithm::crc32, context));
  CHECK(to_hex(again) == to_hex(xid));
  // What does not fit leaves nothing behind.
  Query query;
  const std::string schema(256, 's');
  query.schema = schema;
  CHECK(append_event(again, event->header, query, ChecksumAlgorithm::crc32, context)->code ==
        errc::too_long);
  CHECK(again.size() == xid.size());
}

TEST_CASE("the flag of a file in use is no part of the checksum", "[binlog]") {
  const ExactBytes format = hex(examples::mysql_format);
  Buffer in_use(format.get().begin(), format.get().end());
  in_use[17] |= 1;
  Stream stream;
  const auto event = stream.take(in_use, context);
  REQUIRE(event);
  CHECK(event->checksum_ok);
}

TEST_CASE("an event is as long as it says", "[binlog]") {
  const ExactBytes xid = hex(examples::mysql_xid);
  Stream stream;
  for (std::size_t size = 0; size < xid.size(); ++size) {
    const ExactBytes prefix(xid.get().first(size));
    const auto cut = stream.take(prefix, context);
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code == errc::truncated);
  }
  Buffer longer(xid.get().begin(), xid.get().end());
  longer.push_back(0);
  const auto event = stream.take(longer, context);
  REQUIRE_FALSE(event);
  CHECK(event.error().code == errc::bad_value);
}

TEST_CASE("tables are known until the next statement", "[binlog]") {
  Stream stream;
  REQUIRE(stream.take(hex(examples::mysql_format), context));
  REQUIRE(stream.take(hex(examples::mysql_table_map), context));
  REQUIRE(stream.table(0x59) != nullptr);
  CHECK(stream.table(0x59)->name == "every");
  CHECK(stream.table(0x58) == nullptr);
  REQUIRE(stream.take(hex(examples::mysql_write_ordinary), context));  // ends its statement
  CHECK(stream.table(0x59) != nullptr);
  REQUIRE(stream.take(hex(examples::mariadb_table_map_t), context));
  CHECK(stream.table(0x59) == nullptr);
  REQUIRE(stream.take(hex(examples::mysql_format), context));
  CHECK(stream.table(0x16) == nullptr);
}
