#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/message.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>
#include <support/layout.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace mysqlwire;
using mysqlwire::test::check_layout;
using mysqlwire::test::hex;
using mysqlwire::test::to_hex;
using namespace std::string_view_literals;

static_assert(Message<ColumnCount>);

namespace {

Context with(Capabilities capabilities) {
  Context context;
  context.capabilities = capabilities;
  return context;
}

template <class M>
std::string error_of(const char* digits, const Context& context = {}) {
  const auto bytes = hex(digits);
  const auto message = M::decode(bytes, context);
  return message ? "" : to_string(message.error());
}

Result<ColumnDefinition41> decode_field(Bytes payload, const Context& context) {
  return ColumnDefinition41::decode(payload, context, DefinitionSource::field_list);
}

// E8: the three columns of "select 1 as a, null as b, 'x' as c".
constexpr const char* e8_a = "036465660000000161000c3f0001000000088100000000";
constexpr const char* e8_b = "036465660000000162000c3f0000000000068000000000";
constexpr const char* e8_c = "036465660000000163000c2d0004000000fd01001f0000";
// E10: a column of a base table.
constexpr const char* e10_id =
    "0364656604746573740274320274320269640269640c3f000b000000030342000000";

}  // namespace

TEST_CASE("E8 and E18: column counts with and without metadata_follows", "[column]") {
  const Context mysql = with(Capability::optional_resultset_metadata);
  const Context mariadb = with(Capability::mariadb_cache_metadata);
  check_layout<ColumnCount>("03", {});
  check_layout<ColumnCount>("fc0010", {});
  for (const auto& context : {mysql, mariadb}) {
    check_layout<ColumnCount>("0101", context);
    check_layout<ColumnCount>("0100", context);
  }
  const auto none = hex("0100");
  const auto count = ColumnCount::decode(none, mysql);
  REQUIRE(count.has_value());
  CHECK(*count == ColumnCount{1, ResultsetMetadata::none});

  CHECK(error_of<ColumnCount>("00") == "ColumnCount.column_count: bad value at offset 0");
  CHECK(error_of<ColumnCount>("fb") == "ColumnCount.column_count: bad value at offset 0");
  CHECK(error_of<ColumnCount>("fc0110") == "ColumnCount.column_count: limit exceeded at offset 0");
  CHECK(error_of<ColumnCount>("feffffffffffffffff") ==
        "ColumnCount.column_count: limit exceeded at offset 0");
  CHECK(error_of<ColumnCount>("0102", mysql) ==
        "ColumnCount.metadata_follows: bad value at offset 1");
}

TEST_CASE("E8 and E10: column definitions", "[column]") {
  for (const char* digits : {e8_a, e8_b, e8_c, e10_id})
    check_layout<ColumnDefinition41>(digits, {});

  const auto bytes = hex(e10_id);
  const auto column = ColumnDefinition41::decode(bytes, {});
  REQUIRE(column.has_value());
  CHECK(column->catalog == "def");
  CHECK(column->schema == "test");
  CHECK(column->table == "t2");
  CHECK(column->org_table == "t2");
  CHECK(column->column_name == "id");
  CHECK(column->org_name == "id");
  CHECK(column->extended.empty());
  CHECK(column->character_set == 63);
  CHECK(column->column_length == 11);
  CHECK(column->type == FieldType::long_);
  CHECK(column->flags.bits() == 0x4203);
  CHECK(column->decimals == 0);
  CHECK_FALSE(column->default_value.has_value());
  CHECK(value_type(*column) == ValueType{FieldType::long_, false});

  const auto text = hex(e8_c);
  CHECK(ColumnDefinition41::decode(text, {})->decimals == 0x1f);
}

TEST_CASE("what the values of a column look like", "[column]") {
  ColumnDefinition41 column;
  column.type = FieldType::long_;
  column.column_length = 10;
  column.flags = {ColumnFlag::unsigned_, ColumnFlag::zerofill};
  column.decimals = 0;
  CHECK(value_type(column) == ValueType{FieldType::long_, true});
  CHECK(text_format(column).zerofill == 10);
  CHECK(text_format(column).decimals == 0);
  column.column_length = 0xffffffff;
  CHECK(text_format(column).zerofill == 255);
  column.flags = {};
  CHECK(text_format(column).zerofill == 0);
}

TEST_CASE("E18: definitions of COM_FIELD_LIST end with a default", "[column]") {
  struct Case {
    const char* digits;
    std::optional<std::string_view> value;
  };
  for (const Case& test :
       {Case{"03646566047465737402666c02666c016101610c3f000b0000000300000000000137", "7"sv},
        Case{"03646566047465737402666c02666c016201620c2d0014000000fd0000000000027878", "xx"sv},
        Case{"03646566047465737402666c02666c016301630c3f000a0000000a8000000000fb", std::nullopt}}) {
    check_layout(test.digits, Context{}, decode_field);
    const auto bytes = hex(test.digits);
    const auto column = decode_field(bytes, {});
    REQUIRE(column.has_value());
    REQUIRE(column->default_value.has_value());
    CHECK(*column->default_value == test.value);
    // In a result set the same bytes are too many.
    Notes notes;
    Context context;
    context.notes = &notes;
    CHECK(ColumnDefinition41::decode(bytes, context).has_value());
    CHECK(notes.total() == 1);
  }
}

