// Logins, PasswordCheck and PasswordAnswer against each other, as a story of what was asked.
#pragma once

#include "support/hex.hpp"

#include <mysqlwire/crypto/client_password.hpp>
#include <mysqlwire/crypto/server_password.hpp>
#include <mysqlwire/session/client_change_user.hpp>
#include <mysqlwire/session/client_handshake.hpp>
#include <mysqlwire/session/server_change_user.hpp>
#include <mysqlwire/session/server_handshake.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mysqlwire::test {

using namespace crypto;

inline const RsaKey& rsa_key() {
  static const RsaKey key = RsaKey::generate();
  return key;
}

inline PasswordSecret clear(std::string_view password) {
  PasswordSecret secret;
  secret.clear.emplace(as_bytes(password));
  return secret;
}

/// One form of a password; "none" is an account without.
inline StoredPassword stored(std::string_view form, std::string_view password = "secret") {
  StoredPassword all;
  for (std::string_view rest = form; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find('+'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (one == "none") all.no_password = true;
    if (one == "native") all.native = native_hash(password);
    if (one == "sha2") all.sha2 = sha2_hash(password);
    if (one == "$A$") all.caching_sha2 = make_sha_crypt(password, ShaCryptHash::Form::caching_sha2);
    if (one == "$5$") all.sha256 = make_sha_crypt(password, ShaCryptHash::Form::sha256);
    if (one == "ed25519") all.ed25519 = ed25519_public_key(password);
    if (one == "parsec") all.parsec = make_parsec(password);
  }
  return all;
}

struct Login {
  StoredPassword stored;
  PasswordSecret secret;
  PasswordCheckOptions server;
  PasswordAnswerOptions client;
  std::string greeting_plugin = "caching_sha2_password";
  std::string client_plugin{};
  bool plugin_auth = true;
  /// Once accepted, the server asks for the password itself.
  bool ask_for_clear = false;
  /// What is stored by the time that a login is denied, for a second judgement.
  std::optional<StoredPassword> newer{};
};

/// How a login went: the plugins answered and the signs in between, then the end.
struct Outcome {
  std::string story;
  PasswordSecret learnt;
  Buffer password_hash;
  bool used_password = false;
  std::string reason;
};

/// Carries packets between two roles until one of them is done.
class Conversation {
 public:
  Conversation(Login login, ClientAuth& client, ServerAuth& server)
      : login_(std::move(login)),
        check_(login_.stored, login_.server),
        answer_(std::move(login_.secret), login_.client),
        client_(client),
        server_(server) {}

  template <class Client, class Server>
  Outcome run(Client& client, Server& server, Buffer to_client, Buffer to_server) {
    for (int round = 0; round < 20 && !over_; ++round) {
      deliver(to_client, [&](const Packet& packet) {
        on_client_step(client.on_packet(packet, to_server), client, to_server);
      });
      deliver(to_server, [&](const Packet& packet) {
        const ServerStep step = server.on_packet(packet, to_client);
        if (step == ServerStep::need_verdict) judge(to_client);
        if (step == ServerStep::refused) say("server-refused");
      });
    }
    outcome_.learnt = std::move(check_.learnt());
    outcome_.password_hash = check_.password_hash();
    outcome_.used_password = check_.used_password();
    return std::move(outcome_);
  }

  template <class Client>
  void on_client_step(ClientStep step, Client& client, Buffer& out) {
    switch (step) {
      case ClientStep::need_auth: {
        const AnswerAction action = answer(answer_, client_);
        if (client_.auth_source() != AuthSource::more_data) say(std::string(client_.plugin()));
        if (action.step == AnswerStep::reply) {
          if (client_.auth_source() == AuthSource::more_data) say("more");
          client.respond(action.data, out);
        } else if (action.step == AnswerStep::wait) {
          say("fast");
        } else {
          end(action.step == AnswerStep::need_secret ? "need_secret" : "impossible", action.reason);
        }
        break;
      }
      case ClientStep::ready: end("ok"); break;
      case ClientStep::refused: end("refused"); break;
      case ClientStep::failed: end("failed", to_string(client_.error())); break;
      default: break;
    }
  }

 private:
  template <class Handle>
  void deliver(Buffer& bytes, const Handle& handle) {
    FrameReader reader;
    reader.feed(bytes);
    bytes.clear();
    for (auto next = reader.next(); next && *next && !over_; next = reader.next()) handle(**next);
  }

  void judge(Buffer& out) {
    CheckAction action = advance(check_, server_, out);
    if (action.step == CheckStep::accepted && std::exchange(login_.ask_for_clear, false)) {
      say("asked");
      action = carry_out(check_.ask_for_clear(), server_, out);
    }
    if (action.step == CheckStep::denied && login_.newer) {
      say("again");
      const StoredPassword newer = *std::exchange(login_.newer, std::nullopt);
      action = carry_out(
          check_.judge_again(newer, server_.plugin(), server_.salt(), server_.auth_response()),
          server_, out);
    }
    switch (action.step) {
      case CheckStep::accepted: accept(check_, server_, hex("00000002000000"), out); break;
      case CheckStep::denied:
      case CheckStep::impossible:
        outcome_.reason = action.reason;
        say(action.step == CheckStep::denied ? "denied" : "server-impossible");
        server_.reject(as_bytes("\xff\x15\x04#28000no"), out);
        break;
      case CheckStep::refused: say("server-refused"); break;
      default: break;
    }
  }

  void say(const std::string& word) {
    if (!outcome_.story.empty()) outcome_.story += ' ';
    outcome_.story += word;
  }
  void end(const std::string& word, const std::string& reason = "") {
    say(word);
    if (!reason.empty()) outcome_.reason = reason;
    over_ = true;
  }

  Login login_;
  PasswordCheck check_;
  PasswordAnswer answer_;
  ClientAuth& client_;
  ServerAuth& server_;
  Outcome outcome_;
  bool over_ = false;
};

inline ServerGreeting greeting_of(const Login& login) {
  ServerGreeting greeting;
  greeting.server_version = "8.0.15";
  greeting.capabilities = Capability::protocol_41 | Capability::secure_connection |
                          Capability::plugin_auth | Capability::plugin_auth_lenenc_client_data;
  greeting.auth_plugin = login.greeting_plugin;
  greeting.salt = random_salt();
  return greeting;
}

inline ClientLogin client_login(const Login& login) {
  ClientLogin client;
  client.capabilities = Capability::plugin_auth_lenenc_client_data;
  if (login.plugin_auth) client.capabilities.set(Capability::plugin_auth);
  client.user = "u";
  client.preferred_plugin = login.client_plugin;
  return client;
}

inline Outcome log_in(Login login) {
  ServerHandshake server(greeting_of(login));
  ClientHandshake client(client_login(login));
  Buffer greeting;
  server.start(greeting);
  Conversation conversation(std::move(login), client, server);
  return conversation.run(client, server, std::move(greeting), {});
}

inline Outcome change_user(Login login) {
  const ServerGreeting greeting = greeting_of(login);
  const Capabilities capabilities = greeting.capabilities;
  ServerChangeUser server(capabilities, Flavor::mysql, greeting.salt);
  ClientChangeUser client(client_login(login), capabilities, greeting);
  Buffer command;
  client.start(command);
  Conversation conversation(std::move(login), client, server);
  return conversation.run(client, server, {}, std::move(command));
}

inline std::string story(Login login) { return log_in(std::move(login)).story; }

inline constexpr Channel plain{};
inline constexpr Channel tls{true, false};
inline constexpr Channel unix_socket{false, true};

/// Both sides see the same link.
inline Login over(Channel channel, std::string_view form, PasswordSecret secret = clear("secret")) {
  Login login{stored(form), std::move(secret), {}, {}};
  login.server.channel = channel;
  login.client.channel = channel;
  return login;
}

inline Login with_rsa(Login login) {
  login.server.rsa = &rsa_key();
  login.client.request_public_key = true;
  return login;
}

}  // namespace mysqlwire::test
