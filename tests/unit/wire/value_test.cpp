#include <mysqlwire/wire/value.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <limits>
#include <string>
#include <vector>

using namespace mysqlwire;
using mysqlwire::test::ExactBytes;
using mysqlwire::test::hex;
using mysqlwire::test::to_hex;
using namespace std::string_view_literals;

namespace {

struct Case {
  ValueType type;
  const char* digits;
  Value value;
};

const Value null_value{};

Value integer(std::int64_t value) { return value; }
Value natural(std::uint64_t value) { return value; }

/// One or more of every type, in the shapes that real servers send.
const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {{FieldType::null}, "", null_value},
      {{FieldType::tiny}, "ff", integer(-1)},
      {{FieldType::tiny}, "80", integer(-128)},
      {{FieldType::tiny, true}, "ff", natural(255)},
      {{FieldType::short_}, "0080", integer(-32768)},
      {{FieldType::short_, true}, "ffff", natural(65535)},
      {{FieldType::year}, "ea07", natural(2026)},
      {{FieldType::long_}, "feffffff", integer(-2)},
      {{FieldType::long_, true}, "03000000", natural(3)},
      {{FieldType::int24}, "fdffffff", integer(-3)},
      {{FieldType::int24, true}, "ffffff00", natural(16777215)},
      {{FieldType::longlong}, "feffffffffffffff", integer(-2)},
      {{FieldType::longlong},
       "0000000000000080",
       integer(std::numeric_limits<std::int64_t>::min())},
      {{FieldType::longlong, true},
       "ffffffffffffffff",
       natural(std::numeric_limits<std::uint64_t>::max())},
      {{FieldType::float_}, "0000c03f", 1.5F},
      {{FieldType::double_}, "000000000000f8bf", -1.5},
      {{FieldType::date}, "00", Date{}},
      {{FieldType::date}, "04 ea070b14", Date{2026, 11, 20}},
      {{FieldType::datetime}, "00", DateTime{}},
      {{FieldType::datetime}, "04 ea070b14", DateTime{2026, 11, 20}},
      {{FieldType::datetime}, "07 ea070b14 0d0e0f", DateTime{2026, 11, 20, 13, 14, 15}},
      {{FieldType::datetime},
       "0b ea070b14 0d0e0f 40e20100",
       DateTime{2026, 11, 20, 13, 14, 15, 123456}},
      {{FieldType::timestamp}, "0b ea070b14 000000 01000000", DateTime{2026, 11, 20, 0, 0, 0, 1}},
      {{FieldType::datetime},
       "0d ea070b14 0d0e0f 00000000 4a01",
       DateTime{2026, 11, 20, 13, 14, 15, 0, 330}},
      {{FieldType::timestamp},
       "0d 00000000 000000 00000000 c4ff",
       DateTime{0, 0, 0, 0, 0, 0, 0, -60}},
      {{FieldType::time}, "00", Time{}},
      {{FieldType::time}, "08 01 01000000 060102", Time{true, 1, 6, 1, 2}},
      {{FieldType::time}, "0c 00 04000000 040000 01000000", Time{false, 4, 4, 0, 0, 1}},
      {{FieldType::decimal}, "03 312e35", "1.5"sv},
      {{FieldType::newdecimal}, "07 2d31322e333435", "-12.345"sv},
      {{FieldType::varchar}, "01 61", "a"sv},
      {{FieldType::bit}, "02 0102", "\x01\x02"sv},
      {{FieldType::vector}, "04 0000803f", "\0\0\x80\x3f"sv},
      {{FieldType::json}, "02 7b7d", "{}"sv},
      {{FieldType::enum_}, "01 61", "a"sv},
      {{FieldType::set}, "03 612c62", "a,b"sv},
      {{FieldType::tiny_blob}, "01 00", "\0"sv},
      {{FieldType::medium_blob}, "00", ""sv},
      {{FieldType::long_blob}, "01 ff", "\xff"sv},
      {{FieldType::blob}, "01 fe", "\xfe"sv},
      {{FieldType::var_string}, "01 61", "a"sv},
      {{FieldType::string}, "01 61", "a"sv},
      {{FieldType::geometry}, "05 0000000001", "\0\0\0\0\x01"sv},
  };
  return all;
}

