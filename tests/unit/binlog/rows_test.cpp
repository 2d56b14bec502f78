#include <mysqlwire/binlog/json.hpp>
#include <mysqlwire/binlog/rows.hpp>
#include <mysqlwire/binlog/stream.hpp>
#include <mysqlwire/wire/value_text.hpp>

#include <catch2/catch.hpp>
#include <support/binlog_examples.hpp>
#include <support/hex.hpp>

#include <map>
#include <string>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::binlog;
using namespace mysqlwire::test;

namespace {

const Context context;

struct Image {
  bool is_after = false;
  std::map<std::string, std::string> values;  ///< by the column's name, hex for byte ranges
};

std::string text_of(const Value& value, const Column& column) {
  if (is_null(value)) return "NULL";
  std::string text;
  if (const auto* bytes = std::get_if<std::string_view>(&value)) {
    if (column.layout.type == FieldType::json) {
      CHECK(append_json_text(text, as_bytes(*bytes)));
      return text;
    }
    return std::string(*bytes);
  }
  append_text(text, value);
  return text;
}

/// The images of a row event behind a format description and a table map.
std::vector<Image> images_of(std::string_view format, std::string_view map, std::string_view rows) {
  Stream stream;
  REQUIRE(stream.take(hex(format), context));
  REQUIRE(stream.take(hex(map), context));
  const ExactBytes bytes = hex(rows);
  const auto event = stream.take(bytes, context);
  REQUIRE(event);
  CHECK(event->checksum_ok);
  const auto decoded = RowsEvent::decode(event->body, context, event->header.type);
  REQUIRE(decoded);
  const Table* table = stream.table(decoded->table_id);
  REQUIRE(table != nullptr);
  std::vector<Image> found;
  RowImages images(*decoded, decoded->rows, *table, context);
  while (images.next_image()) {
    Image& image = found.emplace_back();
    image.is_after = images.is_after();
    for (RowImages::Item item; images.next(item);)
      image.values[table->columns[item.column].name] =
          text_of(item.value, table->columns[item.column]);
  }
  CHECK(images.ok());
  return found;
}

Value value_of(std::string_view digits, ColumnLayout layout) {
  const ExactBytes bytes = hex(digits);
  Reader reader(bytes, "row", context);
  DecimalText scratch;
  const Value value = read_row_value(reader, layout, scratch, "value");
  CHECK(reader.ok());
  CHECK(reader.at_end());
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    static std::string kept;
    kept = *text;
    return std::string_view(kept);
  }
  return value;
}

}  // namespace

TEST_CASE("a row of all types, of MySQL", "[binlog]") {
  const auto images =
      images_of(examples::mysql_format, examples::mysql_table_map, examples::mysql_write_ordinary);
  REQUIRE(images.size() == 1);
  CHECK(images[0].is_after);
  const std::map<std::string, std::string> expected = {
      {"id", "5"},
      {"t", "-7"},
      {"tu", "200"},
      {"s", "-300"},
      {"su", "60000"},
      {"m", "-70000"},
      {"mu", "16000000"},
      {"i", "-80000"},
      {"iu", "4000000000"},
      {"b", "-5000000000"},
      {"bu", "18000000000000000000"},
      {"f", "1.5"},
      {"d", "2.25"},
      {"n", "12345678901234567890.0123456789"},
      {"n0", "42"},
      {"nn", "0.1234"},
      {"bits", "\x01\x55"},
      {"y", "2024"},
      {"da", "2024-02-29"},
      {"ti", "-30:01:02"},
      {"ti3", "12:34:56.789000"},
      {"ti6", "-838:59:58.999999"},
      {"dt", "2024-02-29 12:34:56"},
      {"dt1", "2024-02-29 12:34:56.700000"},
      {"dt6", "2024-02-29 12:34:56.789012"},
      {"ts", "2024-02-29 12:34:56+00:00"},
      {"ts4", "2024-02-29 12:34:56.789000+00:00"},
      {"c", "char"},
      {"l",
       "Gr\xfc\xdf"
       "e"},
      {"bi", std::string("\0\xff", 2)},
      {"v",
       "Gr\xc3\xbc\xc3\x9f"
       "e \xe2\x82\xac"},
      {"v3", std::string(256, 'v')},
      {"vb", std::string("\0\x01\xfe", 3)},
      {"tb", std::string("\0", 1)},
      {"tt", "tiny"},
      {"bl", "\xde\xad\xbe\xef"},
      {"te", "text"},
      {"mb", "\x01\x02"},
      {"lt", "long"},
      {"e", "2"},
      {"st", "5"},
      {"g",
       as_text(hex("000000000101000000000000000000f03f0000000000000040").get()).data() == nullptr
           ? ""
           : images[0].values.at("g")},
      {"j", R"({"a": 1, "o": {"deep": -70000}, "list": [true, null, 1.5, "x"]})"},
  };
  for (const auto& [name, value] : expected) {
    INFO(name);
    CHECK(images[0].values.at(name) == value);
  }
  CHECK(images[0].values.size() == expected.size());
  CHECK(to_hex(as_bytes(images[0].values.at("g"))) ==
        "000000000101000000000000000000f03f0000000000000040");
}

