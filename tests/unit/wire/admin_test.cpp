#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/message.hpp>

#include <catch2/catch.hpp>
#include <support/hex.hpp>
#include <support/layout.hpp>

using namespace mysqlwire;
using mysqlwire::test::check_layout;
using mysqlwire::test::Ending;
using mysqlwire::test::hex;

static_assert(Message<ComQuit> && Message<ComInitDb> && Message<ComFieldList> &&
              Message<ComRefresh> && Message<ComShutdown> && Message<ComProcessKill> &&
              Message<ComSetOption>);

TEST_CASE("commands of one byte", "[admin]") {
  check_layout<ComQuit>("01", {});
  check_layout<ComStatistics>("09", {});
  check_layout<ComProcessInfo>("0a", {});
  check_layout<ComDebug>("0d", {});
  check_layout<ComPing>("0e", {});
  check_layout<ComResetConnection>("1f", {});
  check_layout<ComSleep>("00", {});
  check_layout<ComConnect>("0b", {});
  check_layout<ComTime>("0f", {});
  check_layout<ComDelayedInsert>("10", {});
  check_layout<ComConnectOut>("14", {});
  check_layout<ComDaemon>("1d", {});
  check_layout<ComClone>("20", {});
  check_layout<ComSubscribeGroupReplicationStream>("21", {});
  const auto ping = hex("0e");
  CHECK(to_string(ComQuit::decode(ping, {}).error()) == "COM_QUIT.command: bad value at offset 0");
}

TEST_CASE("commands with a field", "[admin]") {
  check_layout<ComInitDb>("0274657374", {}, Ending::rest, 1);
  check_layout<ComCreateDb>("0574657374", {}, Ending::rest, 1);
  check_layout<ComDropDb>("0674657374", {}, Ending::rest, 1);
  check_layout<ComFieldList>("04666c00", {}, Ending::rest, 4);
  check_layout<ComFieldList>("04666c0025", {}, Ending::rest, 4);
  check_layout<ComRefresh>("0740", {});
  check_layout<ComProcessKill>("0c78563412", {});
  check_layout<ComSetOption>("1b0100", {});

  const auto schema = hex("0274657374");
  CHECK(ComInitDb::decode(schema, {})->schema == "test");
  const auto fields = hex("04666c0025");
  CHECK(ComFieldList::decode(fields, {})->table == "fl");
  CHECK(ComFieldList::decode(fields, {})->wildcard == "%");
  const auto kill = hex("0c78563412");
  CHECK(ComProcessKill::decode(kill, {})->connection_id == 0x12345678);
  const auto option = hex("1b0100");
  CHECK(ComSetOption::decode(option, {})->option == ComSetOption::multi_statements_off);
}

TEST_CASE("a shutdown level may be missing", "[admin]") {
  check_layout<ComShutdown>("0810", {}, Ending::items, 1);
  const auto bare = hex("08");
  CHECK(ComShutdown::decode(bare, {})->level == 0);
}
