#include <mysqlwire/wire/handshake_v10.hpp>

#include <catch2/catch.hpp>
#include <support/examples.hpp>
#include <support/hex.hpp>
#include <support/transcript.hpp>

#include <string>

using namespace mysqlwire;
using namespace mysqlwire::test;

namespace {

constexpr const char* mysql_salt = "135c344e02491a195c3e593e2521227e1b202343";
constexpr const char* mariadb_salt = "316c4f2874354848732b79437e754f6a48685241";

std::string encoded(const HandshakeV10& greeting) {
  Buffer out;
  Writer writer(out, "HandshakeV10");
  greeting.encode(writer, {});
  REQUIRE(writer.ok());
  return to_hex(out);
}

constexpr const char* old_head = "0a 352e302e3900 01000000 3132333435363738 00";

}  // namespace

TEST_CASE("MySQL's greeting", "[HandshakeV10]") {
  const auto payload = packet_payload(examples::e1, 0);
  const auto greeting = HandshakeV10::decode(payload, {});
  REQUIRE(greeting);
  CHECK(greeting->server_version == "8.0.15");
  CHECK(greeting->connection_id == 0x144);
  CHECK(greeting->capabilities.bits() == 0xc3ffffff);
  CHECK(greeting->collation == 0xff);
  CHECK(greeting->status.bits() == 2);
  CHECK(to_hex(greeting->auth_plugin_data_part1) == "135c344e02491a19");
  CHECK(to_hex(greeting->auth_plugin_data_part2) == "5c3e593e2521227e1b202343");
  CHECK(to_hex(greeting->salt()) == mysql_salt);
  CHECK(greeting->auth_plugin_name == "caching_sha2_password");
  CHECK(greeting->flavor() == Flavor::mysql);
  CHECK(encoded(*greeting) == to_hex(payload));
}

TEST_CASE("MariaDB's greeting has extended capabilities in the filler", "[HandshakeV10]") {
  const auto payload = packet_payload(examples::e2, 0);
  const auto greeting = HandshakeV10::decode(payload, {});
  REQUIRE(greeting);
  CHECK(greeting->server_version == "5.5.5-10.11.19-MariaDB-0+deb12u1-log");
  CHECK(strip_version_prefix(greeting->server_version) == "10.11.19-MariaDB-0+deb12u1-log");
  CHECK(greeting->capabilities.bits() == 0x1d'81ff'f7fe);
  CHECK(greeting->capabilities.has(Capability::mariadb_stmt_bulk_operations));
  CHECK(to_hex(greeting->salt()) == mariadb_salt);
  CHECK(greeting->flavor() == Flavor::mariadb);
  CHECK(encoded(*greeting) == to_hex(payload));
}

TEST_CASE("the filler means nothing while LONG_PASSWORD is set", "[HandshakeV10]") {
  auto bytes = to_hex(packet_payload(examples::e2, 0));
  bytes.replace(bytes.find("00fef7"), 6, "00fff7");
  const auto payload = hex(bytes);
  const auto greeting = HandshakeV10::decode(payload, {});
  REQUIRE(greeting);
  CHECK(greeting->capabilities.bits() == 0x81fff7ff);

  auto both = *greeting;
  both.capabilities.set(Capability::mariadb_progress);
  const auto written = hex(encoded(both));
  CHECK(HandshakeV10::decode(written, {})->capabilities.bits() == 0x81fff7ff);
}

TEST_CASE("the salt's second part takes max(13, length - 8) bytes", "[HandshakeV10]") {
  const std::string head = std::string(old_head) + "ffff 21 0200 0800";
  const std::string filler = "00000000000000000000";
  const std::string tail = "6162636465666768696a6b6c 00 6e617400";
  // A length below 8 must not wrap around.
  for (const char* length : {"00", "01", "07", "08", "14", "15"}) {
    const auto payload = hex(head + length + filler + tail);
    const auto greeting = HandshakeV10::decode(payload, {});
    INFO("announced " << length);
    REQUIRE(greeting);
    CHECK(as_text(greeting->auth_plugin_data_part2) == "abcdefghijkl");
    CHECK(greeting->auth_plugin_name == "nat");
  }
  // 33 bytes: a plugin with longer data. The salt is still its first 20 bytes.
  const auto payload =
      hex(head + "29" + filler + "6162636465666768696a6b6c" + std::string(40, '7') + "00 6e617400");
  const auto greeting = HandshakeV10::decode(payload, {});
  REQUIRE(greeting);
  CHECK(greeting->auth_plugin_data_part2.size() == 32);
  CHECK(as_text(Bytes(greeting->salt())) == "12345678abcdefghijkl");
  CHECK(greeting->auth_plugin_name == "nat");
  CHECK(encoded(*greeting) == to_hex(payload));

  // The longest field there is has no room for a NUL.
  const auto longest = hex(head + "ff" + filler + std::string(247 * 2, '7') + "6e617400");
  const auto full = HandshakeV10::decode(longest, {});
  REQUIRE(full);
  CHECK(full->auth_plugin_data_part2.size() == 247);
  CHECK(encoded(*full) == to_hex(longest));

  const auto lying = hex(head + "ff" + filler + tail);
  CHECK(to_string(HandshakeV10::decode(lying, {}).error()) ==
        "HandshakeV10.auth_plugin_data_part2: truncated at offset 38");
}

