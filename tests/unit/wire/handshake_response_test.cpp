#include <mysqlwire/wire/handshake_response320.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>
#include <mysqlwire/wire/ssl_request.hpp>

#include <catch2/catch.hpp>
#include <support/examples.hpp>
#include <support/hex.hpp>
#include <support/transcript.hpp>

#include <string>
#include <vector>

using namespace mysqlwire;
using namespace mysqlwire::test;

namespace {

template <class M>
std::string encoded(const M& message) {
  Buffer out;
  Writer writer(out, M::name.data());
  message.encode(writer, {});
  return writer.ok() ? to_hex(out) : to_string(writer.error());
}

/// 28 bytes behind the capabilities: max packet 1 MiB, collation 45, filler.
const std::string head_rest = "00001000 2d" + std::string(46, '0');

constexpr Capabilities base = Capability::protocol_41 | Capability::secure_connection;

Context strict() {
  Context context;
  context.strict = true;
  return context;
}

}  // namespace

TEST_CASE("a login as MySQL's client sends it", "[HandshakeResponse41]") {
  const auto payload = packet_payload(examples::e1, 1);
  const auto response = HandshakeResponse41::decode(payload, strict());
  REQUIRE(response);
  CHECK(response->capabilities.bits() == 0x2fa20d);
  CHECK(response->max_packet_size == 0x1000000);
  CHECK(response->collation == 45);
  CHECK(response->user == "nat");
  CHECK(to_hex(response->auth_response) == "36d748f80be43a5ebe0778b76ad351fae9f332c8");
  CHECK(response->schema == "test");
  CHECK(response->auth_plugin_name == "mysql_native_password");
  CHECK(response->attributes.empty());
  CHECK(encoded(*response) == to_hex(payload));
}

TEST_CASE("every login seen is written as it was read", "[HandshakeResponse41]") {
  const std::vector<std::pair<std::string_view, std::size_t>> logins{{examples::e1, 1},
                                                                     {examples::e2, 1},
                                                                     {examples::e3, 1},
                                                                     {examples::e4, 1},
                                                                     {examples::e5, 2}};
  for (const auto& [transcript, index] : logins) {
    const auto payload = packet_payload(transcript, index);
    const auto response = HandshakeResponse41::decode(payload, strict());
    REQUIRE(response);
    CHECK(encoded(*response) == to_hex(payload));
    for (std::size_t size = 0; size < payload.size(); ++size) {
      const ExactBytes prefix(payload.get().first(size));
      CHECK_FALSE(HandshakeResponse41::decode(prefix, strict()));
    }
    Buffer longer(payload.get().begin(), payload.get().end());
    longer.push_back(0);
    CHECK(HandshakeResponse41::decode(longer, {}));
    CHECK(HandshakeResponse41::decode(longer, strict()).error().code == errc::trailing_bytes);
  }
}

TEST_CASE("every field and every form of the auth response", "[HandshakeResponse41]") {
  HandshakeResponse41 login;
  login.capabilities = Capability::protocol_41;
  login.max_packet_size = 1 << 20;
  login.collation = 45;
  login.user = "u";
  const auto response = hex("010203");
  const auto block = hex("0161 0162");
  login.auth_response = response;

  SECTION("NUL-terminated") {
    CHECK(encoded(login) == to_hex(hex("00020000" + head_rest + "7500 01020300")));
  }
  SECTION("one byte of length") {
    login.capabilities.set(Capability::secure_connection);
    CHECK(encoded(login) == to_hex(hex("00820000" + head_rest + "7500 03010203")));
  }
  SECTION("lenenc, with all that can follow") {
    login.capabilities =
        base | (Capability::plugin_auth_lenenc_client_data | Capability::connect_with_db) |
        (Capability::plugin_auth | Capability::connect_attrs) |
        Capabilities(Capability::zstd_compression_algorithm) |
        Capabilities(Capability::mariadb_cache_metadata);
    const Buffer long_response(300, 0xaa);
    login.auth_response = long_response;
    login.schema = "s";
    login.auth_plugin_name = "p";
    login.attributes.block = block;
    login.zstd_compression_level = 7;
    const auto bytes = hex("08823804 00001000 2d" + std::string(38, '0') + "10000000 7500 fc2c01" +
                           to_hex(long_response) + "7300 7000 04 01610162 07");
    CHECK(encoded(login) == to_hex(bytes));
    const auto decoded = HandshakeResponse41::decode(bytes, strict());
    REQUIRE(decoded);
    CHECK(decoded->capabilities == login.capabilities);
    CHECK(to_hex(decoded->auth_response) == to_hex(long_response));
    CHECK(decoded->zstd_compression_level == 7);
    CHECK(decoded->attributes.find("a") == "b");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CHECK_FALSE(HandshakeResponse41::decode(ExactBytes(bytes.get().first(size)), strict()));
    }
  }
}

TEST_CASE("an auth response that its length form can't carry is not written",
          "[HandshakeResponse41]") {
  const Buffer long_response(256, 1);
  const auto with_nul = hex("0100");
  HandshakeResponse41 login;
  login.capabilities = base;
  login.auth_response = long_response;
  CHECK(encoded(login) == "HandshakeResponse41.auth_response_length: too long at offset 33");
  login.capabilities = Capability::protocol_41;
  login.auth_response = with_nul;
  CHECK(encoded(login) == "HandshakeResponse41.auth_response: bad value at offset 33");
  login.capabilities = {};
  CHECK(encoded(login) == "HandshakeResponse41.client_flag: bad value at offset 0");
}

