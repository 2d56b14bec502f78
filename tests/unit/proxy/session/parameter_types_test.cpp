#include "proxy/session/parameter_types.hpp"

#include <mysqlwire/wire/stmt.hpp>
#include <mysqlwire/wire/stmt_bulk.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <catch2/catch.hpp>

using namespace mysqlproxy;
using mysqlwire::Buffer;
using mysqlwire::Bytes;
using mysqlwire::Capability;
using mysqlwire::FieldType;
using mysqlwire::ValueType;

namespace {

const std::vector<ValueType> two = {{FieldType::long_, true}, {FieldType::var_string, false}};
constexpr std::uint8_t value_of_long[] = {7, 0, 0, 0};

mysqlwire::Context context(bool attributes = false) {
  mysqlwire::Context context;
  context.capabilities = {Capability::protocol_41};
  if (attributes) context.capabilities.set(Capability::query_attributes);
  return context;
}

/// COM_STMT_EXECUTE of statement 1 with 7 and NULL: `middle` stands from the flags to the values.
Buffer execute(std::initializer_list<int> middle) {
  Buffer out = {0x17, 1, 0, 0, 0};
  for (const int byte : middle) out.push_back(static_cast<std::uint8_t>(byte));
  out.insert(out.end(), std::begin(value_of_long), std::end(value_of_long));
  return out;
}

const Buffer bare = execute({0, 1, 0, 0, 0, 2, 0});
const Buffer typed = execute({0, 1, 0, 0, 0, 2, 1, 3, 0x80, 0xFD, 0});
const Buffer named = execute({0, 1, 0, 0, 0, 2, 1, 3, 0x80, 0, 0xFD, 0, 0});

}  // namespace

TEST_CASE("types are put into a COM_STMT_EXECUTE that leaves them out", "[types]") {
  CHECK(with_types(bare, context(), two) == typed);
  CHECK(with_types(bare, context(true), two) == named);
  CHECK(sent_types(typed, context(), 2) == two);
  CHECK(sent_types(named, context(true), 2) == two);
  const auto made = with_types(bare, context(), two);
  const auto read = mysqlwire::ComStmtExecute::decode(*made, context(), {.parameter_count = 2});
  REQUIRE(read);
  CHECK(read->new_params_bind_flag);
  CHECK(read->parameters.begin()->type == two[0]);
}

TEST_CASE("types that are there are left alone", "[types]") {
  CHECK_FALSE(with_types(typed, context(), two));
  CHECK(types_place(typed, context(), 2)->sent);
  CHECK_FALSE(types_place(bare, context(), 2)->sent);
  CHECK_FALSE(sent_types(bare, context(), 2));
}

TEST_CASE("query attributes count among the parameters", "[types]") {
  // parameter_count is 3: the third is an attribute, named "a".
  const Buffer three = execute({8, 1, 0, 0, 0, 3, 6, 1, 3, 0x80, 0, 0xFD, 0, 0, 6, 0, 1, 'a'});
  CHECK(types_place(three, context(true), 2)->parameters == 3);
  CHECK(sent_types(three, context(true), 2) == two);
  // Of the third nobody knows the type.
  CHECK_FALSE(with_types(execute({8, 1, 0, 0, 0, 3, 6, 0}), context(true), two));
  // The server would not know what to make of the rest either.
  CHECK_FALSE(types_place(execute({8, 1, 0, 0, 0, 0xFF}), context(true), 2));
}

TEST_CASE("types of a COM_STMT_BULK_EXECUTE stand behind its flags", "[types]") {
  const Buffer rows = {0, 7, 0, 0, 0, 1};  // 7, NULL
  Buffer without = {0xFA, 1, 0, 0, 0, 64, 0};
  Buffer with = {0xFA, 1, 0, 0, 0, 64 | 128, 0, 3, 0x80, 0xFD, 0};
  without.insert(without.end(), rows.begin(), rows.end());
  with.insert(with.end(), rows.begin(), rows.end());
  CHECK(with_types(without, context(true), two) == with);
  CHECK(sent_types(with, context(true), 2) == two);
  CHECK_FALSE(sent_types(without, context(true), 2));
  CHECK(mysqlwire::ComStmtBulkExecute::decode(with, context(), {.parameter_count = 2}));
}

TEST_CASE("the beginning of a command suffices, up to the end of its types", "[types]") {
  for (const auto& [whole, types_end] : {std::pair(typed, 16), std::pair(bare, 12)}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      INFO(size);
      const auto beginning = Bytes(whole).first(size);
      const auto place = types_place(beginning, context(), 2);
      CHECK(place.has_value() == (size >= 12));
      CHECK(sent_types(beginning, context(), 2).has_value() ==
            (whole == typed && size >= static_cast<std::size_t>(types_end)));
    }
  }
  const Buffer bulk = {0xFA, 1, 0, 0, 0, 128, 0, 3, 0x80, 0xFD, 0};
  for (std::size_t size = 0; size < bulk.size(); ++size) {
    CHECK(types_place(Bytes(bulk).first(size), context(), 2).has_value() == (size >= 7));
    CHECK_FALSE(sent_types(Bytes(bulk).first(size), context(), 2));
  }
}

TEST_CASE("other commands have no types", "[types]") {
  CHECK_FALSE(types_place({}, context(), 2));
  const Buffer close = {0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  CHECK_FALSE(types_place(close, context(), 2));
  // A type that no value has.
  CHECK_FALSE(sent_types(execute({0, 1, 0, 0, 0, 2, 1, 0x60, 0, 0xFD, 0}), context(), 2));
}
