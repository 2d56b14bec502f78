#include <mysqlwire/wire/connection_attributes.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

using namespace mysqlwire;
using namespace mysqlwire::test;

TEST_CASE("attributes come one by one", "[ConnectionAttributes]") {
  Buffer block;
  Writer writer(block, "ConnectionAttributes");
  write(writer, ConnectionAttribute{"_os", "Linux"});
  write(writer, ConnectionAttribute{"", ""});
  write(writer, ConnectionAttribute{"_os", "again"});
  CHECK(to_hex(block) ==
        "035f6f73054c696e75780000035f6f73056167"
        "61696e");

  const ExactBytes exact(block);
  const ConnectionAttributes attributes{exact};
  auto cursor = attributes.pairs();
  CHECK(cursor.next()->value == "Linux");
  CHECK(cursor.next()->key.empty());
  CHECK(cursor.next()->value == "again");
  CHECK_FALSE(cursor.next());
  CHECK(cursor.ok());
  CHECK(attributes.well_formed());
  CHECK(attributes.find("_os") == "Linux");
  CHECK_FALSE(attributes.find("_o"));
}

TEST_CASE("pairs that lie end the reading", "[ConnectionAttributes]") {
  const auto whole = hex("0161 0162 0163 0164");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const ExactBytes prefix(whole.get().first(size));
    const ConnectionAttributes attributes{prefix};
    CHECK(attributes.well_formed() == (size % 4 == 0));
    CHECK(attributes.find("a").has_value() == (size >= 4));
    CHECK_FALSE(attributes.find("c"));
  }
  for (const char* bad : {"fb", "ff", "0161 fb", "feffffffffffffffff", "0161 fcffff 62"}) {
    const auto block = hex(bad);
    auto cursor = ConnectionAttributes{block}.pairs();
    CHECK_FALSE(cursor.next());
    CHECK_FALSE(cursor.ok());
    CHECK_FALSE(cursor.next());
  }
}

TEST_CASE("the total length is bounded by the limit before it is believed",
          "[ConnectionAttributes]") {
  Context context;
  context.limits.max_attributes_bytes = 4;
  const auto good = hex("04 01610162");
  Reader reader(good, "M", context);
  ConnectionAttributes attributes;
  read(reader, attributes, context);
  CHECK(reader.ok());
  CHECK(attributes.block.size() == 4);

  const auto over = hex("05 0161020102");
  Reader refusing(over, "M", context);
  read(refusing, attributes, context);
  CHECK(to_string(refusing.error()) == "M.connection_attributes: too long at offset 0");
}