TEST_CASE("lengths that lie are refused", "[HandshakeResponse41]") {
  const auto error = [](const std::string& bytes) {
    const auto payload = hex(bytes);
    const auto response = HandshakeResponse41::decode(payload, {});
    return response ? std::string("ok") : to_string(response.error());
  };
  // lenenc auth response: NULL, ERR, nearly 2^64
  const std::string lenenc = "00822000" + head_rest + "00";
  CHECK(error(lenenc + "fb") == "HandshakeResponse41.auth_response: bad value at offset 33");
  CHECK(error(lenenc + "ff") == "HandshakeResponse41.auth_response: bad value at offset 33");
  CHECK(error(lenenc + "feffffffffffffffff 00") ==
        "HandshakeResponse41.auth_response: truncated at offset 33");
  CHECK(error("00820000" + head_rest + "00 05 01") ==
        "HandshakeResponse41.auth_response: truncated at offset 34");
  CHECK(error("00820000" + head_rest + "757575") ==
        "HandshakeResponse41.user: not terminated at offset 32");
  // attributes: 70,000 bytes announced
  CHECK(error("00821000" + head_rest + "00 00 fd701101 00") ==
        "HandshakeResponse41.connection_attributes: too long at offset 34");
  CHECK(error("00821000" + head_rest + "00 00 05 0161") ==
        "HandshakeResponse41.connection_attributes: truncated at offset 35");
}

TEST_CASE("tails that peers leave out are noted", "[HandshakeResponse41]") {
  Notes notes;
  Context context;
  context.notes = &notes;
  const auto decode = [&](const std::string& bytes) {
    notes.clear();
    const auto payload = hex(bytes);
    const auto response = HandshakeResponse41::decode(payload, context);
    REQUIRE(response);
    return response->auth_plugin_name.empty() ? std::string() : "named";
  };
  CHECK(decode("00820800" + head_rest + "00 00").empty());
  CHECK(to_string(*notes.begin()) == "HandshakeResponse41.auth_plugin_name: missing at offset 34");
  CHECK(decode("00820800" + head_rest + "00 00 6e6174") == "named");
  CHECK(notes.begin()->code == errc::not_terminated);
  decode("00821000" + head_rest + "00 00");
  CHECK(to_string(*notes.begin()) ==
        "HandshakeResponse41.connection_attributes: missing at offset 34");
  decode("00821000" + head_rest + "00 00 03 05 6161");
  CHECK(to_string(*notes.begin()) ==
        "HandshakeResponse41.connection_attributes: bad value at offset 38");
}

TEST_CASE("extended capabilities count only while LONG_PASSWORD is clear",
          "[HandshakeResponse41]") {
  const std::string rest = "00001000 2d" + std::string(38, '0') + "1d000000 00 00";
  CHECK(HandshakeResponse41::decode(hex("00820000" + rest), {})->capabilities.bits() ==
        0x1d'0000'8200);
  CHECK(HandshakeResponse41::decode(hex("01820000" + rest), {})->capabilities.bits() == 0x8201);
}

TEST_CASE("a login without PROTOCOL_41 is another message", "[HandshakeResponse41]") {
  const auto error = HandshakeResponse41::decode(hex("00800000" + head_rest + "00 00"), {}).error();
  CHECK(error.code == errc::unsupported);
  CHECK(error.offset == 0);
}

TEST_CASE("SSLRequest is the first 32 bytes of a login", "[SSLRequest]") {
  const auto payload = packet_payload(examples::e5, 1);
  const auto request = SslRequest::decode(payload, strict());
  REQUIRE(request);
  CHECK(request->capabilities.bits() == 0x2faa05);
  CHECK(request->max_packet_size == 0x1000000);
  CHECK(request->collation == 45);
  CHECK(encoded(*request) == to_hex(payload));
  const auto login = packet_payload(examples::e5, 2);
  CHECK(to_hex(login.get().first(SslRequest::size)) == to_hex(payload));

  for (std::size_t size = 0; size < payload.size(); ++size) {
    const ExactBytes prefix(payload.get().first(size));
    // Capabilities alone: an old Connector/J.
    CHECK(SslRequest::decode(prefix, {}).has_value() == (size == SslRequest::short_size));
    CHECK_FALSE(SslRequest::decode(prefix, strict()));
  }
  auto plain = to_hex(payload);
  plain.replace(2, 2, "a2");
  CHECK(SslRequest::decode(hex(plain), {}).error().code == errc::bad_value);
}

TEST_CASE("logins from before 4.1", "[HandshakeResponse320]") {
  const auto bare = hex("8424 000000 6f6c6400 47444e52415e4d5a00");
  const auto without = HandshakeResponse320::decode(bare, strict());
  REQUIRE(without);
  CHECK(without->user == "old");
  CHECK(as_text(without->auth_response) == std::string_view("GDNRA^MZ\0", 9));
  CHECK(encoded(*without) == to_hex(bare));

  const auto with_schema = hex("8c24 000001 6f6c6400 47444e5200 7400");
  const auto with = HandshakeResponse320::decode(with_schema, strict());
  REQUIRE(with);
  CHECK(with->max_packet_size == 0x10000);
  CHECK(as_text(with->auth_response) == "GDNR");
  CHECK(with->schema == "t");
  CHECK(encoded(*with) == to_hex(with_schema));
  for (std::size_t size = 0; size < with_schema.size(); ++size) {
    const ExactBytes prefix(with_schema.get().first(size));
    CHECK_FALSE(HandshakeResponse320::decode(prefix, strict()));
  }
  CHECK(HandshakeResponse320::decode(hex("8426 000000 00"), {}).error().code == errc::bad_value);
}
