#include <mysqlwire/wire/message.hpp>
#include <mysqlwire/wire/query.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>
#include <support/layout.hpp>

#include <string>
#include <vector>

using namespace mysqlwire;
using mysqlwire::test::check_layout;
using mysqlwire::test::Ending;
using mysqlwire::test::hex;
using mysqlwire::test::to_hex;
using namespace std::string_view_literals;

static_assert(Message<ComQuery> && Message<LocalInfileRequest>);

namespace {

Context query_attributes() {
  Context context;
  context.capabilities = Capability::query_attributes;
  return context;
}

std::string error_of(const char* digits) {
  const auto bytes = hex(digits);
  const auto query = ComQuery::decode(bytes, query_attributes());
  return query ? "" : to_string(query.error());
}

}  // namespace

TEST_CASE("E8: a query without attributes", "[query]") {
  const char* digits = "0373656c656374203120617320612c206e756c6c20617320622c202778272061732063";
  check_layout<ComQuery>(digits, {}, Ending::rest, 1);
  const auto bytes = hex(digits);
  CHECK(ComQuery::decode(bytes, {})->query == "select 1 as a, null as b, 'x' as c");
  const auto empty = hex("03");
  CHECK(ComQuery::decode(empty, {})->query.empty());
  CHECK(*ComQuery::decode_text(bytes, {}) == "select 1 as a, null as b, 'x' as c");
  CHECK(ComQuery::decode_text(empty, {})->empty());
  const auto other = hex("1673");
  CHECK(to_string(ComQuery::decode_text(other, {}).error()) ==
        to_string(ComQuery::decode(other, {}).error()));
  CHECK_FALSE(ComQuery::decode_text({}, {}));
  CHECK(to_string(ComQuery::decode(other, {}).error()) ==
        "COM_QUERY.command: bad value at offset 0");
}

TEST_CASE("queries with CLIENT_QUERY_ATTRIBUTES", "[query]") {
  const Context context = query_attributes();
  check_layout<ComQuery>("03000153454c4543542031", context, Ending::rest, 3);
  const auto plain = hex("03000153454c4543542031");
  CHECK(ComQuery::decode(plain, context)->query == "SELECT 1");
  CHECK(*ComQuery::decode_text(plain, context) == "SELECT 1");
  CHECK(ComQuery::decode(plain, context)->attributes.empty());

  // a = '1', b = NULL, c = unsigned 7
  const char* digits =
      "03 03 01 02 01 fe00 0161 fd00 0162 0380 0163 0131 07000000 53454c4543542031";
  check_layout<ComQuery>(digits, context, Ending::rest, 23);
  const auto bytes = hex(digits);
  const auto query = ComQuery::decode(bytes, context);
  REQUIRE(query.has_value());
  CHECK(query->query == "SELECT 1");
  const std::vector<Parameter> expected{{{FieldType::string}, "a", "1"sv},
                                        {{FieldType::var_string}, "b", Value{}},
                                        {{FieldType::long_, true}, "c", std::uint64_t{7}}};
  std::vector<Parameter> seen;
  for (const auto& attribute : query->attributes) seen.push_back(attribute);
  CHECK((seen == expected));

  Buffer out;
  Writer writer(out);
  ComQuery{"SELECT 1", ParameterList(expected)}.encode(writer, context);
  CHECK(to_hex(out) == to_hex(bytes));
  out.clear();
  Writer without(out);
  query->encode(without, {});
  CHECK(to_hex(out) == "0353454c4543542031");
}

TEST_CASE("malformed query attributes", "[query]") {
  CHECK(error_of("03 00 00 53") == "COM_QUERY.parameter_set_count: bad value at offset 2");
  CHECK(error_of("03 00 02 53") == "COM_QUERY.parameter_set_count: bad value at offset 2");
  CHECK(error_of("03 fd000001 01") == "COM_QUERY.parameter_count: limit exceeded at offset 1");
  CHECK(error_of("03 feffffffffffffffff 01") ==
        "COM_QUERY.parameter_count: limit exceeded at offset 1");
  CHECK(error_of("03 fcffff 01 00") == "COM_QUERY.null_bitmap: truncated at offset 5");
  CHECK(error_of("03 01 01 00 00 fe00 0161 0131 53") ==
        "COM_QUERY.parameter_types: missing at offset 4");
  CHECK(error_of("03 01 01 00 02 fe00 0161 0131 53") ==
        "COM_QUERY.new_params_bind_flag: bad value at offset 4");
  CHECK(error_of("03 01 01 00 01 0e00 0161 0131 53") ==
        "COM_QUERY.parameter_type: bad value at offset 5");
  CHECK(error_of("03 01 01 00 01 fe00 0561 0131 53") ==
        "COM_QUERY.parameter_name: truncated at offset 7");
  CHECK(error_of("03 01 01 00 01 fe00 0161 0531 53") ==
        "COM_QUERY.parameter_value: truncated at offset 9");
}

TEST_CASE("E15: the request for a local file", "[query]") {
  check_layout<LocalInfileRequest>("fb2f782e637376", {}, Ending::rest, 1);
  const auto bytes = hex("fb2f782e637376");
  CHECK(LocalInfileRequest::decode(bytes, {})->filename == "/x.csv");
  const auto other = hex("fa2f");
  CHECK(LocalInfileRequest::decode(other, {}).error().code == errc::bad_value);
}
