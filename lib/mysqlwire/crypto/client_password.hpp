// The client's side of every authentication plugin.
#pragma once

#include <mysqlwire/crypto/password.hpp>
#include <mysqlwire/session/client_auth.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlwire::crypto {

struct PasswordAnswerOptions {
  Channel channel;
  /// Whether mysql_clear_password is answered; never but through TLS or a unix socket.
  bool allow_clear_password = false;
  /// The server's public key in PEM, known beforehand.
  std::string server_public_key;
  /// Without one: whether to take the key that the server sends. Nothing vouches for that key:
  /// whoever is in between can send his own and read the password.
  bool request_public_key = false;
};

enum class AnswerStep : std::uint8_t {
  reply,        ///< send `data` (ClientAuth::respond)
  wait,         ///< nothing to send: feed the next packet
  need_secret,  ///< supply() more of the password, or give up; `reason` says what lacks
  impossible,   ///< give up and close; `reason` says why
};

struct AnswerAction {
  AnswerStep step = AnswerStep::impossible;
  Bytes data{};             ///< valid until the answer's next call; may be a password in clear
  const char* reason = "";  ///< static
  /// need_secret: an answer to this very request, from somebody who knows the password, does as
  /// well. ClientAuth::respond() takes it; this object only goes on with what the server says next.
  bool can_be_relayed = false;
};

/// Answers what one server asks in a login, by what is known of the password. No I/O.
///
///   asked for               needs
///   mysql_native_password   SHA1(password), or the password
///   caching_sha2_password   SHA256(password), or the password; for full authentication, when the
///                           server's cache is cold, the password
///   the others              the password
///
/// The password itself goes out through TLS, through a unix socket (caching_sha2_password and
/// mysql_clear_password) or encrypted for an RSA key, and else not: a server, or who is in between,
/// can ask for anything. Plugins that are unknown or off are answered with nothing when the
/// greeting names them, since the server may ask for another, and are `impossible` after that.
///
/// Several switches in a row are followed; ClientAuth bounds them.
class PasswordAnswer {
 public:
  PasswordAnswer(PasswordSecret secret, PasswordAnswerOptions options);
  ~PasswordAnswer();
  PasswordAnswer(PasswordAnswer&&) noexcept = default;
  PasswordAnswer& operator=(PasswordAnswer&&) = delete;
  PasswordAnswer(const PasswordAnswer&) = delete;
  PasswordAnswer& operator=(const PasswordAnswer&) = delete;

  /// ClientAuth's plugin(), auth_data() and auth_source().
  AnswerAction on_auth(std::string_view plugin, Bytes data, AuthSource source);
  /// After need_secret: what was asked for. Replaces the secret as a whole.
  AnswerAction supply(PasswordSecret secret);

  /// The plugin that was answered last.
  AuthPlugin plugin() const noexcept { return plugin_; }
  /// caching_sha2_password: the server had the password asked for in full.
  bool full_authentication() const noexcept { return full_; }

 private:
  enum class Waiting : std::uint8_t { start, more, public_key };

  AnswerAction begin();
  AnswerAction on_more(Bytes data);
  AnswerAction native();
  AnswerAction sha2();
  AnswerAction full_password();
  AnswerAction encrypted(std::string_view public_key);
  AnswerAction ed25519();
  AnswerAction parsec(Bytes data);
  AnswerAction clear_password();
  AnswerAction not_answered(const char* reason);
  AnswerAction reply(Bytes data);
  AnswerAction reply_in_clear();

  PasswordSecret secret_;
  PasswordAnswerOptions options_;
  Buffer salt_;
  Buffer pending_;  // the data that supply() goes on with
  Buffer data_;
  AuthPlugin plugin_ = AuthPlugin::unknown;
  AuthSource source_ = AuthSource::greeting;
  Waiting waiting_ = Waiting::start;
  bool full_ = false;
};

/// For ClientLogin::preferred_plugin: empty, the one that the greeting names, unless the secret
/// answers one plugin only.
std::string_view preferred_plugin(const PasswordSecret& secret) noexcept;

/// To be called on each ClientStep::need_auth.
inline AnswerAction answer(PasswordAnswer& password, const ClientAuth& auth) {
  return password.on_auth(auth.plugin(), auth.auth_data(), auth.auth_source());
}

}  // namespace mysqlwire::crypto
