#include <mysqlwire/wire/field_type.hpp>

#include <catch2/catch.hpp>

using namespace mysqlwire;

TEST_CASE("field types have the header's names and codes", "[field_type]") {
  CHECK(to_string(static_cast<FieldType>(0x00)) == "MYSQL_TYPE_DECIMAL");
  CHECK(to_string(static_cast<FieldType>(0x10)) == "MYSQL_TYPE_BIT");
  CHECK(to_string(static_cast<FieldType>(0xf2)) == "MYSQL_TYPE_VECTOR");
  CHECK(to_string(static_cast<FieldType>(0xf5)) == "MYSQL_TYPE_JSON");
  CHECK(to_string(static_cast<FieldType>(0xff)) == "MYSQL_TYPE_GEOMETRY");
  CHECK(to_string(static_cast<FieldType>(0x15)).empty());

  unsigned known = 0;
  for (unsigned code = 0; code < 256; ++code) {
    const auto type = static_cast<FieldType>(code);
    if (!is_known(type)) continue;
    ++known;
    CHECK(parse_field_type(to_string(type)) == type);
  }
  CHECK(to_string(static_cast<FieldType>(0x8c)) == "MYSQL_TYPE_BLOB_COMPRESSED");
  CHECK(known == 37);
  CHECK(parse_field_type("longlong") == FieldType::longlong);
  CHECK(parse_field_type("mysql_type_Var_String") == FieldType::var_string);
  CHECK_FALSE(parse_field_type("").has_value());
  CHECK_FALSE(parse_field_type("MYSQL_TYPE_").has_value());
  CHECK_FALSE(parse_field_type("MYSQL_TYPE_CHAR").has_value());
}

TEST_CASE("column flags have the header's names", "[field_type]") {
  CHECK(all_column_flags().size() == 16);
  CHECK(to_string(ColumnFlag::not_null) == "NOT_NULL_FLAG");
  CHECK(to_string(ColumnFlag::unsigned_) == "UNSIGNED_FLAG");
  CHECK(to_string(ColumnFlag::no_default_value) == "NO_DEFAULT_VALUE_FLAG");
  CHECK(to_string(ColumnFlag::num) == "NUM_FLAG");
  CHECK(to_string(static_cast<ColumnFlag>(3)).empty());
  CHECK(to_string(static_cast<ColumnFlag>(0)).empty());
}
