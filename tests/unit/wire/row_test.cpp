#include <mysqlwire/wire/row_binary.hpp>
#include <mysqlwire/wire/row_text.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <string>
#include <vector>

using namespace mysqlwire;
using mysqlwire::test::ExactBytes;
using mysqlwire::test::hex;
using mysqlwire::test::to_hex;
using namespace std::string_view_literals;

namespace {

std::vector<TextRow::Cell> cells_of(TextRow& row) {
  std::vector<TextRow::Cell> cells;
  for (TextRow::Cell cell; row.next(cell);) cells.push_back(cell);
  return cells;
}

std::vector<Value> values_of(BinaryRow& row) {
  std::vector<Value> values;
  for (Value value; row.next(value);) values.push_back(value);
  return values;
}

/// The columns of examples E11 and E17: BIGINT, VARCHAR, INT, VARCHAR.
const std::vector<ValueType> e11_columns{
    {FieldType::longlong}, {FieldType::var_string}, {FieldType::long_}, {FieldType::var_string}};

}  // namespace

TEST_CASE("E8: a text row with a NULL", "[row]") {
  const auto bytes = hex("0131fb0178");
  TextRow row(bytes, 3, {});
  CHECK(row.columns_left() == 3);
  CHECK((cells_of(row) == std::vector<TextRow::Cell>{"1"sv, std::nullopt, "x"sv}));
  CHECK(row.ok());
  CHECK(row.columns_left() == 0);

  Buffer out;
  Writer writer(out);
  write_text_row(writer, std::vector<TextRow::Cell>{"1"sv, std::nullopt, "x"sv});
  CHECK(to_hex(out) == "0131fb0178");
  out.clear();
  Writer typed(out);
  write_text_row(typed, std::vector<Value>{std::int64_t{1}, Value{}, "x"sv},
                 std::vector<TextFormat>(3));
  CHECK(to_hex(out) == "0131fb0178");
  write_text_row(typed, std::vector<Value>(2), std::vector<TextFormat>(3));
  CHECK(typed.error().code == errc::missing_field);
}

TEST_CASE("a text row is as long as its columns say", "[row]") {
  const auto bytes = hex("0131fb0178");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const ExactBytes prefix(bytes.get().first(size));
    TextRow row(prefix, 3, {});
    CHECK(cells_of(row).size() < 3);
    CHECK(row.error().code == errc::truncated);
  }

  Notes notes;
  Context context;
  context.notes = &notes;
  TextRow shorter(bytes, 2, context);
  CHECK(cells_of(shorter).size() == 2);
  CHECK(shorter.ok());
  TextRow::Cell cell;
  CHECK_FALSE(shorter.next(cell));
  REQUIRE(notes.total() == 1);
  CHECK(notes.begin()->code == errc::trailing_bytes);
  CHECK(notes.begin()->offset == 3);

  context.strict = true;
  TextRow strict(bytes, 2, context);
  CHECK(cells_of(strict).size() == 2);
  CHECK(to_string(strict.error()) == "TextResultsetRow: trailing bytes at offset 3");
}

TEST_CASE("long cells, non-minimal lengths and bad lengths", "[row]") {
  Buffer payload;
  Writer writer(payload);
  const std::string long_text(70000, 'x');
  write_text_row(writer, std::vector<TextRow::Cell>{""sv, long_text,
                                                    std::string_view(long_text).substr(0, 251)});
  const ExactBytes bytes{Bytes(payload)};
  TextRow row(bytes, 3, {});
  const auto cells = cells_of(row);
  REQUIRE(cells.size() == 3);
  CHECK(cells[0] == ""sv);
  CHECK((cells[1] == long_text));
  CHECK(cells[2]->size() == 251);
  CHECK(row.ok());

  const auto wide = hex("fc0100 61 fe0200000000000000 6263");
  TextRow lenient(wide, 2, {});
  CHECK((cells_of(lenient) == std::vector<TextRow::Cell>{"a"sv, "bc"sv}));

  for (const char* bad : {"0161 ff", "0161 feffffffffffffffff 61", "0161 fc0001", "0161 02 61"}) {
    INFO(bad);
    const auto broken = hex(bad);
    TextRow failing(broken, 2, {});
    CHECK(cells_of(failing).size() == 1);
    CHECK_FALSE(failing.ok());
    CHECK(failing.error().offset == 2);
    CHECK(failing.error().field == "cell"sv);
  }
}

TEST_CASE("E11: binary rows with NULLs at offset 2", "[row]") {
  const auto first = hex("0008feffffffffffffff010000000161");
  BinaryRow row(first, e11_columns, {});
  const std::vector<Value> expected{std::int64_t{-2}, Value{}, std::int64_t{1}, "a"sv};
  CHECK((values_of(row) == expected));
  CHECK(row.ok());

  const auto second = hex("0028feffffffffffffff02000000");
  BinaryRow with_two_nulls(second, e11_columns, {});
  const std::vector<Value> two_nulls{std::int64_t{-2}, Value{}, std::int64_t{2}, Value{}};
  CHECK((values_of(with_two_nulls) == two_nulls));
  CHECK(with_two_nulls.ok());

  for (const auto& [values, digits] : {std::pair{expected, "0008feffffffffffffff010000000161"},
                                       std::pair{two_nulls, "0028feffffffffffffff02000000"}}) {
    Buffer out;
    Writer writer(out);
    write_binary_row(writer, values, e11_columns);
    CHECK(to_hex(out) == digits);
  }

  BinaryRow skipping(first, e11_columns, {});
  CHECK(skipping.skip());
  CHECK(skipping.skip());
  Value value;
  CHECK(skipping.next(value));
  CHECK((value == Value{std::int64_t{1}}));
  CHECK(skipping.skip());
  CHECK_FALSE(skipping.skip());
  CHECK(skipping.ok());
}

