// Logins as JSON.
#include "cli/pcapdecode/json_messages.hpp"

#include <mysqlwire/wire/handshake_response320.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/status.hpp>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

void write_greeting(JsonWriter& json, const SeenMessage& message, const Context& context) {
  const auto greeting = HandshakeV10::decode(message.payload, context);
  if (!greeting) return;
  json.number("protocol", 10);
  json.string("version", greeting->server_version);
  json.number("thread_id", greeting->connection_id);
  json.flags("capabilities", all_capabilities(), greeting->capabilities);
  json.charset(greeting->collation, greeting->flavor());
  json.flags("status", all_status_flags(), greeting->status);
  json.string("plugin", greeting->auth_plugin_name);
  if (json.shows_secrets()) json.hex("salt_hex", greeting->salt());
}

void write_login(JsonWriter& json, const SeenMessage& message, const Context& context) {
  if (const auto login = HandshakeResponse41::decode(message.payload, context)) {
    json.string("user", login->user);
    json.string_or_null("db", login->schema);
    json.charset(login->collation, context.flavor);
    json.flags("capabilities", all_capabilities(), login->capabilities);
    json.number("max_packet", login->max_packet_size);
    json.string("plugin", login->auth_plugin_name);
    if (json.shows_secrets()) json.hex("response_hex", login->auth_response);
    json.attributes(login->attributes);
  } else if (const auto old = HandshakeResponse320::decode(message.payload, context)) {
    json.string("user", old->user);
    json.string_or_null("db", old->schema);
    json.flags("capabilities", all_capabilities(), old->capabilities);
    json.number("max_packet", old->max_packet_size);
  }
}

void write_auth_more(JsonWriter& json, const SeenMessage& message) {
  const Bytes data = message.payload.subspan(
      message.kind == PacketKind::auth_more_data && !message.payload.empty() ? 1 : 0);
  json.string("what", data.size() == 1 && data[0] == 3                 ? "fast_ok"
                      : data.size() == 1 && data[0] == 4               ? "full"
                      : as_text(data).starts_with("-----BEGIN PUBLIC") ? "public_key"
                                                                       : "data");
}

void write_auth_response(JsonWriter& json, const Conversation& conversation,
                         const SeenMessage& message) {
  const Bytes data = message.payload;
  const std::string& plugin = conversation.plugin();
  const bool is_sha2 = plugin == "caching_sha2_password";
  const bool is_sha256 = plugin == "sha256_password";
  std::string_view what = "scramble";
  if (data.size() == 1 && ((is_sha2 && data[0] == 2) || (is_sha256 && data[0] == 1))) {
    what = "key_request";
  } else if (plugin == "mysql_clear_password" || plugin == "dialog") {
    what = "clear";
  } else if (is_sha256 || (is_sha2 && conversation.full_authentication()) ||
             (is_sha2 && data.size() >= 128)) {
    what = data.size() >= 128 && data.back() != 0 ? "rsa" : "clear";
  }
  json.string("what", what);
  if (json.shows_secrets()) json.hex("response_hex", data);
}

}  // namespace pcapdecode