TEST_CASE("servers that leave out closing NULs", "[HandshakeV10]") {
  Notes notes;
  Context context;
  context.notes = &notes;
  SECTION("of the plugin name") {
    const auto payload = hex(std::string(old_head) +
                             "ffff 21 0200 0800 15 00000000000000000000"
                             "6162636465666768696a6b6c 00 6e6174");
    const auto greeting = HandshakeV10::decode(payload, context);
    REQUIRE(greeting);
    CHECK(greeting->auth_plugin_name == "nat");
    CHECK(notes.begin()->code == errc::not_terminated);
  }
  SECTION("of the salt, where no plugin name follows") {
    const auto payload = hex(std::string(old_head) +
                             "ffa2 21 0200 0000 00 00000000000000000000"
                             "6162636465666768696a6b6c");
    const auto greeting = HandshakeV10::decode(payload, context);
    REQUIRE(greeting);
    CHECK(as_text(Bytes(greeting->salt())) == "12345678abcdefghijkl");
    CHECK(notes.begin()->code == errc::not_terminated);
  }
  SECTION("nor is the plugin there at all") {
    const auto payload = hex(std::string(old_head) +
                             "ffff 21 0200 0800 15 00000000000000000000"
                             "6162636465666768696a6b6c 00");
    const auto greeting = HandshakeV10::decode(payload, context);
    REQUIRE(greeting);
    CHECK(greeting->auth_plugin_name.empty());
    CHECK(notes.begin()->code == errc::missing_field);
  }
}

TEST_CASE("a greeting may end behind the first capabilities", "[HandshakeV10]") {
  const auto payload = hex(std::string(old_head) + "0c02");
  const auto greeting = HandshakeV10::decode(payload, {});
  REQUIRE(greeting);
  CHECK(greeting->capabilities.bits() == 0x020c);
  CHECK(greeting->auth_plugin_data_part2.empty());
}

TEST_CASE("greetings of other protocols are refused", "[HandshakeV10]") {
  CHECK(HandshakeV10::decode(hex("09 332e323300 01000000"), {}).error().code == errc::unsupported);
  CHECK(HandshakeV10::decode(hex("0b 0000"), {}).error().code == errc::bad_value);
  CHECK(HandshakeV10::decode(hex("ff 1004 546f6f"), {}).error().code == errc::bad_value);
}

TEST_CASE("every prefix of a greeting is refused, one byte more is noted", "[HandshakeV10]") {
  Context strict;
  strict.strict = true;
  for (const auto example : {examples::e1, examples::e2}) {
    const auto payload = packet_payload(example, 0);
    // The one place where an old server's greeting may end.
    const auto version_end = as_text(payload).find('\0') + 1;
    const auto first_capabilities_end = version_end + 4 + 8 + 1 + 2;
    for (std::size_t size = 0; size < payload.size(); ++size) {
      const ExactBytes prefix(payload.get().first(size));
      CHECK(HandshakeV10::decode(prefix, strict).has_value() == (size == first_capabilities_end));
    }
    Buffer longer(payload.get().begin(), payload.get().end());
    longer.push_back(0);
    CHECK(HandshakeV10::decode(longer, {}).has_value());
    CHECK(HandshakeV10::decode(longer, strict).error().code == errc::trailing_bytes);
  }
}

TEST_CASE("what does not fit a greeting is not written", "[HandshakeV10]") {
  const auto fails = [](const HandshakeV10& greeting) {
    Buffer out;
    Writer writer(out, "HandshakeV10");
    greeting.encode(writer, {});
    return writer.ok() ? std::string() : std::string(writer.error().field);
  };
  const auto salt = hex("0102030405060708");
  HandshakeV10 greeting;
  CHECK(fails(greeting) == "auth_plugin_data_part1");
  greeting.auth_plugin_data_part1 = salt;
  CHECK(fails(greeting).empty());
  greeting.server_version = std::string_view("8\0", 2);
  CHECK(fails(greeting) == "server_version");
  greeting.server_version = "8";
  const Buffer long_data(300, 'x');
  greeting.auth_plugin_data_part2 = long_data;
  greeting.capabilities = Capability::plugin_auth;
  CHECK(fails(greeting) == "auth_plugin_data_part2");
  greeting.capabilities = Capability::secure_connection;
  CHECK(fails(greeting) == "auth_plugin_data_part2");
}

TEST_CASE("whose server it is", "[HandshakeV10]") {
  const Capabilities mysql = Capability::long_password;
  CHECK(detect_flavor("8.0.15", mysql) == Flavor::mysql);
  CHECK(detect_flavor("5.5.5-m3-log", mysql) == Flavor::mysql);
  CHECK(strip_version_prefix("5.5.5-m3-log") == "5.5.5-m3-log");
  CHECK(detect_flavor("5.5.5-10.4.3-custom", mysql) == Flavor::mariadb);
  CHECK(strip_version_prefix("5.5.5-10.4.3-custom") == "10.4.3-custom");
  CHECK(detect_flavor("11.4.2-MariaDB", mysql) == Flavor::mariadb);
  CHECK(detect_flavor("8.0.30", {}) == Flavor::mariadb);
  CHECK(strip_version_prefix("5.5.5-") == "5.5.5-");
  CHECK(strip_version_prefix("").empty());
}
