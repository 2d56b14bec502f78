#include <mysqlwire/wire/message.hpp>
#include <mysqlwire/wire/stmt.hpp>
#include <mysqlwire/wire/stmt_bulk.hpp>

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

static_assert(Message<ComStmtPrepare> && Message<StmtPrepareOk> && Message<ComStmtSendLongData> &&
              Message<ComStmtClose> && Message<ComStmtReset> && Message<ComStmtFetch>);

namespace {

Context with(Capabilities capabilities) {
  Context context;
  context.capabilities = capabilities;
  return context;
}

const Context attributes = with(Capability::query_attributes);

/// Decodes an execute or a bulk execute of that statement.
template <class M>
auto of(StatementInfo statement) {
  return [statement](Bytes payload, const Context& context) {
    return M::decode(payload, context, statement);
  };
}

template <class M>
std::string encoded(const M& message, const Context& context = {}) {
  Buffer out;
  Writer writer(out, M::name.data());
  message.encode(writer, context);
  return writer.ok() ? to_hex(out) : to_string(writer.error());
}

template <class M>
std::string error_of(const char* digits, const Context& context = {},
                     const StatementInfo& statement = {}) {
  const auto bytes = hex(digits);
  const auto message = M::decode(bytes, context, statement);
  return message ? "" : to_string(message.error());
}

std::vector<Parameter> all(const ParameterList& list) {
  std::vector<Parameter> parameters;
  for (const auto& parameter : list) parameters.push_back(parameter);
  return parameters;
}

// E11: int64 -2, NULL, uint32 3; then again with -3, NULL, 2 and no types.
constexpr const char* e11_first = "1701000000000100000002010800fd000380feffffffffffffff03000000";
constexpr const char* e11_again = "170100000000010000000200fdffffffffffffff02000000";
const std::vector<ValueType> e11_types{
    {FieldType::longlong}, {FieldType::var_string}, {FieldType::long_, true}};

}  // namespace

TEST_CASE("E11: COM_STMT_PREPARE and its answer", "[stmt]") {
  check_layout<ComStmtPrepare>(
      "1673656c656374203f20617320612c203f20617320622c2069642c20762066726f6d207432207768657265206964"
      "3c3f",
      {}, Ending::rest, 1);
  Context strict;
  strict.strict = true;  // else the ten bytes without a warning count are taken too
  check_layout<StmtPrepareOk>("000100000004000300001234", strict, Ending::rest, 12);
  const auto bytes = hex("000100000004000300001234");
  const auto ok = StmtPrepareOk::decode(bytes, {});
  REQUIRE(ok.has_value());
  CHECK(*ok == StmtPrepareOk{1, 4, 3, 0x3412, ResultsetMetadata::full});
}

TEST_CASE("the answer to COM_STMT_PREPARE: old, with metadata_follows, bad", "[stmt]") {
  const Context optional = with(Capability::optional_resultset_metadata);
  const auto without = hex("00010000000400030000000000");
  CHECK(StmtPrepareOk::decode(without, optional)->metadata_follows == ResultsetMetadata::none);
  const auto full = hex("00010000000400030000000001");
  CHECK(StmtPrepareOk::decode(full, optional)->metadata_follows == ResultsetMetadata::full);
  CHECK(encoded(*StmtPrepareOk::decode(without, optional), optional) ==
        "00010000000400030000000000");

  Notes notes;
  Context context;
  context.notes = &notes;
  const auto old = hex("00010000000400030000");
  REQUIRE(StmtPrepareOk::decode(old, context).has_value());
  CHECK(notes.begin()->code == errc::missing_field);
  context.strict = true;
  CHECK(StmtPrepareOk::decode(old, context).error().code == errc::missing_field);

  const auto bad = hex("00010000000400030000000002");
  CHECK(to_string(StmtPrepareOk::decode(bad, optional).error()) ==
        "COM_STMT_PREPARE_OK.metadata_follows: bad value at offset 12");
  // MySQL 8 always sends the byte, and clients also take a packet without it.
  notes.clear();
  context.strict = false;
  context.capabilities = Capability::optional_resultset_metadata;
  const auto absent = hex("000100000004000300000000");
  REQUIRE(StmtPrepareOk::decode(absent, context).has_value());
  CHECK(StmtPrepareOk::decode(absent, context)->metadata_follows == ResultsetMetadata::full);
  CHECK(notes.begin()->field == "metadata_follows"sv);
  context.strict = true;
  CHECK(StmtPrepareOk::decode(absent, context).error().code == errc::missing_field);
  const auto err = hex("ff0100000004000300000000");
  CHECK(to_string(StmtPrepareOk::decode(err, {}).error()) ==
        "COM_STMT_PREPARE_OK.status: bad value at offset 0");
}