TEST_CASE("E16 and E17: OUT parameters and fetched rows", "[row]") {
  const auto out_parameters = hex("00000e00000003686921");
  const std::vector<ValueType> types{{FieldType::long_}, {FieldType::var_string}};
  BinaryRow again(out_parameters, types, {});
  CHECK((values_of(again) == std::vector<Value>{std::int64_t{14}, "hi!"sv}));

  const auto fetched = hex("000001000000");
  const std::vector<ValueType> one{{FieldType::long_}};
  BinaryRow fetch(fetched, one, {});
  CHECK((values_of(fetch) == std::vector<Value>{std::int64_t{1}}));
  CHECK(fetch.ok());
}

TEST_CASE("binary rows that are cut, too long or no rows", "[row]") {
  const auto bytes = hex("0008feffffffffffffff010000000161");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const ExactBytes prefix(bytes.get().first(size));
    BinaryRow row(prefix, e11_columns, {});
    CHECK(values_of(row).size() < 4);
    CHECK(row.error().code == errc::truncated);
    BinaryRow skipping(prefix, e11_columns, {});
    while (skipping.skip()) {
    }
    CHECK(skipping.error().code == errc::truncated);
  }

  const auto header = hex("0108");
  BinaryRow no_row(header, e11_columns, {});
  CHECK(to_string(no_row.error()) == "BinaryResultsetRow.header: bad value at offset 0");

  const auto extra = hex("0000 01000000 00");
  const std::vector<ValueType> one{{FieldType::long_}};
  Notes notes;
  Context context;
  context.notes = &notes;
  BinaryRow noted(extra, one, context);
  CHECK(values_of(noted).size() == 1);
  CHECK(noted.ok());
  CHECK(notes.total() == 1);
  context.strict = true;
  BinaryRow strict(extra, one, context);
  CHECK(values_of(strict).size() == 1);
  CHECK(to_string(strict.error()) == "BinaryResultsetRow: trailing bytes at offset 6");

  const std::vector<ValueType> unknown{{static_cast<FieldType>(0x11)}};
  BinaryRow refused(extra, unknown, {});
  CHECK(values_of(refused).empty());
  CHECK(to_string(refused.error()) == "BinaryResultsetRow.value: bad value at offset 2");
}

TEST_CASE("the NULL bitmap at every width and both offsets", "[row]") {
  for (const unsigned offset : {NullBitmap::row_offset, NullBitmap::parameter_offset}) {
    for (std::size_t count = 0; count <= 40; ++count) {
      for (std::size_t null = 0; null <= count; ++null) {  // count: none is NULL
        Buffer out;
        Writer writer(out);
        write_null_bitmap(writer, count, offset, [&](std::size_t i) { return i == null; });
        REQUIRE(out.size() == (count + offset + 7) / 8);
        const NullBitmap bitmap(out, offset);
        for (std::size_t i = 0; i < count; ++i) CHECK(bitmap.test(i) == (i == null));
      }
    }
  }
  CHECK_FALSE(NullBitmap().test(0));
  const auto one = hex("ff");
  CHECK_FALSE(NullBitmap(one, 2).test(6));
  CHECK(NullBitmap(one, 2).test(5));
}

TEST_CASE("a NULL of a type that can't travel is read and written", "[row]") {
  const std::vector<ValueType> types{{static_cast<FieldType>(0x21)}, {FieldType::tiny}};
  const auto payload = hex("00 04 07");
  BinaryRow row(payload, types, {});
  std::vector<Value> values;
  for (Value value; row.next(value);) values.push_back(value);
  REQUIRE(row.ok());
  CHECK(values == std::vector<Value>{Value{}, Value{std::int64_t{7}}});
  Buffer out;
  Writer writer(out);
  write_binary_row(writer, values, types);
  CHECK(writer.ok());
  CHECK(to_hex(out) == "000407");
}

TEST_CASE("rows of 0, 6, 7 and 70 columns, all NULL", "[row]") {
  for (const std::size_t count : {0, 6, 7, 70}) {
    const std::vector<ValueType> types(count, {FieldType::longlong});
    const std::vector<Value> nulls(count);
    Buffer out;
    Writer writer(out);
    write_binary_row(writer, nulls, types);
    CHECK(out.size() == 1 + (count + 9) / 8);
    const ExactBytes bytes{Bytes(out)};
    BinaryRow row(bytes, types, {});
    CHECK((values_of(row) == nulls));
    CHECK(row.ok());
  }
  Buffer out;
  Writer writer(out);
  write_binary_row(writer, std::vector<Value>(1), std::vector<ValueType>(2));
  CHECK(writer.error().code == errc::missing_field);
}
