#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

using namespace mysqlwire;
using mysqlwire::test::hex;
using mysqlwire::test::to_hex;

TEST_CASE("fixed integers are little-endian and bounded", "[reader]") {
  const auto bytes = hex("01 0201 030201 04030201 060504030201 0807060504030201");
  Reader reader(bytes, "M", {});
  CHECK(reader.u8("a") == 0x01);
  CHECK(reader.u16("b") == 0x0102);
  CHECK(reader.u24("c") == 0x010203);
  CHECK(reader.u32("d") == 0x01020304);
  CHECK(reader.u48("e") == 0x010203040506);
  CHECK(reader.u64("f") == 0x0102030405060708);
  CHECK(reader.ok());
  CHECK(reader.at_end());
  CHECK(reader.u8("g") == 0);
  CHECK(to_string(reader.error()) == "M.g: truncated at offset 24");
}

TEST_CASE("lenenc takes non-minimal forms and refuses NULL and 0xFF", "[reader]") {
  const auto bytes = hex("fa fc0100 fd000001 fe0000000000000080 fb");
  Reader reader(bytes, "M", {});
  CHECK(reader.lenenc("a") == 250);
  CHECK(reader.lenenc("b") == 1);
  CHECK(reader.lenenc("c") == 0x10000);
  CHECK(reader.lenenc("d") == 0x8000000000000000);
  CHECK_FALSE(reader.lenenc_or_null("e").has_value());
  CHECK(reader.ok());

  for (const char* bad : {"fb", "ff"}) {
    const auto one = hex(bad);
    Reader refusing(one, "M", {});
    CHECK(refusing.lenenc("x") == 0);
    CHECK(to_string(refusing.error()) == "M.x: bad value at offset 0");
  }
}

TEST_CASE("a failure is sticky and names the first field", "[reader]") {
  const auto bytes = hex("05 6162");
  Reader reader(bytes, "M", {});
  CHECK(reader.lenenc_text("name").empty());
  CHECK(reader.u8("later") == 0);
  CHECK(reader.lenenc_bytes("later").empty());
  CHECK_FALSE(reader.lenenc_bytes_or_null("later").has_value());
  CHECK(reader.lenenc("later") == 0);
  CHECK(reader.nul_bytes("later").empty());
  CHECK(reader.left() == 0);
  CHECK(to_string(reader.error()) == "M.name: truncated at offset 0");
}

TEST_CASE("a length near 2^64 does not wrap", "[reader]") {
  const auto bytes = hex("feffffffffffffffff 61");
  Reader reader(bytes, "M", {});
  CHECK(reader.lenenc_bytes("value").empty());
  CHECK(reader.error().code == errc::truncated);
}

TEST_CASE("the five string kinds", "[reader]") {
  const auto bytes = hex("6100 6263 0164 6566");
  Reader reader(bytes, "M", {});
  CHECK(reader.nul_text("nul") == "a");
  CHECK(reader.text(2, "fix") == "bc");
  CHECK(reader.lenenc_text("lenenc") == "d");
  CHECK(reader.rest_text() == "ef");
  CHECK(reader.finish(1).has_value());

  const auto open = hex("6162");
  Reader unterminated(open, "M", {});
  CHECK(unterminated.nul_text("user").empty());
  CHECK(to_string(unterminated.error()) == "M.user: not terminated at offset 0");
}

TEST_CASE("trailing bytes are noted, and an error when strict", "[reader]") {
  const auto bytes = hex("0102");
  Notes notes;
  Context context;
  context.notes = &notes;
  Reader lenient(bytes, "M", context);
  (void)lenient.u8("a");
  CHECK(lenient.finish(1).has_value());
  REQUIRE(notes.total() == 1);
  CHECK(notes.begin()->code == errc::trailing_bytes);

  context.strict = true;
  Reader strict(bytes, "M", context);
  (void)strict.u8("a");
  CHECK(strict.finish(1).error().code == errc::trailing_bytes);
}

TEST_CASE("the writer writes shortest forms and refuses what does not fit", "[writer]") {
  Buffer out;
  Writer writer(out, "M");
  for (const std::uint64_t value :
       {250ULL, 251ULL, 0xffffULL, 0x10000ULL, 0xffffffULL, 0x1000000ULL})
    writer.lenenc(value);
  CHECK(to_hex(out) == "fafcfb00fcfffffd000001fdfffffffe0000000100000000");
  CHECK(writer.ok());

  writer.u16(0x10000, "port");
  CHECK(to_string(writer.error()) == "M.port: too long at offset 24");
  const auto before = out.size();
  writer.u8(1, "after");
  CHECK(out.size() == before);

  Buffer other;
  Writer nul(other, "M");
  nul.nul_text(std::string_view("a\0b", 3), "user");
  CHECK(nul.error().code == errc::bad_value);
}