TEST_CASE("E11: execute with types and a NULL, and again without types", "[stmt]") {
  const StatementInfo first{.parameter_count = 3};
  check_layout(e11_first, Context{}, of<ComStmtExecute>(first));
  const auto bytes = hex(e11_first);
  const auto execute = ComStmtExecute::decode(bytes, {}, first);
  REQUIRE(execute.has_value());
  CHECK(execute->statement_id == 1);
  CHECK(execute->flags.empty());
  CHECK(execute->iteration_count == 1);
  CHECK(execute->new_params_bind_flag);
  CHECK(execute->parameter_count == 3);
  const std::vector<Parameter> expected{{e11_types[0], "", std::int64_t{-2}},
                                        {e11_types[1], "", Value{}},
                                        {e11_types[2], "", std::uint64_t{3}}};
  CHECK((all(execute->parameters) == expected));

  const StatementInfo remembered{.parameter_count = 3, .types = e11_types};
  check_layout(e11_again, Context{}, of<ComStmtExecute>(remembered));
  const auto again_bytes = hex(e11_again);
  auto again = ComStmtExecute::decode(again_bytes, {}, remembered);
  REQUIRE(again.has_value());
  CHECK_FALSE(again->new_params_bind_flag);
  CHECK((all(again->parameters)[0].value == Value{std::int64_t{-3}}));
  CHECK((all(again->parameters)[2] == Parameter{e11_types[2], "", std::uint64_t{2}}));

  // To another server connection, which knows no types yet.
  again->statement_id = 9;
  again->new_params_bind_flag = true;
  CHECK(encoded(*again) == "1709000000000100000002010800fd000380fdffffffffffffff02000000");
  CHECK(error_of<ComStmtExecute>(e11_again, {}, first) ==
        "COM_STMT_EXECUTE.parameter_types: missing at offset 11");
}

TEST_CASE("an execute made of typed parameters", "[stmt]") {
  const std::vector<Parameter> parameters{{e11_types[0], "", std::int64_t{-2}},
                                          {e11_types[1], "", Value{}},
                                          {e11_types[2], "", std::uint64_t{3}}};
  ComStmtExecute execute{
      .statement_id = 1, .parameter_count = 3, .parameters = ParameterList(parameters)};
  CHECK(encoded(execute) == e11_first);
  CHECK((all(execute.parameters) == parameters));
  CHECK_FALSE(execute.parameters.begin().wire_value().has_value());

  execute.parameter_count = 4;
  CHECK(encoded(execute).find("parameters: missing") != std::string::npos);
  const std::vector<Parameter> bad{{{FieldType::tiny}, "", std::int64_t{300}}};
  CHECK(encoded(ComStmtExecute{.parameter_count = 1, .parameters = ParameterList(bad)})
            .find("parameter_value: too long") != std::string::npos);
  const std::vector<Parameter> unknown{{{static_cast<FieldType>(0x11)}, "", Value{}}};
  CHECK(encoded(ComStmtExecute{.parameter_count = 1, .parameters = ParameterList(unknown)})
            .find("parameter_type: bad value") != std::string::npos);
}

TEST_CASE("E16 and E17: a CALL and a cursor", "[stmt]") {
  check_layout("17010000000001000000020103000300fd0007000000026869", Context{},
               of<ComStmtExecute>({.parameter_count = 3}));
  check_layout("17010000000101000000", Context{}, of<ComStmtExecute>({}));
  const auto bytes = hex("17010000000101000000");
  const auto execute = ComStmtExecute::decode(bytes, {});
  CHECK(execute->flags.has(ExecuteFlag::cursor_type_read_only));
  CHECK(execute->parameters.empty());
  check_layout<ComStmtFetch>("1c0100000001000000", {});
  const auto fetch = hex("1c0100000005000000");
  CHECK(*ComStmtFetch::decode(fetch, {}) == ComStmtFetch{1, 5});
}

