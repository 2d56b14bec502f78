#include "proxy/lending/ok_filter.hpp"

#include "follow.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using namespace mysqlproxy::lending;
using namespace mysqlproxy::lending::test;

namespace {

Context with(bool session_track) {
  Context context;
  context.capabilities = {Capability::protocol_41, Capability::deprecate_eof};
  if (session_track) context.capabilities.set(Capability::session_track);
  return context;
}

// What the client gets; "as it is" when nothing has to be changed.
std::string filtered(std::string_view digits, bool client_tracks) {
  Buffer out;
  const bool changed =
      filter_ok(mysqlwire::test::hex(digits), with(true), with(client_tracks), out);
  if (!changed) {
    CHECK(out.empty());
    return "as it is";
  }
  return mysqlwire::test::to_hex(out);
}

}  // namespace

// The packets are those of MySQL 8.0.15, with all trackers on and by its own settings.
TEST_CASE("A client is told what its server would have told it") {
  const std::string names =
      "000e0a6175746f636f6d6d6974024f4e001c146368617261637465725f7365745f636c69656e74066c6174696e31"
      "0020186368617261637465725f7365745f636f6e6e656374696f6e066c6174696e31001d15636861726163746572"
      "5f7365745f726573756c7473066c6174696e31";
  const std::string zone = "00110974696d655f7a6f6e65062b30313a3030";
  CHECK(filtered("000000024000000091" + names + "000a0873716c5f6d6f646500" + zone + "020131",
                 true) == "000000024000000082" + names + zone);
  CHECK(filtered("00000002400000000a01050474657374020131", true) ==
        "00000002400000000701050474657374");
  CHECK(filtered("000000024000000003020131", true) == "00000002000000");
  CHECK(filtered("000000024000001253746174656d656e7420707265706172656403020131", true) ==
        "000000020000001253746174656d656e74207072657061726564");
  CHECK(filtered("000000034000000020050908545f5f5f5f5f5f5f0413125354415254205452414e53414354494f4e"
                 "3b",
                 true) == "00000003000000");
  CHECK(filtered("0000000b4000000013000e0a6175746f636f6d6d6974024f4e020131", true) ==
        "0000000b4000000010000e0a6175746f636f6d6d6974024f4e");
  CHECK(filtered("fe000003400000000b050908545f5f5f5f5f535f", true) == "fe000003000000");
}

TEST_CASE("A client that does not know session states gets none") {
  CHECK(filtered("00000002400000000a01050474657374020131", false) == "00000002000000");
  CHECK(filtered("000000024000001253746174656d656e7420707265706172656403020131", false) ==
        "000000020000001253746174656d656e74207072657061726564");
}

TEST_CASE("MariaDB announces a change and tells nothing, behind CREATE TABLE … SELECT @a") {
  const std::string info =
      "265265636f7264733a203120204475706c6963617465733a203020205761726e696e67733a2030";
  CHECK(filtered("00010000400000" + info + "00", true) == "00010000000000" + info);
  CHECK(filtered("00010000400000" + info + "00", false) == "00010000000000" + info);
}

TEST_CASE("A packet without anything of ours goes as it is") {
  CHECK(filtered("00000002000000", true) == "as it is");
  CHECK(filtered("00000002000000", false) == "as it is");
  CHECK(filtered("00000002400000000701050474657374", true) == "as it is");
  CHECK(filtered("000000020000001253746174656d656e74207072657061726564", false) == "as it is");
}

TEST_CASE("A packet that can't be read goes as it is") {
  const std::string whole = "000000024000000003020131";
  for (std::size_t size = 0; size < whole.size(); size += 2) {
    CAPTURE(size);
    const std::string cut = filtered(whole.substr(0, size), true);
    // Without the session state it is a packet that only lacks it.
    CHECK((cut == "as it is" || cut == "00000002000000"));
  }
}
