#include "cli/mysqlprobe/explain.hpp"

#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/error_code.hpp>

#include <fmt/format.h>

namespace mysqlprobe {

namespace {

using namespace mysqlwire;

std::string explain_greeting(const capture::Conversation& conversation) {
  const auto& greeting = conversation.greeting();
  if (!greeting) return "The server's greeting.";
  return fmt::format(
      "The server greets: its version, the number of this connection, what it can do, and a salt "
      "that the answer to the password question has to be made with. It supposes {}.",
      greeting->auth_plugin.empty() ? "mysql_native_password" : greeting->auth_plugin);
}

std::string explain_more(const capture::Conversation& conversation,
                         const capture::SeenMessage& message) {
  const Bytes payload = message.payload;
  if (conversation.plugin() == "caching_sha2_password" && payload.size() == 2) {
    if (payload[1] == 3)
      return "Fast authentication: the server had the account in its cache, and the answer is "
             "right. An OK follows.";
    if (payload[1] == 4)
      return "Full authentication: the account is not in the server's cache, or the answer was "
             "wrong. The server wants the password itself: through TLS, a unix socket, or "
             "encrypted "
             "for its RSA key.";
  }
  if (as_text(payload).find("BEGIN PUBLIC KEY") != std::string_view::npos)
    return "The server's public RSA key. Nothing vouches for it: who is in between could send one "
           "of his own.";
  return "More data of the plugin.";
}

std::string explain_answer(const capture::Conversation& conversation,
                           const capture::SeenMessage& message) {
  const bool sha2 = conversation.plugin() == "caching_sha2_password";
  if (message.length == 0) return "No password: an empty answer.";
  if (message.length == 1 && message.payload.size() == 1 && message.payload[0] <= 2 &&
      message.payload[0] != 0)
    return "The client asks for the server's public RSA key.";
  constexpr std::uint64_t smallest_key = 128;  // bytes; the answers to salts are shorter
  if ((sha2 || conversation.plugin() == "sha256_password") && conversation.tls() == nullptr &&
      message.length >= smallest_key)
    return "The password, encrypted for the server's RSA key.";
  if ((conversation.full_authentication() && sha2) || conversation.plugin() == "sha256_password")
    return conversation.tls() != nullptr ? "The password itself, through TLS."
                                         : "The password itself, through the unix socket.";
  return fmt::format("The answer to the salt, by {}.",
                     conversation.plugin().empty() ? "the plugin" : conversation.plugin());
}

std::string explain_err(const capture::Conversation& conversation,
                        const capture::SeenMessage& message) {
  const auto err = ErrPacket::decode(message.payload, conversation.context());
  if (!err) return "An error.";
  const std::string_view name = error_name(err->code, conversation.context().flavor);
  return fmt::format("The server refuses{}{}.", name.empty() ? "" : ": ", name);
}

}  // namespace

std::string explain(const capture::Conversation& conversation,
                    const capture::SeenMessage& message) {
  switch (message.kind) {
    case PacketKind::greeting: return explain_greeting(conversation);
    case PacketKind::ssl_request:
      return "The client asks for TLS, and says nothing else yet. What follows is encrypted.";
    case PacketKind::handshake_response:
      return "The client's login: who it is, what it can do, the schema it wants, and an answer to "
             "the salt for the plugin that it supposes.";
    case PacketKind::old_auth_switch_request:
      return "The server wants mysql_old_password, from before 4.1, which is broken.";
    case PacketKind::auth_switch_request:
      return fmt::format(
          "The account is authenticated by {}: the server asks again, with a salt for that.",
          conversation.plugin());
    case PacketKind::auth_more_data:
    case PacketKind::auth_raw_data: return explain_more(conversation, message);
    case PacketKind::auth_next_factor: return "The server wants one more factor.";
    case PacketKind::auth_response: return explain_answer(conversation, message);
    case PacketKind::ok: return message.exchange == nullptr ? "Logged in." : "Done.";
    case PacketKind::err: return explain_err(conversation, message);
    case PacketKind::command:
      return message.command == Command::com_quit ? "The client says goodbye." : "";
    case PacketKind::local_infile_request: return "The server asks for a file of this machine.";
    default: return {};
  }
}

}  // namespace mysqlprobe
