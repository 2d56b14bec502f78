#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/com_change_user.hpp>

#include <catch2/catch.hpp>
#include <support/examples.hpp>
#include <support/hex.hpp>
#include <support/transcript.hpp>

#include <string>

using namespace mysqlwire;
using namespace mysqlwire::test;

namespace {

template <class M>
std::string encoded(const M& message, const Context& context = {}) {
  Buffer out;
  Writer writer(out, M::name.data());
  message.encode(writer, context);
  return writer.ok() ? to_hex(out) : to_string(writer.error());
}

Context negotiated(Capabilities capabilities, Flavor flavor = Flavor::mysql) {
  Context context;
  context.capabilities = capabilities;
  context.flavor = flavor;
  return context;
}

constexpr Capabilities plugin_client =
    Capability::protocol_41 | Capability::secure_connection | Capability::plugin_auth;

}  // namespace

TEST_CASE("AuthSwitchRequest keeps the data whole", "[AuthSwitchRequest]") {
  const auto native = packet_payload(examples::e1, 2);
  const auto request = AuthSwitchRequest::decode(native, {});
  REQUIRE(request);
  CHECK(request->plugin_name == "mysql_native_password");
  CHECK(request->plugin_provided_data.size() == 21);
  CHECK(encoded(*request) == to_hex(native));

  const auto nonce = packet_payload(examples::e6, 0);
  const auto ed25519 = AuthSwitchRequest::decode(nonce, {});
  REQUIRE(ed25519);
  CHECK(ed25519->plugin_name == "client_ed25519");
  CHECK(ed25519->plugin_provided_data.size() == 32);
  CHECK(encoded(*ed25519) == to_hex(nonce));

  CHECK(AuthSwitchRequest::decode(hex("fe 6d00"), {})->plugin_provided_data.empty());
  CHECK(AuthSwitchRequest::decode(hex("fe 6d"), {}).error().code == errc::not_terminated);
  CHECK(AuthSwitchRequest::decode(hex("01 6d00"), {}).error().code == errc::bad_value);
  CHECK(encoded(AuthSwitchRequest{std::string_view("a\0b", 3), {}}) ==
        "AuthSwitchRequest.plugin_name: bad value at offset 1");
}

TEST_CASE("a lone 0xfe is OldAuthSwitchRequest and nothing else", "[OldAuthSwitchRequest]") {
  CHECK(OldAuthSwitchRequest::decode(hex("fe"), {}));
  CHECK(encoded(OldAuthSwitchRequest{}) == "fe");
  CHECK_FALSE(OldAuthSwitchRequest::decode(hex("fe00"), {}));
  CHECK_FALSE(OldAuthSwitchRequest::decode(hex("00"), {}));
  CHECK_FALSE(OldAuthSwitchRequest::decode({}, {}));
  CHECK(AuthSwitchRequest::decode(hex("fe"), {}).error().code == errc::not_terminated);
}

TEST_CASE("AuthMoreData and AuthNextFactor", "[AuthMoreData]") {
  const auto key = packet_payload(examples::e3, 4);
  const auto more = AuthMoreData::decode(key, {});
  REQUIRE(more);
  CHECK(as_text(more->authentication_method_data).starts_with("-----BEGIN PUBLIC KEY-----\n"));
  CHECK(encoded(*more) == to_hex(key));
  CHECK(AuthMoreData::decode(hex("01"), {})->authentication_method_data.empty());
  CHECK_FALSE(AuthMoreData::decode({}, {}));
  CHECK_FALSE(AuthMoreData::decode(hex("02"), {}));

  const auto bytes = hex("02 6f746f7000 010200");
  const auto next = AuthNextFactor::decode(bytes, {});
  REQUIRE(next);
  CHECK(next->plugin_name == "otop");
  CHECK(to_hex(next->plugin_provided_data) == "010200");
  CHECK(encoded(*next) == to_hex(bytes));
  CHECK_FALSE(AuthNextFactor::decode(hex("02 6f"), {}));
}

TEST_CASE("COM_CHANGE_USER as MySQL's client sends it", "[COM_CHANGE_USER]") {
  const auto payload = packet_payload(examples::e13, 0);
  auto context = negotiated(plugin_client);
  context.strict = true;
  const auto change = ComChangeUser::decode(payload, context);
  REQUIRE(change);
  CHECK(change->user == "nat");
  CHECK(to_hex(change->auth_response) == "f0312f025da54376ffa937e6ff12a7e295870a58");
  CHECK(change->schema == "test");
  CHECK(change->collation == 45);
  CHECK(change->auth_plugin_name == "mysql_native_password");
  CHECK(encoded(*change, context) == to_hex(payload));
  for (std::size_t size = 0; size < payload.size(); ++size) {
    CHECK_FALSE(ComChangeUser::decode(ExactBytes(payload.get().first(size)), context));
  }
}

TEST_CASE("COM_CHANGE_USER's tails", "[COM_CHANGE_USER]") {
  const auto up_to_schema = hex("11 7500 00 7300");
  // With PLUGIN_AUTH servers answer "unknown command" to this one.
  CHECK_FALSE(ComChangeUser::decode(up_to_schema, negotiated(plugin_client)));
  CHECK(ComChangeUser::decode(up_to_schema, negotiated(Capability::secure_connection)));
  const auto attributes = hex("11 7500 00 7300 2d01 6e00 04 01610162");
  auto with_attributes = plugin_client;
  with_attributes.set(Capability::connect_attrs);
  const auto change = ComChangeUser::decode(attributes, negotiated(with_attributes));
  REQUIRE(change);
  CHECK(change->collation == 301);
  CHECK(change->attributes.find("a") == "b");
  CHECK(encoded(*change, negotiated(with_attributes)) == to_hex(attributes));
  const ExactBytes none(attributes.get().first(attributes.size() - 5));
  CHECK(ComChangeUser::decode(none, negotiated(with_attributes)));
}

TEST_CASE("the two vendors' forms of COM_CHANGE_USER part at 251 bytes", "[COM_CHANGE_USER]") {
  auto lenenc = plugin_client;
  lenenc.set(Capability::plugin_auth_lenenc_client_data);
  const Buffer response(253, 0xaa);
  ComChangeUser change;
  change.auth_response = response;
  const std::string tail = to_hex(response) + "00" + "0000" + "00";
  CHECK(encoded(change, negotiated(lenenc, Flavor::mysql)) == "1100fd" + tail);
  CHECK(encoded(change, negotiated(lenenc, Flavor::mariadb)) == "1100fcfd00" + tail);
  CHECK(encoded(change, negotiated(plugin_client, Flavor::mariadb)) == "1100fd" + tail);
  for (const Flavor flavor : {Flavor::mysql, Flavor::mariadb}) {
    const auto context = negotiated(lenenc, flavor);
    const auto bytes = hex(encoded(change, context));
    const auto decoded = ComChangeUser::decode(bytes, context);
    REQUIRE(decoded);
    CHECK(to_hex(decoded->auth_response) == to_hex(response));
  }
}