std::string encoded(const Value& value, ValueType type) {
  Buffer out;
  Writer writer(out, "M");
  write_binary_value(writer, value, type, "v");
  return writer.ok() ? to_hex(out) : to_string(writer.error());
}

std::string refused(const char* digits, FieldType type, Notes* notes = nullptr,
                    bool strict = false) {
  const auto bytes = hex(digits);
  Context context;
  context.notes = notes;
  context.strict = strict;
  Reader reader(bytes, "M", context);
  (void)read_binary_value(reader, {type}, "v");
  return reader.ok() ? "" : to_string(reader.error());
}

}  // namespace

TEST_CASE("every type round-trips in its binary form", "[value]") {
  for (const auto& test : cases()) {
    INFO("type " << int(test.type.type) << " bytes " << test.digits);
    const auto bytes = hex(test.digits);
    Notes notes;
    Context context;
    context.notes = &notes;

    Reader reader(bytes, "M", context);
    CHECK((read_binary_value(reader, test.type, "v") == test.value));
    CHECK(reader.ok());
    CHECK(reader.at_end());
    CHECK(notes.empty());

    Reader skipper(bytes, "M", context);
    skip_binary_value(skipper, test.type.type, "v");
    CHECK(skipper.ok());
    CHECK(skipper.at_end());

    CHECK(encoded(test.value, test.type) == to_hex(bytes));
    CHECK(encoded(null_value, test.type).empty());

    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const ExactBytes prefix(bytes.get().first(size));
      Reader cut(prefix, "M", context);
      (void)read_binary_value(cut, test.type, "v");
      CHECK(to_string(cut.error()) == "M.v: truncated at offset 0");
      Reader skip_cut(prefix, "M", context);
      skip_binary_value(skip_cut, test.type.type, "v");
      CHECK(to_string(skip_cut.error()) == "M.v: truncated at offset 0");
    }
  }
}

TEST_CASE("every code has a shape, and those that can't travel are refused", "[value]") {
  unsigned valid = 0;
  for (unsigned code = 0; code < 256; ++code) {
    const auto type = static_cast<FieldType>(code);
    if (value_shape(type) != ValueShape::invalid) {
      ++valid;
      continue;
    }
    const auto bytes = hex("0000000000000000");
    Reader reader(bytes, "M", {});
    (void)read_binary_value(reader, {type}, "v");
    CHECK(to_string(reader.error()) == "M.v: bad value at offset 0");
    Reader skipper(bytes, "M", {});
    skip_binary_value(skipper, type, "v");
    CHECK(to_string(skipper.error()) == "M.v: bad value at offset 0");
    CHECK(encoded(std::int64_t{1}, {type}) == "M.v: bad value at offset 0");
    // A NULL has no bytes, so its type does not matter: neither in reading nor in writing.
    CHECK(encoded(null_value, {type}).empty());
  }
  CHECK(valid == 28);
  for (const unsigned code : {0x0e, 0x11, 0x12, 0x13, 0x14, 0x15, 0xf1, 0xf3, 0xf4})
    CHECK(value_shape(static_cast<FieldType>(code)) == ValueShape::invalid);
}

TEST_CASE("dates and times of any other length are refused", "[value]") {
  for (unsigned size = 0; size < 256; ++size) {
    std::string bytes(1, static_cast<char>(size));
    bytes.append(255, '\0');
    for (const FieldType type : {FieldType::date, FieldType::datetime, FieldType::time}) {
      const bool good = type == FieldType::time
                            ? size == 0 || size == 8 || size == 12
                            : size == 0 || size == 4 || size == 7 || size == 11 || size == 13;
      Reader reader(as_bytes(bytes), "M", {});
      (void)read_binary_value(reader, {type}, "v");
      CHECK(reader.ok() == good);
      if (good) {
        CHECK(reader.offset() == size + 1);
      } else {
        CHECK(to_string(reader.error()) == "M.v: bad value at offset 0");
      }
    }
  }
}

