#include "proxy/lending/pins.hpp"

#include "proxy/lending/held_things.hpp"
#include "proxy/lending/image_store.hpp"
#include "proxy/lending/variables.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace mysqlproxy::lending;

TEST_CASE("Pins have names") {
  Pins pins;
  CHECK(to_string(pins) == "");
  for (std::size_t i = 0; i < pin_count; ++i) {
    CHECK(to_string(static_cast<Pin>(i)) != "unknown");
    pins.add(static_cast<Pin>(i));
  }
  CHECK(to_string(static_cast<Pin>(pin_count)) == "unknown");
  CHECK(to_string(Pins{Pin::xa, Pin::handler}) == "handler, xa");
  pins.remove(Pin::xa);
  CHECK_FALSE(pins.has(Pin::xa));
  CHECK(pins.any());
}

TEST_CASE("Things are held until the last of that name goes") {
  HeldThings held;
  held.take(Pin::user_lock, "a");
  held.take(Pin::user_lock, "a");
  held.take_once(Pin::handler, "h");
  held.take_once(Pin::handler, "h");
  held.release(Pin::handler, "h");
  held.release(Pin::user_lock, "a");
  held.release(Pin::user_lock, "b");
  CHECK(held.pins() == Pins{Pin::user_lock});
  held.release(Pin::user_lock, "a");
  held.release(Pin::user_lock, "a");
  CHECK_FALSE(held.pins().any());
  held.take(Pin::user_lock, "");
  held.release(Pin::user_lock, "");
  CHECK(held.pins() == Pins{Pin::user_lock});
  held.release_all(Pin::user_lock);
  CHECK_FALSE(held.pins().any());
}

TEST_CASE("With too many names, what is held is held until all goes") {
  HeldThings held;
  for (std::size_t i = 0; i <= HeldThings::most_names; ++i)
    held.take_once(Pin::temporary_table, "t" + std::to_string(i));
  for (std::size_t i = 0; i <= HeldThings::most_names; ++i)
    held.release(Pin::temporary_table, "t" + std::to_string(i));
  CHECK(held.pins() == Pins{Pin::temporary_table});
  held.clear();
  CHECK_FALSE(held.pins().any());
}

TEST_CASE("Equal images are one, for as long as it is used") {
  ImageStore store;
  SessionImage image{.schema = "test", .variables = {{"a", "1"}}};
  const SharedImage first = store.intern(image);
  CHECK(store.intern(image) == first);
  image.user_variables["a"] = "1";
  CHECK(store.intern(image) != first);
  for (int i = 0; i < 1000; ++i) {
    image.last_insert_id = static_cast<std::uint64_t>(i);
    (void)store.intern(image);
  }
  CHECK(store.size() <= 128);
  CHECK(store.intern(*first) == first);
}

TEST_CASE("Values of variables as SQL") {
  CHECK(variable_value("wait_timeout", "100") == "100");
  CHECK(variable_value("long_query_time", "-1.500000") == "-1.500000");
  CHECK(variable_value("sql_mode", "") == "''");
  CHECK(variable_value("character_set_results", "") == "NULL");
  CHECK(variable_value("time_zone", "+01:00") == "'+01:00'");
  CHECK(variable_value("default_master_connection", "1") == "'1'");
  CHECK(variable_value("x", "it's") == "'it''s'");
  // A backslash means one thing or another by sql_mode; other letters by the character set.
  CHECK(variable_value("x", "a\\b") == "CONVERT(X'615C62' USING utf8)");
  CHECK(variable_value("x", "\xc3\xa9") == "CONVERT(X'C3A9' USING utf8)");
  for (const char* const text : {"", "-", ".5", "5.", "1.2.3", "1e5", "0x1", "--1", "1 "}) {
    CAPTURE(text);
    CHECK_FALSE(is_plain_number(text));
  }
}
