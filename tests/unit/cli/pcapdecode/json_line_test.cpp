#include "cli/pcapdecode/json_line.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using pcapdecode::JsonLine;

namespace {

std::string line_of(std::string_view text) {
  JsonLine line;
  line.begin();
  line.string("v", text);
  std::string out;
  line.end(out);
  return out;
}

}  // namespace

TEST_CASE("a line of JSON holds any text", "[pcapdecode]") {
  CHECK(line_of("") == "{\"v\":\"\"}\n");
  CHECK(line_of("a \"b\" \\ \n") == R"({"v":"a \"b\" \\ \n"})"
                                    "\n");
  CHECK(line_of("\xc3\xa9\xf0\x9f\x90\xac") == "{\"v\":\"\xc3\xa9\xf0\x9f\x90\xac\"}\n");
}

TEST_CASE("a line of JSON holds no bytes that are no UTF-8", "[pcapdecode]") {
  CHECK(line_of("a\xff"
                "b") ==
        "{\"v\":\"a\xef\xbf\xbd"
        "b\"}\n");
  CHECK(line_of("\xc3") == "{\"v\":\"\xef\xbf\xbd\"}\n");
  CHECK(line_of("\xed\xa0\x80") == "{\"v\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}\n");
}

TEST_CASE("a line of JSON holds no control characters", "[pcapdecode]") {
  CHECK(line_of(std::string_view("\x1b[2J\0", 5)) == R"({"v":"\u001B[2J\u0000"})"
                                                     "\n");
  // U+009B begins a sequence as ESC [ does.
  CHECK(line_of("\xc2\x9b"
                "2J\xc2\xa0") == R"({"v":"\u009B2J\u00A0"})"
                                 "\n");
}

TEST_CASE("lists and objects nest", "[pcapdecode]") {
  JsonLine line;
  std::string out;
  for (int i = 0; i < 2; ++i) {
    line.begin();
    line.begin_list("l");
    line.item(std::uint64_t{18446744073709551615U});
    line.item_null();
    line.begin_object();
    line.boolean("b", true);
    line.end_object();
    line.end_list();
    line.key("n");
    line.item_raw("1.250");
    line.end(out);
  }
  const std::string one = "{\"l\":[18446744073709551615,null,{\"b\":true}],\"n\":1.250}\n";
  CHECK(out == one + one);
}
