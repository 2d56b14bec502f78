#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <string>

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

// Such a payload may have no address at all, which the C library's functions do not take.
TEST_CASE("nothing is looked for in an empty payload", "[reader]") {
  Reader strict(Bytes{}, "M", {});
  CHECK(strict.nul_bytes("text").empty());
  CHECK(to_string(strict.error()) == "M.text: not terminated at offset 0");
  Reader lenient(Bytes{}, "M", {});
  CHECK(lenient.nul_bytes_or_rest("text").empty());
  CHECK(lenient.ok());
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

namespace {

// Writes down what it is told.
class Told final : public FieldObserver {
 public:
  explicit Told(Bytes payload) : payload_(payload) {}
  void on_field(const Field& field) noexcept override {
    static constexpr const char* forms[] = {"int", "lenenc", "null", "bytes", "nul"};
    text += std::string(field.message) + '.' + field.name + ' ' +
            forms[static_cast<std::size_t>(field.form)] + ' ' +
            std::to_string(field.bytes.data() - payload_.data()) + '+' +
            std::to_string(field.bytes.size()) + '=' + std::to_string(field.value) + ' ';
  }
  std::string text;

 private:
  Bytes payload_;
};

}  // namespace

TEST_CASE("an observer is told of every field and where it stands", "[reader]") {
  const auto bytes = hex("0201 fc0400 61626364 fb 414200 0a0b 63 ffff");
  Told told(bytes);
  Context context;
  context.fields = &told;
  Reader reader(bytes, "M", context);
  (void)reader.u16("a");
  (void)reader.lenenc_bytes("b");
  (void)reader.lenenc_bytes_or_null("c");
  (void)reader.nul_text("d");
  (void)reader.unobserved().u64("attempt");
  reader.skip(2, "e");
  (void)reader.text(1, "f");
  (void)reader.rest("g");
  (void)reader.rest("nothing");
  CHECK(told.text ==
        "M.a int 0+2=258 M.b lenenc 2+3=4 M.b bytes 5+4=0 M.c null 9+1=0 M.d nul 10+3=0 "
        "M.e bytes 13+2=0 M.f bytes 15+1=0 M.g bytes 16+2=0 M.nothing bytes 18+0=0 ");
}

TEST_CASE("an observer is not told of what could not be read", "[reader]") {
  for (const char* text : {"", "ff", "fc01", "fe00", "05616263"}) {
    const auto bytes = hex(text);
    Told told(bytes);
    Context context;
    context.fields = &told;
    Reader reader(bytes, "M", context);
    (void)reader.lenenc_bytes("a");
    (void)reader.u8("b");
    (void)reader.rest("c");
    CHECK_FALSE(reader.ok());
    // The length was there, what it is about was not.
    CHECK(told.text == (bytes.size() == 4 ? "M.a lenenc 0+1=5 " : ""));
  }
}