TEST_CASE("long data has no bytes in the execute", "[stmt]") {
  const std::uint8_t sent[] = {0b010};
  const StatementInfo statement{.parameter_count = 3, .types = e11_types, .long_data = sent};
  const char* digits = "170100000000010000000001 0800 fc00 0380 feffffffffffffff 03000000";
  check_layout(digits, Context{}, of<ComStmtExecute>(statement));
  const auto bytes = hex(digits);
  const auto execute = ComStmtExecute::decode(bytes, {}, statement);
  REQUIRE(execute.has_value());
  const auto parameters = all(execute->parameters);
  CHECK(parameters[1].long_data);
  CHECK(is_null(parameters[1].value));
  CHECK_FALSE(parameters[0].long_data);
  CHECK(encoded(ComStmtExecute{
            .statement_id = 1, .parameter_count = 3, .parameters = ParameterList(parameters)}) ==
        to_hex(bytes));
}

TEST_CASE("query attributes of an execute", "[stmt]") {
  // One placeholder (INT 5) and the attribute trace='ab'.
  const char* digits =
      "17 01000000 08 01000000 02 00 01 0300 00 fe00 05 7472616365 05000000 026162";
  const StatementInfo one{.parameter_count = 1};
  check_layout(digits, attributes, of<ComStmtExecute>(one));
  const auto bytes = hex(digits);
  const auto execute = ComStmtExecute::decode(bytes, attributes, one);
  REQUIRE(execute.has_value());
  CHECK(execute->flags.has(ExecuteFlag::parameter_count_available));
  CHECK(execute->parameter_count == 1);
  const auto parameters = all(execute->parameters);
  REQUIRE(parameters.size() == 2);
  CHECK((parameters[0] == Parameter{{FieldType::long_}, "", std::int64_t{5}}));
  CHECK((parameters[1] == Parameter{{FieldType::string}, "trace", "ab"sv}));

  // A server connection without the capability gets the placeholder only.
  CHECK(encoded(*execute) == to_hex(hex("17 01000000 08 01000000 00 01 0300 05000000")));

  // No placeholder and no attribute: the count alone, and only with the flag.
  check_layout("17 01000000 08 01000000 00", attributes, of<ComStmtExecute>({}));
  check_layout("17 01000000 00 01000000", attributes, of<ComStmtExecute>({}));
  check_layout("17 01000000 08 01000000", Context{}, of<ComStmtExecute>({}));
  // Only an attribute.
  check_layout("17 01000000 08 01000000 01 00 01 fe00 0161 0162", attributes,
               of<ComStmtExecute>({}));
  // A placeholder without the flag: count and names are there all the same.
  check_layout("17 01000000 00 01000000 01 00 01 0100 00 05", attributes, of<ComStmtExecute>(one));

  CHECK(error_of<ComStmtExecute>("17 01000000 08 01000000 00", attributes, one) ==
        "COM_STMT_EXECUTE.parameter_count: bad value at offset 10");
  CHECK(error_of<ComStmtExecute>("17 01000000 08 01000000 fd000001", attributes, one) ==
        "COM_STMT_EXECUTE.parameter_count: limit exceeded at offset 10");
  CHECK(error_of<ComStmtExecute>("17 01000000 08 01000000 feffffffffffffffff", attributes, one) ==
        "COM_STMT_EXECUTE.parameter_count: limit exceeded at offset 10");

  ComStmtExecute lost = *execute;
  lost.flags = {};
  lost.parameter_count = 0;
  CHECK(encoded(lost, attributes).find("flags: bad value") != std::string::npos);
}

