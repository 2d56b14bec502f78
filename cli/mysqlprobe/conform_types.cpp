// Every column type, by the text and the binary protocol, and as a parameter.
#include "cli/mysqlprobe/conform.hpp"

#include <mysqlwire/wire/stmt.hpp>

#include <fmt/format.h>

#include <array>

namespace mysqlprobe {

using namespace mysqlwire;

namespace {

struct ColumnCase {
  const char* name;
  const char* type;
  const char* literal;
  const char* text;  ///< as the text protocol has it
  bool is_optional = false;
};

constexpr std::array columns_of{
    ColumnCase{"tinyint", "TINYINT", "-128", "-128"},
    ColumnCase{"tinyint-unsigned", "TINYINT UNSIGNED", "255", "255"},
    ColumnCase{"smallint", "SMALLINT", "-32768", "-32768"},
    ColumnCase{"mediumint", "MEDIUMINT", "-8388608", "-8388608"},
    ColumnCase{"int", "INT", "-2147483648", "-2147483648"},
    ColumnCase{"int-unsigned", "INT UNSIGNED", "4294967295", "4294967295"},
    ColumnCase{"bigint", "BIGINT", "-9223372036854775808", "-9223372036854775808"},
    ColumnCase{"bigint-unsigned", "BIGINT UNSIGNED", "18446744073709551615",
               "18446744073709551615"},
    ColumnCase{"zerofill", "INT(6) ZEROFILL", "42", "000042"},
    ColumnCase{"decimal", "DECIMAL(20,5)", "-12345.67890", "-12345.67890"},
    ColumnCase{"float", "FLOAT", "1.5", "1.5"},
    ColumnCase{"double", "DOUBLE", "-2.25e100", "-2.25e100"},
    ColumnCase{"year", "YEAR", "2026", "2026"},
    ColumnCase{"date", "DATE", "'2026-02-28'", "2026-02-28"},
    ColumnCase{"time", "TIME", "'-838:59:59'", "-838:59:59"},
    ColumnCase{"time-6", "TIME(6)", "'01:02:03.000004'", "01:02:03.000004"},
    ColumnCase{"datetime", "DATETIME", "'2026-01-02 03:04:05'", "2026-01-02 03:04:05"},
    ColumnCase{"datetime-6", "DATETIME(6)", "'2026-01-02 03:04:05.000006'",
               "2026-01-02 03:04:05.000006"},
    ColumnCase{"datetime-midnight", "DATETIME", "'2026-01-02 00:00:00'", "2026-01-02 00:00:00"},
    ColumnCase{"timestamp", "TIMESTAMP NULL", "'2026-01-02 03:04:05'", "2026-01-02 03:04:05"},
    ColumnCase{"char", "CHAR(10)", "'ab'", "ab"},
    ColumnCase{"varchar", "VARCHAR(100)", "'\xc3\xa4\xe2\x82\xac'", "\xc3\xa4\xe2\x82\xac"},
    ColumnCase{"binary", "BINARY(3)", "'a'", nullptr},
    ColumnCase{"varbinary", "VARBINARY(10)", "0x00ff", nullptr},
    ColumnCase{"blob", "BLOB", "'blob'", "blob"},
    ColumnCase{"text", "TEXT", "'text'", "text"},
    ColumnCase{"longtext", "LONGTEXT", "REPEAT('y', 70000)", nullptr},
    ColumnCase{"enum", "ENUM('a','b')", "'b'", "b"},
    ColumnCase{"set", "SET('a','b')", "'a,b'", "a,b"},
    ColumnCase{"bit", "BIT(9)", "b'100000001'", nullptr},
    ColumnCase{"json", "JSON", "'{\"a\": 1}'", "{\"a\": 1}", true},
    ColumnCase{"geometry", "GEOMETRY", "ST_GeomFromText('POINT(1 2)')", nullptr, true},
};

// The same value by both protocols, and NULL.
Outcome column(Bench& bench, const ColumnCase& each) {
  const auto session = bench.open_in_schema();
  session->need("SET NAMES utf8mb4");
  const std::string create =
      fmt::format("CREATE TEMPORARY TABLE mysqlprobe_t (v {}) CHARACTER SET utf8mb4", each.type);
  session->need(create);
  session->need(fmt::format("INSERT INTO mysqlprobe_t VALUES ({})", each.literal));
  const Answer text = session->query("SELECT v FROM mysqlprobe_t");
  const auto text_row = text.row(0);
  const StmtPrepareOk prepared = session->prepare("SELECT v, NULL FROM mysqlprobe_t");
  const Answer binary = session->execute(prepared.statement_id, {});
  const auto binary_row = binary.row(0);
  if (text_row.size() != 1) return fail("text: " + text.text());
  if (binary_row.size() != 2) return fail("binary: " + binary.text());
  if (binary_row[1] != "NULL") return fail("NULL is " + binary_row[1]);
  if (each.text != nullptr && text_row[0] != each.text)
    return fail("text: " + text_row[0].substr(0, 60), text.find(PacketKind::text_row)->payload);
  if (binary_row[0] != text_row[0])
    return fail(
        fmt::format("binary: {}, text: {}", binary_row[0].substr(0, 60), text_row[0].substr(0, 60)),
        binary.find(PacketKind::binary_row)->payload);
  return pass("the same by both protocols");
}

struct ParameterCase {
  const char* name;
  ValueType type;
  Value value;
  const char* sql;  ///< with one ?
  const char* text;
};

const std::vector<ParameterCase>& parameters() {
  static const std::vector<ParameterCase> list{
      {"tiny", {FieldType::tiny, false}, std::int64_t{-5}, "SELECT CAST(? AS CHAR)", "-5"},
      {"tiny-unsigned",
       {FieldType::tiny, true},
       std::uint64_t{250},
       "SELECT CAST(? AS CHAR)",
       "250"},
      {"short",
       {FieldType::short_, false},
       std::int64_t{-30000},
       "SELECT CAST(? AS CHAR)",
       "-30000"},
      {"long",
       {FieldType::long_, false},
       std::int64_t{-2000000000},
       "SELECT CAST(? AS CHAR)",
       "-2000000000"},
      {"longlong",
       {FieldType::longlong, false},
       std::int64_t{-9000000000000000000},
       "SELECT CAST(? AS CHAR)",
       "-9000000000000000000"},
      {"longlong-unsigned",
       {FieldType::longlong, true},
       std::uint64_t{18446744073709551615U},
       "SELECT CAST(? AS UNSIGNED)",
       "18446744073709551615"},
      {"float", {FieldType::float_, false}, 1.5F, "SELECT CAST(? AS DECIMAL(10,2))", "1.50"},
      {"double", {FieldType::double_, false}, -0.125, "SELECT CAST(? AS DECIMAL(10,3))", "-0.125"},
      {"decimal",
       {FieldType::newdecimal, false},
       std::string_view("-12.50"),
       "SELECT CAST(? AS DECIMAL(10,2))",
       "-12.50"},
      {"date", {FieldType::date, false}, Date{2026, 2, 28}, "SELECT CAST(? AS CHAR)", "2026-02-28"},
      {"datetime",
       {FieldType::datetime, false},
       DateTime{2026, 1, 2, 3, 4, 5, 0, {}},
       "SELECT CAST(CAST(? AS DATETIME) AS CHAR)",
       "2026-01-02 03:04:05"},
      {"datetime-6",
       {FieldType::datetime, false},
       DateTime{2026, 1, 2, 3, 4, 5, 6, {}},
       "SELECT CAST(CAST(? AS DATETIME(6)) AS CHAR)",
       "2026-01-02 03:04:05.000006"},
      {"time",
       {FieldType::time, false},
       Time{true, 1, 2, 3, 4, 0},
       "SELECT CAST(CAST(? AS TIME) AS CHAR)",
       "-26:03:04"},
      {"string",
       {FieldType::var_string, false},
       std::string_view("it's \\ \"x\""),
       "SELECT ?",
       "it's \\ \"x\""},
      {"blob", {FieldType::blob, false}, std::string_view("\0\xff", 2), "SELECT HEX(?)", "00FF"},
      {"null", {FieldType::null, false}, Value(), "SELECT ?", "NULL"},
  };
  return list;
}

}  // namespace

void add_type_checks(std::vector<Check>& checks) {
  for (const ColumnCase& each : columns_of)
    checks.push_back({std::string("column.") + each.name, "by the text and the binary protocol",
                      [&each](Bench& bench) { return column(bench, each); }});
  for (const ParameterCase& each : parameters())
    checks.push_back(
        {std::string("parameter.") + each.name, "as a parameter", [&each](Bench& bench) {
           const auto session = bench.open();
           const StmtPrepareOk prepared = session->prepare(each.sql);
           const Parameter parameter{each.type, "", each.value, false};
           return expect_row(session->execute(prepared.statement_id, {&parameter, 1}), {each.text});
         }});
}

}  // namespace mysqlprobe