TEST_CASE("E19: MariaDB's extended metadata", "[column]") {
  const Context mariadb = with(Capability::mariadb_extended_metadata);
  struct Case {
    const char* digits;
    ExtendedMetadataItem item;
  };
  const Case cases[] = {
      {"03646566047465737402786d02786d016a016a0601046a736f6e0c2d00fffffffffc9000000000",
       {ExtendedMetadata::format_name, "json"}},
      {"03646566047465737402786d02786d01700170070005706f696e740c3f00ffffffffff9000000000",
       {ExtendedMetadata::type_name, "point"}},
      {"03646566047465737402786d02786d01750175060004757569640c2d0090000000fea000000000",
       {ExtendedMetadata::type_name, "uuid"}},
  };
  for (const auto& test : cases) {
    check_layout<ColumnDefinition41>(test.digits, mariadb);
    const auto bytes = hex(test.digits);
    auto column = ColumnDefinition41::decode(bytes, mariadb);
    REQUIRE(column.has_value());
    CHECK_FALSE(column->extended.empty());
    CHECK(column->extended.find(test.item.kind) == test.item.text);
    CHECK_FALSE(column->extended.find(7).has_value());
    REQUIRE(column->extended.begin() != column->extended.end());
    CHECK(*column->extended.begin() == test.item);

    // The same items from an array, and the block dropped for a peer without the capability.
    column->extended = ExtendedMetadata(std::span(&test.item, 1));
    Buffer out;
    Writer writer(out);
    column->encode(writer, mariadb);
    CHECK(to_hex(out) == to_hex(bytes));
    Buffer plain;
    Writer plain_writer(plain);
    column->encode(plain_writer, {});
    CHECK(plain.size() == bytes.size() - 3 - test.item.text.size());
    CHECK(ColumnDefinition41::decode(plain, {}).has_value());
  }

  // An empty block is one zero byte; two items; a kind that nobody knows yet.
  check_layout<ColumnDefinition41>("03646566000000016100 00 0c3f0001000000088100000000", mariadb);
  const char* two = "03646566000000016100 09 0001780104 6a736f6e 0c3f0001000000088100000000";
  check_layout<ColumnDefinition41>(two, mariadb);
  check_layout<ColumnDefinition41>("03646566000000016100 02 0900 0c3f0001000000088100000000",
                                   mariadb);
  const auto bytes = hex(two);
  const auto column = ColumnDefinition41::decode(bytes, mariadb);
  std::string seen;
  for (const auto& item : column->extended) {
    seen += std::to_string(item.kind) + "=";
    seen += item.text;
    seen += ' ';
  }
  CHECK(seen == "0=x 1=json ");

  // An item that goes on behind its block, and a block behind the payload.
  CHECK(error_of<ColumnDefinition41>("03646566000000016100 01 00 0c3f0001000000088100000000",
                                     mariadb) ==
        "ColumnDefinition41.extended_metadata.text: bad value at offset 12");
  CHECK(error_of<ColumnDefinition41>("03646566000000016100 02 0001 0c3f0001000000088100000000",
                                     mariadb) ==
        "ColumnDefinition41.extended_metadata.text: bad value at offset 12");
  CHECK(error_of<ColumnDefinition41>("03646566000000016100 feffffffffffffffff 00", mariadb)
            .find("truncated") != std::string::npos);
}

TEST_CASE("odd fixed blocks of a column definition", "[column]") {
  CHECK(error_of<ColumnDefinition41>("036465660000000161000b3f0001000000088100000000") ==
        "ColumnDefinition41.length: bad value at offset 10");
  Notes notes;
  Context context;
  context.notes = &notes;
  const auto longer = hex("036465660000000161000e3f0001000000088100000000aabb");
  const auto column = ColumnDefinition41::decode(longer, context);
  REQUIRE(column.has_value());
  CHECK(column->type == FieldType::longlong);
  CHECK(notes.total() == 1);
  CHECK(error_of<ColumnDefinition41>("036465660000000161000e3f0001000000088100000000aa") ==
        "ColumnDefinition41.length: truncated at offset 23");

  notes.clear();
  const auto filler = hex("036465660000000161000c3f0001000000088100000001");
  CHECK(ColumnDefinition41::decode(filler, context).has_value());
  CHECK(notes.total() == 1);
  context.strict = true;
  CHECK_FALSE(ColumnDefinition41::decode(filler, context).has_value());
}

TEST_CASE("column definitions before 4.1", "[column]") {
  const Context long_flag = with(Capability::long_flag);
  const auto field_list = [](Bytes payload, const Context& context) {
    return ColumnDefinition320::decode(payload, context, DefinitionSource::field_list);
  };
  check_layout<ColumnDefinition320>("0174 026964 030b0000 0103 020300", {});
  check_layout<ColumnDefinition320>("0174 026964 030b0000 0103 03034200", long_flag);
  check_layout("0174 026964 030b0000 0103 03034200 0137", long_flag, field_list);
  check_layout("0174 026964 030b0000 0103 020300 fb", Context{}, field_list);

  const auto bytes = hex("0174 026964 030b0000 0103 03214205");
  const auto column = ColumnDefinition320::decode(bytes, long_flag);
  REQUIRE(column.has_value());
  CHECK(column->table == "t");
  CHECK(column->column_name == "id");
  CHECK(column->column_length == 11);
  CHECK(column->flags.bits() == 0x4221);
  CHECK(column->decimals == 5);
  CHECK(value_type(*column) == ValueType{FieldType::long_, true});
  CHECK(error_of<ColumnDefinition320>("0174 026964 030b0000 0103 03214205") ==
        "ColumnDefinition320.flags: bad value at offset 11");
  CHECK(error_of<ColumnDefinition320>("0174 026964 040b000000 0103 020305") ==
        "ColumnDefinition320.column_length: bad value at offset 5");

  Buffer out;
  Writer writer(out);
  column->encode(writer, {});  // 0x4221 has no room in one byte
  CHECK(writer.error().code == errc::too_long);
}