TEST_CASE("malformed executes", "[stmt]") {
  const StatementInfo one{.parameter_count = 1};
  const std::string head = "17 01000000 00 01000000 ";
  const auto error = [&](const char* tail) {
    return error_of<ComStmtExecute>((head + tail).c_str(), {}, one);
  };
  CHECK(error("00 02 0300 05000000") ==
        "COM_STMT_EXECUTE.new_params_bind_flag: bad value at offset 11");
  CHECK(error("00 01 1100 05000000") == "COM_STMT_EXECUTE.parameter_type: bad value at offset 12");
  CHECK(error("00 01 0a00 05 0000000000") ==
        "COM_STMT_EXECUTE.parameter_value: bad value at offset 14");
  CHECK(error("00 01 fe00 fb") == "COM_STMT_EXECUTE.parameter_value: bad value at offset 14");
  CHECK(error("00 01 fe00 ff") == "COM_STMT_EXECUTE.parameter_value: bad value at offset 14");
  CHECK(error("00 01 fe00 05 6161") == "COM_STMT_EXECUTE.parameter_value: truncated at offset 14");
  CHECK(error("00 01 fe00 feffffffffffffffff 61") ==
        "COM_STMT_EXECUTE.parameter_value: truncated at offset 14");
  CHECK(error_of<ComStmtExecute>("16 01000000 00 01000000") ==
        "COM_STMT_EXECUTE.command: bad value at offset 0");
  // Many parameters announced, hardly any bytes.
  CHECK(error_of<ComStmtExecute>("17 01000000 00 01000000 00 01", {}, {.parameter_count = 65535}) ==
        "COM_STMT_EXECUTE.null_bitmap: truncated at offset 10");
  CHECK(error_of<ComStmtExecute>("17 01000000 00 01000000 00 01", {},
                                 {.parameter_count = ~std::uint64_t{0}}) ==
        "COM_STMT_EXECUTE.parameter_count: limit exceeded at offset 10");
  CHECK(error_of<ComStmtExecute>("17 01000000 00 01000000 0000 01 0300", {},
                                 {.parameter_count = 9}) ==
        "COM_STMT_EXECUTE.parameter_types: truncated at offset 13");

  // Unknown flag bits and NULL bits without a parameter are let through, with a note for the first.
  Notes notes;
  Context context;
  context.notes = &notes;
  const auto flags = hex("17 01000000 00 01000000 fe 01 0340 05000000");
  CHECK(ComStmtExecute::decode(flags, context, one).has_value());
  CHECK(notes.total() == 1);
}

TEST_CASE("types that servers read differently are noted", "[stmt]") {
  for (const char* digits :
       {"17 01000000 00 01000000 00 01 0900 05000000", "17 01000000 00 01000000 00 01 0d00 ea07",
        "17 01000000 00 01000000 00 01 1000 0101", "17 01000000 00 01000000 00 01 ff00 0101"}) {
    INFO(digits);
    Notes notes;
    Context context;
    context.notes = &notes;
    const auto bytes = hex(digits);
    CHECK(ComStmtExecute::decode(bytes, context, {.parameter_count = 1}).has_value());
    REQUIRE(notes.total() == 1);
    CHECK(notes.begin()->code == errc::unsupported);
    context.strict = true;
    CHECK(ComStmtExecute::decode(bytes, context, {.parameter_count = 1}).error().code ==
          errc::unsupported);
  }
}

TEST_CASE("received values are sent on byte by byte", "[stmt]") {
  // A DATETIME with a fraction of zero and a string with a wide length: neither is the short form.
  const char* digits =
      "17 01000000 00 01000000 00 01 0c00 fe00 0b ea070b14 000000 00000000 fc0100 61";
  check_layout(digits, Context{}, of<ComStmtExecute>({.parameter_count = 2}));
  const auto bytes = hex(digits);
  const auto execute = ComStmtExecute::decode(bytes, {}, {.parameter_count = 2});
  auto it = execute->parameters.begin();
  CHECK((it->value == Value{DateTime{2026, 11, 20}}));
  CHECK(to_hex(*it.wire_value()) == "0bea070b1400000000000000");
  ++it;
  CHECK((it->value == Value{"a"sv}));
  it++;
  CHECK(it == execute->parameters.end());
}

TEST_CASE("the commands that name a statement", "[stmt]") {
  check_layout<ComStmtClose>("1904030201", {});
  check_layout<ComStmtReset>("1a04030201", {});
  check_layout<ComStmtSendLongData>("18 04030201 0200 616263", {}, Ending::rest, 7);
  const auto close = hex("1904030201");
  CHECK(ComStmtClose::decode(close, {})->statement_id == 0x01020304);
  CHECK(*read_statement_id(close, {}) == 0x01020304);
  CHECK(ComStmtReset::decode(close, {}).error().code == errc::bad_value);
  const auto data = hex("18040302010200");
  CHECK(*ComStmtSendLongData::decode(data, {}) == ComStmtSendLongData{0x01020304, 2, ""});
  // The short COM_STMT_FETCH that MariaDB reads past its end.
  const auto fetch = hex("1c01");
  CHECK(ComStmtFetch::decode(fetch, {}).error().code == errc::truncated);
  CHECK(read_statement_id(fetch, {}).error().code == errc::truncated);
}