TEST_CASE("the lower ends of the ranges are the same of both servers", "[binlog]") {
  auto mysql =
      images_of(examples::mysql_format, examples::mysql_table_map, examples::mysql_write_lowest);
  auto mariadb = images_of(examples::mariadb_format, examples::mariadb_table_map,
                           examples::mariadb_write_lowest);
  REQUIRE(mysql.size() == 1);
  REQUIRE(mariadb.size() == 1);
  // MariaDB's JSON is text.
  CHECK(mysql[0].values["j"] == "[]");
  CHECK(mariadb[0].values["j"] == "[]");
  CHECK(mysql[0].values == mariadb[0].values);
  CHECK(mysql[0].values["b"] == "-9223372036854775808");
  CHECK(mysql[0].values["n"] == "-99999999999999999999.9999999999");
  CHECK(mysql[0].values["nn"] == "-0.9999");
  CHECK(mysql[0].values["ti"] == "-838:59:59");
  CHECK(mysql[0].values["ti3"] == "-00:00:00.001000");
  CHECK(mysql[0].values["ti6"] == "-00:00:00.000001");
  CHECK(mysql[0].values["da"] == "1000-01-01");
  CHECK(mysql[0].values["y"] == "1901");
}

TEST_CASE("minimal images have the key in front, and the change behind", "[binlog]") {
  const auto update =
      images_of(examples::mysql_format, examples::mysql_table_map, examples::mysql_update_minimal);
  REQUIRE(update.size() == 2);
  CHECK_FALSE(update[0].is_after);
  CHECK(update[0].values == std::map<std::string, std::string>{{"id", "7"}});
  CHECK(update[1].is_after);
  CHECK(update[1].values == std::map<std::string, std::string>{{"st", "2"}});
  const auto removed =
      images_of(examples::mysql_format, examples::mysql_table_map, examples::mysql_delete_minimal);
  REQUIRE(removed.size() == 3);
  CHECK_FALSE(removed[2].is_after);
  CHECK(removed[2].values == std::map<std::string, std::string>{{"id", "8"}});
}

TEST_CASE("images with partial JSON are not read", "[binlog]") {
  Stream stream;
  REQUIRE(stream.take(hex(examples::mysql_format), context));
  REQUIRE(stream.take(hex(examples::mysql_table_map), context));
  const ExactBytes bytes = hex(examples::mysql_partial_update);
  const auto event = stream.take(bytes, context);
  REQUIRE(event);
  const auto rows = RowsEvent::decode(event->body, context, event->header.type);
  REQUIRE(rows);
  RowImages images(*rows, rows->rows, *stream.table(rows->table_id), context);
  CHECK_FALSE(images.next_image());
  CHECK(images.error().code == errc::unsupported);
}

TEST_CASE("every prefix of a row event ends in an error or fewer rows", "[binlog]") {
  Stream stream;
  REQUIRE(stream.take(hex(examples::mysql_table_map), context));
  const ExactBytes bytes = hex(examples::mysql_write_ordinary);
  const Bytes body =
      bytes.get().subspan(EventHeader::size, bytes.size() - EventHeader::size - checksum_size);
  for (std::size_t size = 0; size < body.size(); ++size) {
    const ExactBytes prefix(body.first(size));
    const auto rows = RowsEvent::decode(prefix, context, EventType::write_rows_event);
    if (!rows) continue;
    const Table* table = stream.table(rows->table_id);
    REQUIRE(table != nullptr);
    RowImages images(*rows, rows->rows, *table, context);
    std::size_t complete = 0;
    while (images.next_image())
      for (RowImages::Item item; images.next(item);) ++complete;
    CHECK(complete < table->columns.size());
  }
}

