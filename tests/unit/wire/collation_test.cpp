#include <mysqlwire/wire/collation.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <set>
#include <string>
#include <utility>

using namespace mysqlwire;

TEST_CASE("collations have the servers' ids and names", "[collation]") {
  struct Fact {
    std::uint16_t id;
    std::string_view name;
    std::string_view charset;
    unsigned width;
  };
  const auto fact = GENERATE(values<Fact>({
      {1, "big5_chinese_ci", "big5", 2},
      {8, "latin1_swedish_ci", "latin1", 1},
      {11, "ascii_general_ci", "ascii", 1},
      {28, "gbk_chinese_ci", "gbk", 2},
      {33, "utf8mb3_general_ci", "utf8mb3", 3},
      {35, "ucs2_general_ci", "ucs2", 2},
      {45, "utf8mb4_general_ci", "utf8mb4", 4},
      {46, "utf8mb4_bin", "utf8mb4", 4},
      {47, "latin1_bin", "latin1", 1},
      {54, "utf16_general_ci", "utf16", 4},
      {56, "utf16le_general_ci", "utf16le", 4},
      {60, "utf32_general_ci", "utf32", 4},
      {63, "binary", "binary", 1},
      {83, "utf8mb3_bin", "utf8mb3", 3},
      {97, "eucjpms_japanese_ci", "eucjpms", 3},
      {192, "utf8mb3_unicode_ci", "utf8mb3", 3},
      {224, "utf8mb4_unicode_ci", "utf8mb4", 4},
      {246, "utf8mb4_unicode_520_ci", "utf8mb4", 4},
      {248, "gb18030_chinese_ci", "gb18030", 4},
      {255, "utf8mb4_0900_ai_ci", "utf8mb4", 4},
      {303, "utf8mb4_ja_0900_as_cs", "utf8mb4", 4},
      {309, "utf8mb4_0900_bin", "utf8mb4", 4},
      {323, "utf8mb4_mn_cyrl_0900_as_cs", "utf8mb4", 4},
      {1025, "big5_chinese_nopad_ci", "big5", 2},
      {1069, "utf8mb4_general_nopad_ci", "utf8mb4", 4},
      {2048, "utf8mb3_uca1400_ai_ci", "utf8mb3", 3},
      {2304, "utf8mb4_uca1400_ai_ci", "utf8mb4", 4},
  }));
  INFO(fact.id);
  CHECK(collation_name(fact.id) == fact.name);
  CHECK(charset_name(fact.id) == fact.charset);
  CHECK(max_bytes_per_character(fact.id) == fact.width);
  CHECK(parse_collation(fact.name) == fact.id);
}

TEST_CASE("ids that have two names are told apart", "[collation]") {
  CHECK(collation_name(245) == "utf8mb4_croatian_ci");
  CHECK(collation_name(245, Flavor::mariadb) == "utf8mb4_croatian_mysql561_ci");
  CHECK(collation_name(608) == "utf8mb4_croatian_ci");
  CHECK(parse_collation("utf8mb4_croatian_ci") == 245);
  CHECK(parse_collation("utf8mb4_croatian_ci", Flavor::mariadb) == 608);
  CHECK(collations::utf8mb4_croatian_ci == 245);
  CHECK(collations::utf8mb4_croatian_mysql561_ci == 245);
  CHECK(collations::utf8mb4_croatian_ci_mariadb == 608);
}

TEST_CASE("the default collation of a character set", "[collation]") {
  CHECK(default_collation("utf8mb4") == collations::utf8mb4_0900_ai_ci);
  CHECK(default_collation("utf8mb4", Flavor::mariadb) == collations::utf8mb4_general_ci);
  CHECK(default_collation("UTF8") == collations::utf8mb3_general_ci);
  CHECK(default_collation("latin1", Flavor::mariadb) == collations::latin1_swedish_ci);
  CHECK(default_collation("gb18030") == collations::gb18030_chinese_ci);
  CHECK_FALSE(default_collation("gb18030", Flavor::mariadb).has_value());
  CHECK_FALSE(default_collation("").has_value());
  CHECK_FALSE(default_collation("utf8mb").has_value());

  std::set<std::string_view> charsets;
  for (const CollationInfo& info : all_collations()) charsets.insert(info.charset);
  CHECK(charsets.size() == 41);
  for (const std::string_view charset : charsets) {
    INFO(charset);
    CHECK(default_collation(charset).has_value());
    CHECK(default_collation(charset, Flavor::mariadb).has_value() == (charset != "gb18030"));
  }
}

TEST_CASE("binary, and what a client may ask for", "[collation]") {
  CHECK(is_binary(63));
  CHECK_FALSE(is_binary(46));
  CHECK(is_client_collation(63));
  CHECK(is_client_collation(45));
  CHECK(is_client_collation(255));
  for (const std::uint16_t id :
       std::array<std::uint16_t, 11>{0, 35, 54, 56, 60, 62, 101, 128, 160, 324, 65535}) {
    INFO(id);
    CHECK_FALSE(is_client_collation(id));
  }
}

TEST_CASE("unknown collations", "[collation]") {
  for (const std::uint16_t id : std::array<std::uint16_t, 7>{0, 17, 100, 254, 324, 575, 65535}) {
    INFO(id);
    CHECK(collation_name(id).empty());
    CHECK(collation_name(id, Flavor::mariadb).empty());
    CHECK(charset_name(id).empty());
    CHECK(max_bytes_per_character(id) == 0);
  }
  CHECK_FALSE(parse_collation("").has_value());
  CHECK_FALSE(parse_collation("utf8").has_value());
  CHECK_FALSE(parse_collation("utf8mb4_").has_value());
  CHECK(parse_collation("utf8_general_ci") == 33);
  CHECK(parse_collation("UTF8MB3_GENERAL_CI") == 33);
  CHECK(parse_collation("utf8mb4_general_ci") == 45);
}

TEST_CASE("the table of collations is sorted, unique and consistent", "[collation]") {
  const auto table = all_collations();
  CHECK(table.size() > 1300);
  std::set<std::pair<std::string_view, bool>> names;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const CollationInfo& info = table[i];
    INFO(info.id << " " << info.name);
    CHECK((info.in_mysql || info.in_mariadb));
    CHECK_FALSE((info.default_in_mysql && !info.in_mysql));
    CHECK_FALSE((info.default_in_mariadb && !info.in_mariadb));
    if (i > 0 && table[i - 1].id == info.id) {
      CHECK_FALSE(table[i - 1].in_mariadb);
      CHECK_FALSE(info.in_mysql);
      CHECK(table[i - 1].charset == info.charset);
    } else if (i > 0) {
      CHECK(table[i - 1].id < info.id);
    }
    if (info.in_mysql) CHECK(names.emplace(info.name, true).second);
    if (info.in_mariadb) CHECK(names.emplace(info.name, false).second);
    // Every name starts with its character set's.
    CHECK(info.name.starts_with(info.charset));
    for (const Flavor flavor : {Flavor::mysql, Flavor::mariadb}) {
      if (flavor == Flavor::mysql ? !info.in_mysql : !info.in_mariadb) continue;
      CHECK(collation_name(info.id, flavor) == info.name);
      CHECK(parse_collation(info.name, flavor) == info.id);
    }
    CHECK(charset_name(info.id) == info.charset);
    CHECK(max_bytes_per_character(info.id) >= 1);
  }
}
