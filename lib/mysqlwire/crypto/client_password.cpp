#include <mysqlwire/crypto/client_password.hpp>
#include <mysqlwire/crypto/rsa_password.hpp>
#include <mysqlwire/wire/salt.hpp>
#include <mysqlwire/wire/wipe.hpp>

#include <utility>

namespace mysqlwire::crypto {
namespace {

constexpr std::size_t nonce_size = 32;
constexpr const char* no_clear_for_parsec =
    "the server wants parsec, and the password itself is not known";
constexpr std::uint8_t no_password[] = {0};
/// What asks sha256_password for the server's key; caching_sha2_password has another byte.
constexpr std::uint8_t sha256_key_request[] = {1};
constexpr std::uint8_t sha2_key_request[] = {
    static_cast<std::uint8_t>(CachingSha2::request_public_key)};

/// Nothing but the password will do.
constexpr AnswerAction need_password(const char* reason) {
  return {AnswerStep::need_secret, {}, reason};
}
/// So will an answer of somebody who knows it.
constexpr AnswerAction need_answer(const char* reason) {
  return {AnswerStep::need_secret, {}, reason, true};
}
constexpr AnswerAction impossible(const char* reason) {
  return {AnswerStep::impossible, {}, reason};
}

bool is_byte(Bytes data, CachingSha2 value) noexcept {
  return data.size() == 1 && data[0] == static_cast<std::uint8_t>(value);
}

}  // namespace

std::string_view preferred_plugin(const PasswordSecret& secret) noexcept {
  if (secret.clear || secret.sha1.has_value() == secret.sha256.has_value()) return {};
  return to_string(secret.sha1 ? AuthPlugin::mysql_native_password
                               : AuthPlugin::caching_sha2_password);
}

PasswordAnswer::PasswordAnswer(PasswordSecret secret, PasswordAnswerOptions options)
    : secret_(std::move(secret)), options_(std::move(options)) {}

PasswordAnswer::~PasswordAnswer() { wipe(data_); }

AnswerAction PasswordAnswer::on_auth(std::string_view plugin, Bytes data, AuthSource source) {
  source_ = source;
  if (source == AuthSource::next_factor) return impossible("the server wants a second factor");
  if (source == AuthSource::more_data) {
    pending_.assign(data.begin(), data.end());
    return on_more(pending_);
  }
  plugin_ = find_auth_plugin(plugin);
  salt_.assign(data.begin(), data.end());
  waiting_ = Waiting::start;
  return begin();
}

AnswerAction PasswordAnswer::supply(PasswordSecret secret) {
  secret_ = std::move(secret);
  if (source_ == AuthSource::more_data) return on_more(pending_);
  return begin();
}

AnswerAction PasswordAnswer::begin() {
  switch (plugin_) {
    case AuthPlugin::mysql_native_password: return native();
    case AuthPlugin::caching_sha2_password: return sha2();
    case AuthPlugin::sha256_password: return full_password();
    case AuthPlugin::client_ed25519: return ed25519();
    case AuthPlugin::parsec:
      // An empty packet asks how the key is made. A greeting's salt is too short to be a scramble:
      // the server is going to switch to parsec with one of its own.
      waiting_ = Waiting::more;
      if (salt_.size() != nonce_size) return not_answered("a scramble of another size");
      return secret_.clear ? reply({}) : need_answer(no_clear_for_parsec);
    case AuthPlugin::mysql_clear_password: return clear_password();
    case AuthPlugin::mysql_old_password:
      return not_answered("the server wants mysql_old_password, which is broken");
    case AuthPlugin::unknown: break;
  }
  return not_answered("the server wants a plugin that is not known");
}

AnswerAction PasswordAnswer::on_more(Bytes data) {
  if (waiting_ == Waiting::public_key) return encrypted(as_text(data));
  if (plugin_ == AuthPlugin::parsec && waiting_ == Waiting::more) return parsec(data);
  if (plugin_ == AuthPlugin::caching_sha2_password) {
    if (is_byte(data, CachingSha2::fast_auth_success)) return {AnswerStep::wait};
    if (is_byte(data, CachingSha2::perform_full_authentication)) {
      full_ = true;
      return full_password();
    }
  }
  return impossible("the server sent what its plugin does not say");
}

AnswerAction PasswordAnswer::native() {
  if (secret_.clear && secret_.clear->empty()) return reply({});
  if (salt_.size() != salt_size) return not_answered("a salt of another size");
  const auto sha1 = secret_.get_sha1();
  if (!sha1)
    return need_answer("the server wants mysql_native_password, and SHA1(password) is not known");
  return reply(scramble(*sha1, salt_));
}

AnswerAction PasswordAnswer::sha2() {
  if (secret_.clear && secret_.clear->empty()) return reply(no_password);
  if (salt_.size() != salt_size) return not_answered("a salt of another size");
  const auto sha256 = secret_.get_sha256();
  if (!sha256)
    return need_answer("the server wants caching_sha2_password, and SHA256(password) is not known");
  return reply(sha2_scramble(*sha256, salt_));
}

/// sha256_password, and the full authentication of caching_sha2_password.
AnswerAction PasswordAnswer::full_password() {
  const bool caching = plugin_ == AuthPlugin::caching_sha2_password;
  const bool sealed = options_.channel.tls || (options_.channel.unix_socket && caching);
  if (!sealed && options_.server_public_key.empty() && !options_.request_public_key)
    return not_answered(
        "the server wants the password itself, and there is neither TLS nor an RSA key to trust");
  if (!secret_.clear)
    return need_password(caching
                             ? "the server wants full authentication by caching_sha2_password, and "
                               "the password itself is not known"
                             : "the server wants sha256_password, and the password itself is not "
                               "known");
  if (!caching && secret_.clear->empty()) return reply(no_password);
  if (sealed) return reply_in_clear();
  if (!options_.server_public_key.empty()) return encrypted(options_.server_public_key);
  waiting_ = Waiting::public_key;
  return reply(caching ? sha2_key_request : sha256_key_request);
}

AnswerAction PasswordAnswer::encrypted(std::string_view public_key) {
  waiting_ = Waiting::more;
  if (!secret_.clear) return impossible("the password itself is not known any more");
  const auto cipher = encrypt_password(secret_.clear->bytes(), salt_, public_key);
  if (!cipher) return impossible("the server's RSA key is none, or too small for the password");
  return reply(*cipher);
}

AnswerAction PasswordAnswer::ed25519() {
  if (salt_.size() != nonce_size) return not_answered("a nonce of another size");
  if (!secret_.clear)
    return need_answer("the server wants client_ed25519, and the password itself is not known");
  return reply(ed25519_sign(as_text(secret_.clear->bytes()), salt_));
}

AnswerAction PasswordAnswer::parsec(Bytes data) {
  const auto salt = ParsecSalt::decode(data);
  if (!salt) return impossible(salt.error().message);
  if (!secret_.clear) return need_answer(no_clear_for_parsec);
  waiting_ = Waiting::start;
  return reply(parsec_response(as_text(secret_.clear->bytes()), salt_, *salt, parsec_scramble()));
}

AnswerAction PasswordAnswer::clear_password() {
  if (!options_.allow_clear_password)
    return not_answered("the server wants mysql_clear_password, which is not allowed");
  if (!options_.channel.tls && !options_.channel.unix_socket)
    return not_answered(
        "the server wants mysql_clear_password, and there is neither TLS nor a unix socket");
  if (!secret_.clear)
    return need_password(
        "the server wants mysql_clear_password, and the password itself is not known");
  return reply_in_clear();
}

AnswerAction PasswordAnswer::not_answered(const char* reason) {
  if (source_ == AuthSource::greeting) return reply({});
  return impossible(reason);
}

AnswerAction PasswordAnswer::reply(Bytes data) {
  wipe(data_);
  data_.assign(data.begin(), data.end());
  return {AnswerStep::reply, data_};
}

AnswerAction PasswordAnswer::reply_in_clear() {
  const Bytes password = secret_.clear->bytes();
  wipe(data_);
  // At once in full: a growing buffer would leave copies behind.
  data_.reserve(password.size() + 1);
  data_.assign(password.begin(), password.end());
  data_.push_back(0);
  return {AnswerStep::reply, data_};
}

}  // namespace mysqlwire::crypto
