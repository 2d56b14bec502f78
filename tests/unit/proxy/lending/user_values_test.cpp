#include "proxy/lending/user_values.hpp"

#include <catch2/catch.hpp>

#include <array>

using namespace mysqlproxy::lending;
using mysqlwire::ColumnFlag;
using mysqlwire::ColumnFlags;
using mysqlwire::FieldType;

namespace {

std::string made(FieldType type, ColumnFlags flags, std::optional<std::string_view> text,
                 std::optional<std::string_view> digits, std::string_view charset,
                 std::string_view collation) {
  const std::array<ReportedValue, user_value_columns> columns = {{
      {type, flags, {}},
      {FieldType::var_string, {}, text},
      {FieldType::var_string, {}, digits},
      {FieldType::var_string, {}, charset},
      {FieldType::var_string, {}, collation},
  }};
  return user_value(columns).value_or("nothing");
}

std::string number(FieldType type, std::string_view text, ColumnFlags flags = {}) {
  return made(type, flags, text, "31", "binary", "binary");
}

}  // namespace

// What MySQL 8.0.15 and MariaDB 10.11 answered for @a; the expressions were found to make variables
// of which CREATE TABLE … SELECT @a made the same columns.
TEST_CASE("User variables are made again with their type") {
  CHECK(number(FieldType::longlong, "-9223372036854775808") == "-9223372036854775808");
  CHECK(number(FieldType::longlong, "18446744073709551615", ColumnFlag::unsigned_) ==
        "CAST(18446744073709551615 AS UNSIGNED)");
  CHECK(number(FieldType::newdecimal, "123456789012345678901234567890.12") ==
        "123456789012345678901234567890.12");
  CHECK(number(FieldType::newdecimal, "-0.003") == "-0.003");
  CHECK(number(FieldType::double_, "0.30000000000000004") == "0.30000000000000004e0");
  CHECK(number(FieldType::double_, "1e300") == "1e300");
  CHECK(number(FieldType::double_, "-0.00000015") == "-0.00000015e0");
  CHECK(made(FieldType::long_blob, {}, "x", "E282AC", "utf8mb4", "utf8mb4_bin") ==
        "_utf8mb4 X'E282AC' COLLATE utf8mb4_bin");
  CHECK(made(FieldType::long_blob, {}, "", "", "latin1", "latin1_swedish_ci") ==
        "_latin1 X'' COLLATE latin1_swedish_ci");
  CHECK(made(FieldType::long_blob, ColumnFlag::binary, "x", "00FF", "binary", "binary") ==
        "_binary X'00FF'");
}

TEST_CASE("NULL has the type of what was there") {
  const auto null = [](FieldType type, ColumnFlags flags, std::string_view charset,
                       std::string_view collation) {
    return made(type, flags, {}, {}, charset, collation);
  };
  CHECK(null(FieldType::long_blob, {}, "binary", "binary") == "NULL");
  CHECK(null(FieldType::longlong, {}, "binary", "binary") == "CAST(NULL AS SIGNED)");
  CHECK(null(FieldType::longlong, ColumnFlag::unsigned_, "binary", "binary") ==
        "CAST(NULL AS UNSIGNED)");
  CHECK(null(FieldType::double_, {}, "binary", "binary") == "0e0 + NULL");
  CHECK(null(FieldType::long_blob, {}, "gbk", "gbk_chinese_ci") ==
        "CONCAT(_gbk X'' COLLATE gbk_chinese_ci, NULL)");
}

TEST_CASE("What is no value is not written into SQL") {
  CHECK(number(FieldType::longlong, "1; DROP TABLE t") == "nothing");
  CHECK(number(FieldType::double_, "inf") == "nothing");
  CHECK(number(FieldType::double_, "1e") == "nothing");
  CHECK(number(FieldType::newdecimal, "1.") == "nothing");
  CHECK(made(FieldType::geometry, {}, "x", "00", "binary", "binary") == "nothing");
  CHECK(made(FieldType::long_blob, {}, "x", "0", "utf8mb4", "utf8mb4_bin") == "nothing");
  CHECK(made(FieldType::long_blob, {}, "x", "0g", "utf8mb4", "utf8mb4_bin") == "nothing");
  CHECK(made(FieldType::long_blob, {}, "x", "00", "utf8'", "utf8mb4_bin") == "nothing");
  CHECK(made(FieldType::long_blob, {}, "x", "00", "utf8mb4", "") == "nothing");
  CHECK(made(FieldType::long_blob, {}, "x", {}, "utf8mb4", "utf8mb4_bin") == "nothing");
}

TEST_CASE("Hex and back") {
  CHECK(to_hex(std::string_view("\0\xff z", 4)) == "00FF207A");
  CHECK(from_hex("00FF207A") == std::string("\0\xff z", 4));
  CHECK_FALSE(from_hex("0"));
  CHECK_FALSE(from_hex("0x"));
}

TEST_CASE("What a server would refuse as a literal is not made again") {
  const auto text = [](std::string_view digits, std::string_view charset) {
    return made(FieldType::var_string, {}, "?", digits, charset, std::string(charset) + "_bin");
  };
  CHECK(text("C3A4", "utf8mb4") == "_utf8mb4 X'C3A4' COLLATE utf8mb4_bin");
  CHECK(text("FFFE", "utf8mb4") == "nothing");
  CHECK(text("F09F9880", "utf8mb4") == "_utf8mb4 X'F09F9880' COLLATE utf8mb4_bin");
  CHECK(text("F09F9880", "utf8mb3") == "nothing");
  CHECK(text("80", "ascii") == "nothing");
  CHECK(text("BF", "gbk") == "nothing");
  CHECK(text("41", "gbk") == "_gbk X'41' COLLATE gbk_bin");
  CHECK(text("00E4", "utf16") == "_utf16 X'00E4' COLLATE utf16_bin");
  CHECK(text("E4", "utf16") == "nothing");
  CHECK(text("FFFE", "latin1") == "_latin1 X'FFFE' COLLATE latin1_bin");
}
