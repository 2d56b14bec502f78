#include <mysqlwire/capture/expand.hpp>
#include <mysqlwire/capture/utf8.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>

#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::capture;
using namespace mysqlwire::test;
using namespace std::string_view_literals;

namespace {

std::string expanded(std::string_view query, const std::vector<Parameter>& parameters,
                     const sql::Dialect& dialect = {}) {
  ComStmtExecute execute;
  execute.parameter_count = parameters.size();
  execute.parameters = ParameterList(std::span<const Parameter>(parameters));
  std::string out;
  expand(query, execute, dialect, out);
  return out;
}

Parameter parameter(FieldType type, Value value) {
  Parameter result;
  result.type.type = type;
  result.value = value;
  return result;
}

}  // namespace

TEST_CASE("parameters are put in as literals") {
  const std::vector<Parameter> three{parameter(FieldType::longlong, std::int64_t{-5}),
                                     parameter(FieldType::var_string, "it's\n\\"sv),
                                     parameter(FieldType::null, Value())};
  CHECK(expanded("SELECT ?, ?,?", three) == "SELECT -5, 'it\\'s\\n\\\\',NULL");
  CHECK(expanded("?", {parameter(FieldType::blob, "\xff\x00"sv)}) == "x'ff00'");
  CHECK(expanded("?", {parameter(FieldType::date, Date{2024, 2, 29})}) == "'2024-02-29'");
  CHECK(expanded("?", {parameter(FieldType::newdecimal, "1.50"sv)}) == "1.50");
}

TEST_CASE("question marks that are no placeholders stay") {
  const std::vector<Parameter> one{parameter(FieldType::tiny, std::int64_t{1})};
  CHECK(expanded("'?' \"?\" `?` ?", one) == "'?' \"?\" `?` 1");
  CHECK(expanded("/* ? */ ?", one) == "/* ? */ 1");
  CHECK(expanded("-- ?\n?", one) == "-- ?\n1");
  CHECK(expanded("# ?\n?", one) == "# ?\n1");
  CHECK(expanded("'a\\'?' ?", one) == "'a\\'?' 1");
  CHECK(expanded("1--?", one) == "1--1");
  CHECK(expanded("? ?", one) == "1 ?");
  CHECK(expanded("'?", one) == "'?");
}

TEST_CASE("placeholders are found and text is quoted as the session does it") {
  sql::Dialect dialect;
  dialect.no_backslash_escapes = true;
  const std::vector<Parameter> two{parameter(FieldType::var_string, "it's \\"sv),
                                   parameter(FieldType::tiny, std::int64_t{1})};
  CHECK(expanded("'\\' ? ?", two, dialect) == "'\\' 'it''s \\' 1");
  dialect = {};
  dialect.multibyte = sql::Multibyte::gbk;
  CHECK(expanded("'\x95\\' ?", {parameter(FieldType::tiny, std::int64_t{1})}, dialect) ==
        "'\x95\\' 1");
}

TEST_CASE("placeholders are counted") {
  CHECK(count_placeholders("", {}) == 0);
  CHECK(count_placeholders("INSERT INTO t VALUES (?, '?', ?) -- ?", {}) == 2);
}

TEST_CASE("UTF-8 is told from other bytes") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("plain text, and more of it"));
  CHECK(is_utf8("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"));
  CHECK_FALSE(is_utf8("\xff"));
  CHECK_FALSE(is_utf8("\xc0\x80"));          // overlong
  CHECK_FALSE(is_utf8("\xed\xa0\x80"));      // a surrogate
  CHECK_FALSE(is_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  CHECK_FALSE(is_utf8("1234567\xe2\x82"));   // cut
  CHECK(utf8_length("\xe2\x82\xac") == 3);
}