TEST_CASE("E19: bulk execute", "[stmt]") {
  const char* digits = "fa0200000080000300fd0000010000000001780002000000010200017a";
  const StatementInfo two{.parameter_count = 2};
  check_layout(digits, Context{}, of<ComStmtBulkExecute>(two), Ending::items, 11);
  const auto bytes = hex(digits);
  const auto bulk = ComStmtBulkExecute::decode(bytes, {}, two);
  REQUIRE(bulk.has_value());
  CHECK(bulk->statement_id == 2);
  CHECK(bulk->flags == BulkFlags(BulkFlag::send_types_to_server));
  CHECK(bulk->rows.column_count() == 2);
  const std::vector<ValueType> types{{FieldType::long_}, {FieldType::var_string}};
  const std::vector<BulkParameter> expected{
      {BulkIndicator::none, std::int64_t{1}}, {BulkIndicator::none, "x"sv},
      {BulkIndicator::none, std::int64_t{2}}, {BulkIndicator::null, Value{}},
      {BulkIndicator::default_, Value{}},     {BulkIndicator::none, "z"sv}};
  std::vector<BulkParameter> seen;
  std::size_t index = 0;
  for (auto it = bulk->rows.begin(); it != bulk->rows.end(); ++it) {
    CHECK(it.type() == types[index++ % 2]);
    seen.push_back(*it);
  }
  CHECK((seen == expected));

  // Only whole rows, which end at 11 (none), 19 and 25.
  for (std::size_t size = 11; size < bytes.size(); ++size) {
    const test::ExactBytes prefix(bytes.get().first(size));
    CHECK(ComStmtBulkExecute::decode(prefix, {}, two).has_value() ==
          (size == 11 || size == 19 || size == 25));
  }

  ComStmtBulkExecute made{2, BulkFlag::send_types_to_server, BulkRows(types, expected)};
  CHECK(encoded(made) == digits);

  // Without types on the wire the remembered ones count.
  const char* untyped = "fa020000000000 00 01000000 01";
  const StatementInfo remembered{.parameter_count = 2, .types = types};
  check_layout(untyped, Context{}, of<ComStmtBulkExecute>(remembered), Ending::items, 7);
  CHECK(error_of<ComStmtBulkExecute>(untyped, {}, two) ==
        "COM_STMT_BULK_EXECUTE.parameter_types: missing at offset 5");
  const auto untyped_bytes = hex(untyped);
  auto typed = ComStmtBulkExecute::decode(untyped_bytes, {}, remembered);
  typed->flags.set(BulkFlag::send_types_to_server);
  CHECK(encoded(*typed) == to_hex(hex("fa020000008000 0300 fd00 00 01000000 01")));
}

TEST_CASE("malformed bulk executes", "[stmt]") {
  const StatementInfo two{.parameter_count = 2};
  CHECK(error_of<ComStmtBulkExecute>("fa020000008000") ==
        "COM_STMT_BULK_EXECUTE.parameter_count: bad value at offset 7");
  CHECK(error_of<ComStmtBulkExecute>("fa020000008000 0300 fd00 00 01000000 04", {}, two) ==
        "COM_STMT_BULK_EXECUTE.indicator: bad value at offset 16");
  CHECK(error_of<ComStmtBulkExecute>("fa020000008000 0300 fd00 00 01000000", {}, two) ==
        "COM_STMT_BULK_EXECUTE.indicator: truncated at offset 16");
  CHECK(error_of<ComStmtBulkExecute>("fa020000008000 0300 fd00 00 010000", {}, two) ==
        "COM_STMT_BULK_EXECUTE.value: truncated at offset 12");
  CHECK(error_of<ComStmtBulkExecute>("fa020000008000 0300 1300", {}, two) ==
        "COM_STMT_BULK_EXECUTE.parameter_type: bad value at offset 9");

  const std::vector<ValueType> types{{FieldType::long_}, {FieldType::long_}};
  const std::vector<BulkParameter> half{{BulkIndicator::null, Value{}}};
  CHECK(encoded(ComStmtBulkExecute{1, {}, BulkRows(types, half)}).find("rows: missing") !=
        std::string::npos);
  const std::vector<BulkParameter> null{{BulkIndicator::none, Value{}},
                                        {BulkIndicator::null, Value{}}};
  CHECK(encoded(ComStmtBulkExecute{1, {}, BulkRows(types, null)}).find("value: bad value") !=
        std::string::npos);
  CHECK(encoded(ComStmtBulkExecute{}).find("rows: missing") != std::string::npos);
}
