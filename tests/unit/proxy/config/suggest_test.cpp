#include "proxy/config/suggest.hpp"

#include <catch2/catch.hpp>

using namespace mysqlproxy;

TEST_CASE("edits between two words") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("", "ab") == 2);
  CHECK(edit_distance("weight", "weight") == 0);
  CHECK(edit_distance("weight", "wieght") == 1);  // neighbours swapped
  CHECK(edit_distance("weight", "weght") == 1);
  CHECK(edit_distance("weght", "weight") == 1);
  CHECK(edit_distance("weight", "weigth") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ab", "ba") == 1);
}

TEST_CASE("the nearest word is suggested, and none when none is near") {
  const std::vector<std::string> keys = {"address", "weight", "max_connections"};
  CHECK(did_you_mean("adress", keys) == "; did you mean \"address\"?");
  CHECK(did_you_mean("WEIGHT", keys) == "; did you mean \"weight\"?");
  CHECK(did_you_mean("max-connections", keys) == "; did you mean \"max_connections\"?");
  CHECK(did_you_mean("max_conn", keys) == "; did you mean \"max_connections\"?");
  CHECK(did_you_mean("port", keys).empty());
  CHECK(did_you_mean("", keys).empty());
  CHECK(did_you_mean("adress", {}).empty());
  CHECK(did_you_mean("x", {"y"}).empty());
  CHECK(did_you_mean(std::string(1'000'000, 'a'), keys).empty());
}
