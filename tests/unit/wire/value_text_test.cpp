#include <mysqlwire/wire/value_text.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <limits>
#include <string>

using namespace mysqlwire;
using namespace std::string_view_literals;

namespace {

std::string text(const Value& value, const TextFormat& format = {}) {
  std::string out;
  append_text(out, value, format);
  return out;
}

/// What parse_text says to the text, in an exact-size buffer: the value printed again, or the
/// error.
std::string parsed(std::string_view input, ValueType type, const TextFormat& format = {}) {
  const test::ExactBytes exact(as_bytes(input));
  const auto value = parse_text(as_text(exact.get()), type);
  return value ? text(*value, format) : to_string(value.error());
}

}  // namespace

TEST_CASE("numbers are printed as the servers print them", "[value_text]") {
  CHECK(text(std::int64_t{-1}) == "-1");
  CHECK(text(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(text(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(text(std::uint64_t{0}) == "0");
  CHECK(text(Value{}).empty());

  // Each as MariaDB 10.11 answered for a column of that type.
  CHECK(text(1e14) == "100000000000000");
  CHECK(text(999999999999999.0) == "999999999999999");
  CHECK(text(1e15) == "1e15");
  CHECK(text(1234567890123456.0) == "1.234567890123456e15");
  CHECK(text(123456789012345678.0) == "1.2345678901234568e17");
  CHECK(text(1e-15) == "0.000000000000001");
  CHECK(text(1e-16) == "1e-16");
  CHECK(text(0.1) == "0.1");
  CHECK(text(100.0) == "100");
  CHECK(text(0.0) == "0");
  CHECK(text(0.00001234) == "0.00001234");
  CHECK(text(3.141592653589793) == "3.141592653589793");
  CHECK(text(1.7976931348623157e308) == "1.7976931348623157e308");
  CHECK(text(5e-324) == "5e-324");
  CHECK(text(-2.5e-20) == "-2.5e-20");

  CHECK(text(1e15F) == "1e15");
  CHECK(text(1e14F) == "100000000000000");
  CHECK(text(3.14159265F) == "3.14159");
  CHECK(text(123456789.0F) == "123457000");
  CHECK(text(999999.5F) == "1000000");
  CHECK(text(3.40282e38F) == "3.40282e38");
  CHECK(text(1.17549e-38F) == "1.17549e-38");
  CHECK(text(0.1F) == "0.1");
}

TEST_CASE("fixed decimals and ZEROFILL", "[value_text]") {
  CHECK(text(1.0005, {.decimals = 3}) == "1.000");
  CHECK(text(2.5, {.decimals = 3}) == "2.500");
  CHECK(text(123456789012.1239, {.decimals = 3}) == "123456789012.124");
  CHECK(text(16777217.0F, {.decimals = 2}) == "16777216.00");
  CHECK(text(2.675F, {.decimals = 2}) == "2.67");
  CHECK(text(7.0, {.decimals = 0}) == "7");
  CHECK(text(1.7976931348623157e308, {.decimals = 30}).size() == 309 + 1 + 30);
  CHECK(text(-1.7976931348623157e308, {.decimals = 30}).size() == 1 + 309 + 1 + 30);

  CHECK(text(std::uint64_t{42}, {.zerofill = 6}) == "000042");
  CHECK(text(std::uint64_t{1234567}, {.zerofill = 6}) == "1234567");
  CHECK(text(std::uint64_t{0}, {.zerofill = 4}) == "0000");
  CHECK(text(1.5, {.zerofill = 22}) == "00000000000000000001.5");
  CHECK(text(1e20F, {.zerofill = 12}) == "000000001e20");
  CHECK(text(std::uint64_t{7}, {.zerofill = 255}) == std::string(254, '0') + "7");
  CHECK(text("7"sv, {.zerofill = 3}) == "7");
  CHECK(text(Value{}, {.zerofill = 3}).empty());
}

TEST_CASE("dates and times are printed as the servers print them", "[value_text]") {
  CHECK(text(Date{}) == "0000-00-00");
  CHECK(text(Date{2026, 11, 20}) == "2026-11-20");
  CHECK(text(DateTime{}) == "0000-00-00 00:00:00");
  CHECK(text(DateTime{2024, 1, 2, 3, 4, 5, 0}, {.decimals = 0}) == "2024-01-02 03:04:05");
  CHECK(text(DateTime{2024, 1, 1, 0, 0, 0, 120000}, {.decimals = 3}) == "2024-01-01 00:00:00.120");
  CHECK(text(DateTime{2024, 1, 1, 0, 0, 0, 1}) == "2024-01-01 00:00:00.000001");
  CHECK(text(DateTime{2024, 1, 1, 0, 0, 0, 0, 330}) == "2024-01-01 00:00:00+05:30");
  CHECK(text(DateTime{2024, 1, 1, 0, 0, 0, 0, -61}) == "2024-01-01 00:00:00-01:01");
  CHECK(text(Time{}) == "00:00:00");
  CHECK(text(Time{true, 1, 6, 1, 2, 0}) == "-30:01:02");
  CHECK(text(Time{true, 34, 22, 59, 59, 500000}, {.decimals = 1}) == "-838:59:59.5");
  CHECK(text(Time{false, 4, 4, 0, 0, 1}) == "100:00:00.000001");
  CHECK(text(Time{false, 0, 10, 11, 12, 0}, {.decimals = 3}) == "10:11:12.000");
}

TEST_CASE("whatever the wire can hold is printed without overrun", "[value_text]") {
  CHECK(text(DateTime{65535, 255, 255, 255, 255, 255, 0xffffffff}, {.decimals = 6}) ==
        "65535-255-255 255:255:255.4294967295");
  CHECK(text(Time{true, 0xffffffff, 255, 255, 255, 0xffffffff}, {.decimals = 1}) ==
        "-103079215335:255:255.42949");
  CHECK(text(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(text(-std::numeric_limits<float>::infinity()) == "-inf");
  CHECK_FALSE(text(std::numeric_limits<double>::quiet_NaN()).empty());
  CHECK(text(std::numeric_limits<double>::infinity(), {.decimals = 2}) == "inf");
}

TEST_CASE("cells are read to the value that the binary protocol carries", "[value_text]") {
  struct Case {
    std::string_view text;
    ValueType type;
    Value value;
    TextFormat format{};
  };
  const Case cases[] = {
      {"-128", {FieldType::tiny}, std::int64_t{-128}},
      {"255", {FieldType::tiny, true}, std::uint64_t{255}},
      {"000042", {FieldType::long_, true}, std::uint64_t{42}, {.zerofill = 6}},
      {"2026", {FieldType::year}, std::uint64_t{2026}},
      {"0000", {FieldType::year}, std::uint64_t{0}, {.zerofill = 4}},
      {"-3", {FieldType::int24}, std::int64_t{-3}},
      {"18446744073709551615",
       {FieldType::longlong, true},
       std::numeric_limits<std::uint64_t>::max()},
      {"1.5", {FieldType::float_}, 1.5F},
      {"-1.5", {FieldType::double_}, -1.5},
      {"1.7976931348623157e308", {FieldType::double_}, std::numeric_limits<double>::max()},
      {"5e-324", {FieldType::double_}, std::numeric_limits<double>::denorm_min()},
      {"0000-00-00", {FieldType::date}, Date{}},
      {"2026-11-20", {FieldType::date}, Date{2026, 11, 20}},
      {"2026-11-20 13:14:15", {FieldType::datetime}, DateTime{2026, 11, 20, 13, 14, 15}},
      {"2026-11-20 13:14:15.120",
       {FieldType::timestamp},
       DateTime{2026, 11, 20, 13, 14, 15, 120000},
       {.decimals = 3}},
      {"-30:01:02", {FieldType::time}, Time{true, 1, 6, 1, 2}},
      {"100:00:00.000001", {FieldType::time}, Time{false, 4, 4, 0, 0, 1}},
      {"103079215103:00:00", {FieldType::time}, Time{false, 0xffffffff, 23}},
      {"-12.345", {FieldType::newdecimal}, "-12.345"sv},
      {"", {FieldType::var_string}, ""sv},
      {"{}", {FieldType::json}, "{}"sv},
      {"\x01", {FieldType::bit}, "\x01"sv},
  };
  for (const auto& test : cases) {
    INFO(test.text);
    const auto value = parse_text(test.text, test.type);
    REQUIRE(value.has_value());
    CHECK((*value == test.value));
    CHECK(text(*value, test.format) == test.text);
  }
}

TEST_CASE("what is not exactly the type's text form is refused", "[value_text]") {
  for (const char* bad : {"+1", " 1", "1 ", "1.0", "x", "-", "0x1", "1e2"}) {
    INFO(bad);
    CHECK(parsed(bad, {FieldType::long_}).find("Value.integer: bad value") == 0);
  }
  CHECK(parsed("-1", {FieldType::long_, true}) == "Value.integer: bad value at offset 0");
  CHECK(parsed("12x", {FieldType::long_}) == "Value.integer: bad value at offset 2");
  CHECK(parsed("128", {FieldType::tiny}) == "Value.integer: too long at offset 0");
  CHECK(parsed("65536", {FieldType::year}) == "Value.integer: too long at offset 0");
  CHECK(parsed("18446744073709551616", {FieldType::longlong, true}) ==
        "Value.integer: too long at offset 0");
  for (const char* bad : {"nan", "inf", "-inf", "infinity", "--1", "+1", " 1", "1.5x", "e5", "-"}) {
    INFO(bad);
    CHECK(parsed(bad, {FieldType::double_}).find("Value.floating_point: bad value") == 0);
  }
  CHECK(parsed("1e400", {FieldType::double_}) == "Value.floating_point: too long at offset 0");
  for (const char* bad :
       {"2026-11-2", "2026-11-201", "2026-13-01", "2026-01-32", "2026/01/01", "26-01-01",
        "-026-01-01", "2026-1-01", "2026-11-20 00:00:00", "2026-11-"}) {
    INFO(bad);
    CHECK(parsed(bad, {FieldType::date}).find("Value.date: bad value") == 0);
  }
  CHECK(parsed("2026-13-01", {FieldType::date}) == "Value.date: bad value at offset 5");
  for (const char* bad :
       {"2026-11-20", "2026-11-20T00:00:00", "2026-11-20 24:00:00", "2026-11-20 00:60:00",
        "2026-11-20 00:00:60", "2026-11-20 00:00:00.", "2026-11-20 00:00:00.1234567",
        "2026-11-20 00:00:00 ", "2026-11-20 00:00", "2026-11-20 0:00:00"}) {
    INFO(bad);
    CHECK(parsed(bad, {FieldType::datetime}).find("Value.datetime: bad value") == 0);
  }
  for (const char* bad : {"1:00:00", "00:00", "+00:00:00", "--00:00:00", "00:00:00.", "00:60:00",
                          "00:00:60", "1000000000000:00:00", "103079215104:00:00", "00:00:00x"}) {
    INFO(bad);
    CHECK(parsed(bad, {FieldType::time}).find("Value.time: bad value") == 0);
  }
  for (const FieldType type :
       {FieldType::tiny, FieldType::double_, FieldType::date, FieldType::datetime, FieldType::time})
    CHECK(parsed("", {type}) == "Value.value: truncated at offset 0");
  CHECK(parsed("1", {FieldType::null}) == "Value.type: bad value at offset 0");
  CHECK(parsed("1", {static_cast<FieldType>(0x11)}) == "Value.type: bad value at offset 0");
}