TEST_CASE("a table map is described by its metadata", "[binlog]") {
  const ExactBytes event = hex(examples::mysql_table_map);
  const ExactBytes body(
      event.get().subspan(EventHeader::size, event.size() - EventHeader::size - checksum_size));
  const auto map = TableMap::decode(body, context);
  REQUIRE(map);
  CHECK(map->schema == "shop");
  CHECK(map->table == "every");
  const auto table = Table::from(*map, context);
  REQUIRE(table);
  REQUIRE(table->columns.size() == 43);
  CHECK(table->columns[0].in_primary_key);
  CHECK_FALSE(table->columns[0].nullable);
  CHECK(table->columns[1].nullable);
  CHECK(table->columns[2].layout.is_unsigned);
  CHECK(table->columns[13].layout == ColumnLayout{FieldType::newdecimal, 30 << 8 | 10, false});
  CHECK(table->columns[16].layout.metadata == 9);
  CHECK(table->columns[39].layout.type == FieldType::enum_);
  CHECK(table->columns[39].labels == std::vector<std::string>{"small", "big"});
  CHECK(table->columns[40].labels == std::vector<std::string>{"a", "b", "c"});
  CHECK(table->columns[28].character_set == 8);   // latin1
  CHECK(table->columns[29].character_set == 63);  // binary

  Buffer out;
  Writer writer(out);
  map->encode(writer, context);
  CHECK(to_hex(out) == to_hex(body));
  for (std::size_t size = 0; size < body.size(); ++size) {
    const ExactBytes prefix(body.get().first(size));
    if (const auto cut = TableMap::decode(prefix, context)) (void)Table::from(*cut, context);
  }
}

TEST_CASE("columns above the limit are refused before anything is read", "[binlog]") {
  Context small;
  small.limits.max_columns = 42;
  const ExactBytes event = hex(examples::mysql_table_map);
  const auto map = TableMap::decode(event.get().subspan(EventHeader::size), small);
  REQUIRE_FALSE(map);
  CHECK(map.error().code == errc::limit_exceeded);
}

TEST_CASE("images without columns do not go on for ever", "[binlog]") {
  Table table;
  table.columns.resize(2);
  const std::uint8_t none[1] = {0};
  const std::uint8_t rows[3] = {1, 2, 3};
  RowsEvent event;
  event.column_count = 2;
  event.present = none;
  event.rows = rows;
  RowImages images(event, event.rows, table, context);
  CHECK_FALSE(images.next_image());
  CHECK_FALSE(images.ok());
}

TEST_CASE("values of row events, old forms too", "[binlog]") {
  CHECK(value_of("ff", {FieldType::tiny, 0, false}) == Value{std::int64_t{-1}});
  CHECK(value_of("ff", {FieldType::tiny, 0, true}) == Value{std::uint64_t{255}});
  CHECK(value_of("ffffff", {FieldType::int24, 0, false}) == Value{std::int64_t{-1}});
  CHECK(value_of("00000080", {FieldType::long_, 0, false}) == Value{std::int64_t{-2147483648}});
  CHECK(value_of("00", {FieldType::year, 0, false}) == Value{std::uint64_t{0}});
  CHECK(value_of("00000000", {FieldType::timestamp2, 0, false}) == Value{DateTime{}});
  CHECK(value_of("ffffffff", {FieldType::timestamp2, 0, false}) ==
        Value{DateTime{2106, 2, 7, 6, 28, 15, 0, std::int16_t{0}}});
  CHECK(value_of("65d4b7ff", {FieldType::timestamp, 0, false}) ==
        Value{DateTime{2105, 12, 14, 12, 39, 1, 0, std::int16_t{0}}});
  CHECK(value_of("5d0fe8", {FieldType::date, 0, false}) == Value{Date{29703, 10, 29}});
  // 12:34:56 and -12:34:56
  CHECK(value_of("40e201", {FieldType::time, 0, false}) == Value{Time{false, 0, 12, 34, 56, 0}});
  CHECK(value_of("c01dfe", {FieldType::time, 0, false}) == Value{Time{true, 0, 12, 34, 56, 0}});
  CHECK(value_of("8040a16b68120000", {FieldType::datetime, 0, false}).index() ==
        Value{DateTime{}}.index());
  CHECK(value_of("02", {FieldType::enum_, 1, false}) == Value{std::uint64_t{2}});
  CHECK(value_of("0100000000000080", {FieldType::set, 8, false}) ==
        Value{(std::uint64_t{1} << 63) + 1});
  CHECK(value_of("0361 6263", {FieldType::varchar, 255, false}) == Value{std::string_view("abc")});
  CHECK(value_of("030061 6263", {FieldType::varchar, 256, false}) ==
        Value{std::string_view("abc")});
}