TEST_CASE("longer forms than needed are read and written short", "[value]") {
  const auto rewritten = [](const char* digits, FieldType type) {
    const auto bytes = hex(digits);
    Reader reader(bytes, "M", {});
    const Value value = read_binary_value(reader, {type}, "v");
    CHECK(reader.at_end());
    return encoded(value, {type});
  };
  CHECK(rewritten("07 ea070b14 000000", FieldType::datetime) == "04ea070b14");
  CHECK(rewritten("0b 00000000 000000 00000000", FieldType::datetime) == "00");
  CHECK(rewritten("0c 00 00000000 000001 00000000", FieldType::time) == "080000000000000001");
  CHECK(rewritten("07 ea070b14 000000", FieldType::date) == "04ea070b14");
  CHECK(rewritten("fc0100 61", FieldType::string) == "0161");
}

TEST_CASE("parts out of range and a clock in a date are noted", "[value]") {
  struct Odd {
    const char* digits;
    FieldType type;
  };
  for (const Odd odd : {Odd{"04 ea070d14", FieldType::date}, Odd{"04 ea070c20", FieldType::date},
                        Odd{"07 ea070b14 180000", FieldType::datetime},
                        Odd{"07 ea070b14 003c00", FieldType::datetime},
                        Odd{"07 ea070b14 00003c", FieldType::datetime},
                        Odd{"0b ea070b14 000000 40420f00", FieldType::datetime},
                        Odd{"08 02 00000000 000001", FieldType::time},
                        Odd{"08 00 00000000 180000", FieldType::time},
                        Odd{"07 ea070b14 000001", FieldType::date}}) {
    INFO(odd.digits);
    Notes notes;
    CHECK(refused(odd.digits, odd.type, &notes).empty());
    CHECK(notes.total() == 1);
    CHECK_FALSE(refused(odd.digits, odd.type, nullptr, true).empty());
  }
}

TEST_CASE("a value that its type can't hold is not written", "[value]") {
  const char* too_long = "M.v: too long at offset 0";
  const char* bad = "M.v: bad value at offset 0";
  CHECK(encoded(integer(128), {FieldType::tiny}) == too_long);
  CHECK(encoded(integer(-129), {FieldType::tiny}) == too_long);
  CHECK(encoded(natural(128), {FieldType::tiny}) == too_long);
  CHECK(encoded(natural(127), {FieldType::tiny}) == "7f");
  CHECK(encoded(natural(256), {FieldType::tiny, true}) == too_long);
  CHECK(encoded(integer(255), {FieldType::tiny, true}) == "ff");
  CHECK(encoded(integer(-1), {FieldType::tiny, true}) == too_long);
  CHECK(encoded(integer(-1), {FieldType::year}) == too_long);
  CHECK(encoded(natural(1ULL << 63), {FieldType::longlong}) == too_long);
  CHECK(encoded(integer(-1), {FieldType::longlong, true}) == too_long);
  CHECK(encoded(integer(1LL << 31), {FieldType::int24}) == too_long);
  CHECK(encoded(1.5, {FieldType::float_}) == bad);
  CHECK(encoded(1.5F, {FieldType::double_}) == bad);
  CHECK(encoded(integer(1), {FieldType::double_}) == bad);
  CHECK(encoded("1"sv, {FieldType::long_}) == bad);
  CHECK(encoded(integer(1), {FieldType::string}) == bad);
  CHECK(encoded(integer(1), {FieldType::null}) == bad);
  CHECK(encoded(Date{}, {FieldType::datetime}) == bad);
  CHECK(encoded(DateTime{}, {FieldType::date}) == bad);
  CHECK(encoded(DateTime{}, {FieldType::time}) == bad);
}
