#include "proxy/config/units.hpp"

#include <catch2/catch.hpp>

using namespace mysqlproxy;
using namespace std::chrono_literals;

TEST_CASE("durations") {
  CHECK(parse_duration("0s") == 0ms);
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("2s") == 2s);
  CHECK(parse_duration("1m") == 1min);
  CHECK(parse_duration("8h") == 8h);
  CHECK(parse_duration("365d") == 8760h);
  for (const char* text :
       {"", "2", "s", "2 s", " 2s", "2s ", "2S", "-2s", "+2s", "1.5s", "1h30m", "366d",
        "31536000001ms", "99999999999999999999s", "18446744073709551615d", "2sec", "0x2s"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("durations are written in the largest unit that keeps them whole") {
  CHECK(format_duration(0ms) == "0s");
  CHECK(format_duration(1ms) == "1ms");
  CHECK(format_duration(1500ms) == "1500ms");
  CHECK(format_duration(90s) == "90s");
  CHECK(format_duration(60s) == "1m");
  CHECK(format_duration(8h) == "8h");
  CHECK(format_duration(48h) == "2d");
  for (const auto value : {0ms, 7ms, 1000ms, 61'000ms, 3'600'000ms, 86'400'000ms}) {
    CHECK(parse_duration(format_duration(value)) == value);
  }
}

TEST_CASE("sizes") {
  CHECK(parse_size("0B") == 0U);
  CHECK(parse_size("512B") == 512U);
  CHECK(parse_size("64KiB") == 65'536U);
  CHECK(parse_size("64K") == 65'536U);
  CHECK(parse_size("64MiB") == 67'108'864U);
  CHECK(parse_size("64M") == 67'108'864U);
  CHECK(parse_size("1GiB") == 1'073'741'824U);
  CHECK(parse_size("8589934591GiB") == 9'223'372'035'781'033'984U);
  for (const char* text : {"", "64", "MiB", "64MB", "64mb", "64 MiB", "-1B", "1.5MiB", "1TiB",
                           "8589934592GiB", "99999999999999999999B"}) {
    INFO(text);
    CHECK_FALSE(parse_size(text));
  }
}

TEST_CASE("sizes are written in the largest unit that keeps them whole") {
  CHECK(format_size(0) == "0B");
  CHECK(format_size(1'023) == "1023B");
  CHECK(format_size(1'024) == "1KiB");
  CHECK(format_size(1'536) == "1536B");
  CHECK(format_size(67'108'864) == "64MiB");
  CHECK(format_size(1'073'741'824) == "1GiB");
}
