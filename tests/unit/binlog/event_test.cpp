#include <mysqlwire/binlog/event.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

using namespace mysqlwire;
using namespace mysqlwire::binlog;
using namespace mysqlwire::test;

namespace {

// A ROTATE_EVENT made up by the server, without its body.
const char rotate[] =
    "00000000"
    "04"
    "01000000"
    "2f000000"
    "00000000"
    "2000";

}  // namespace

TEST_CASE("an event's header is read and written") {
  const ExactBytes bytes = hex(rotate);
  const auto header = EventHeader::decode(bytes, Context{});
  REQUIRE(header);
  CHECK(header->timestamp == 0);
  CHECK(header->type == EventType::rotate_event);
  CHECK(header->server_id == 1);
  CHECK(header->event_size == 47);
  CHECK(header->log_pos == 0);
  CHECK(header->flags == 0x20);
  Buffer out;
  Writer writer(out);
  header->encode(writer, Context{});
  CHECK(Bytes(out).size() == EventHeader::size);
  CHECK(std::equal(out.begin(), out.end(), bytes.get().begin()));
}

TEST_CASE("a header that is cut is truncated") {
  const ExactBytes bytes = hex(rotate);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const ExactBytes prefix(bytes.get().first(size));
    const auto header = EventHeader::decode(prefix, Context{});
    REQUIRE_FALSE(header);
    CHECK(header.error().code == errc::truncated);
  }
}

TEST_CASE("an event is not smaller than its header") {
  const ExactBytes bytes =
      hex("0000000004010000001200000000000000"
          "2000");
  const auto header = EventHeader::decode(bytes, Context{});
  REQUIRE_FALSE(header);
  CHECK(header.error().code == errc::bad_value);
  CHECK(header.error().offset == 9);
}

TEST_CASE("events of both servers have names") {
  CHECK(to_string(EventType::write_rows_event) == "WRITE_ROWS_EVENT");
  CHECK(to_string(EventType::gtid_event) == "GTID_EVENT");
  CHECK(to_string(static_cast<EventType>(99)).empty());
}