TEST_CASE("decimals of row events", "[binlog]") {
  const auto decimal = [](std::string_view digits, int precision, int scale) {
    const Value value = value_of(
        digits, {FieldType::newdecimal, static_cast<std::uint16_t>(precision << 8 | scale), false});
    return std::string(std::get<std::string_view>(value));
  };
  CHECK(decimal("810dfb38d204d2", 14, 4) == "1234567890.1234");
  CHECK(decimal("7ef204c72dfb2d", 14, 4) == "-1234567890.1234");
  CHECK(decimal("80", 1, 0) == "0");
  CHECK(decimal("8000", 2, 1) == "0.0");
  const ExactBytes bad = hex("ffffffff");
  Reader reader(bad, "row", context);
  DecimalText scratch;
  read_row_value(reader, {FieldType::newdecimal, 9 << 8, false}, scratch, "value");
  CHECK(reader.error().code == errc::bad_value);  // more than nine digits in four bytes
}

TEST_CASE("JSON of all opaque types", "[binlog]") {
  const auto images =
      images_of(examples::mysql_format, examples::mysql_table_map, examples::mysql_write_json);
  REQUIRE(images.size() == 1);
  CHECK(images[0].values.at("j") ==
        R"({"u": 18446744073709551615, "day": "2024-02-29", "dec": 1.50, )"
        R"("span": "-12:34:56.000000", "when": "2024-02-29 12:34:56.789000", )"
        R"("bytes": "base64:type15:AP8=", "whole": 1.0})");
}

TEST_CASE("JSON that is none leaves nothing behind", "[binlog]") {
  const auto fails = [](std::string_view digits) {
    const ExactBytes bytes = hex(digits);
    std::string out = "kept";
    const bool ok = append_json_text(out, bytes);
    CHECK(out == (ok ? out : "kept"));
    return !ok;
  };
  std::string empty;
  CHECK(append_json_text(empty, {}));
  CHECK(empty == "null");
  CHECK(fails("04"));      // a literal without its value
  CHECK(fails("0403"));    // of which there are three
  CHECK(fails("0c0561"));  // text that is cut
  CHECK(fails("0cffffffffff61"));
  CHECK(fails("0d00"));              // no type
  CHECK(fails("02ffff0400"));        // more values than bytes
  CHECK(fails("02010007000c0700"));  // an offset at the end
}

TEST_CASE("a document can't make more of itself than its size", "[binlog]") {
  // Each array has two values, both of which are the array behind it: 2^20 values if it could.
  Buffer document;
  document.push_back(2);
  constexpr unsigned depth = 20;
  constexpr unsigned size = 4 + 2 * 3;
  for (unsigned i = 0; i < depth; ++i) {
    const unsigned left = size * (depth - i);
    document.insert(document.end(), {2, 0, static_cast<std::uint8_t>(left & 0xff),
                                     static_cast<std::uint8_t>(left >> 8)});
    const std::uint8_t type = i + 1 == depth ? 4 : 2;
    const std::uint8_t offset = i + 1 == depth ? 1 : size;
    for (int j = 0; j < 2; ++j) document.insert(document.end(), {type, offset, 0});
  }
  std::string out;
  CHECK_FALSE(append_json_text(out, document));
  CHECK(out.empty());
}
