#include "proxy/session/server_proof.hpp"

#include <mysqlwire/crypto/ed25519.hpp>
#include <mysqlwire/crypto/parsec.hpp>
#include <mysqlwire/crypto/rsa_password.hpp>

#include <utility>

namespace mysqlproxy {

using mysqlwire::AuthSource;
using mysqlwire::Bytes;
using mysqlwire::crypto::CachingSha2;

namespace {

constexpr std::uint8_t caching_sha2_key_request =
    static_cast<std::uint8_t>(CachingSha2::request_public_key);
constexpr std::uint8_t sha256_key_request = 1;

bool is(Bytes data, CachingSha2 what) noexcept {
  return data.size() == 1 && data[0] == static_cast<std::uint8_t>(what);
}

bool is_public_key(Bytes data) noexcept {
  return mysqlwire::as_text(data).starts_with("-----BEGIN PUBLIC KEY-----");
}

}  // namespace

ServerProof::~ServerProof() { mysqlwire::crypto::cleanse(reply_); }

Task<ServerProof::Answer> ServerProof::answer(std::string_view plugin, Bytes data,
                                              AuthSource source) {
  mysqlwire::crypto::cleanse(reply_);
  reply_.clear();
  if (source != AuthSource::more_data) salt_.assign(data.begin(), data.end());
  Answer result = Answer::declined;
  if (plugin == "mysql_native_password") {
    result = co_await native();
  } else if (plugin == "caching_sha2_password") {
    result = co_await caching_sha2(data, source);
  } else if (plugin == "sha256_password") {
    result = co_await sha256(data, source);
  } else if (plugin == "client_ed25519") {
    result = co_await ed25519(data, source);
  } else if (plugin == "parsec") {
    result = co_await parsec(data, source);
  } else if (plugin == "mysql_clear_password") {
    result = co_await clear_password();
  } else {
    result = decline("this proxy can't answer for that plugin");
  }
  co_return result;
}

Task<ServerProof::Answer> ServerProof::native() {
  if (salt_.size() != mysqlwire::salt_size) co_return decline("it sent no salt");
  if (!credentials_.has_password) co_return Answer::reply;
  if (!credentials_.sha1) {
    const Answer handed = co_await relayed("mysql_native_password", salt_, AuthSource::switched);
    if (handed == Answer::reply || !credentials_.sha1) co_return handed;
  }
  co_return say(mysqlwire::crypto::scramble(*credentials_.sha1, salt_));
}

Task<ServerProof::Answer> ServerProof::caching_sha2(Bytes data, AuthSource source) {
  if (source == AuthSource::more_data) {
    if (is(data, CachingSha2::fast_auth_success)) co_return Answer::nothing;
    if (is_public_key(data)) co_return encrypted(data);
    if (!is(data, CachingSha2::perform_full_authentication))
      co_return decline("it asked for something unknown");
    const Answer full = co_await full_password(caching_sha2_key_request);
    co_return full;
  }
  if (salt_.size() != mysqlwire::salt_size) co_return decline("it sent no salt");
  if (!credentials_.has_password) {
    constexpr std::uint8_t empty[] = {0};
    co_return say(empty);
  }
  if (!credentials_.sha256) {
    const Answer handed = co_await relayed("caching_sha2_password", salt_, AuthSource::switched);
    if (handed == Answer::reply || !credentials_.sha256) co_return handed;
  }
  co_return say(mysqlwire::crypto::sha2_scramble(*credentials_.sha256, salt_));
}

Task<ServerProof::Answer> ServerProof::sha256(Bytes data, AuthSource source) {
  if (source == AuthSource::more_data) {
    if (is_public_key(data)) co_return encrypted(data);
    co_return decline("it asked for something unknown");
  }
  if (!credentials_.has_password) {
    constexpr std::uint8_t empty[] = {0};
    co_return say(empty);
  }
  const Answer full = co_await full_password(sha256_key_request);
  co_return full;
}

Task<ServerProof::Answer> ServerProof::clear_password() {
  if (!link_.secure) co_return decline("a password in clear needs TLS to that server");
  const bool known = co_await know_password();
  co_return known ? say_password() : decline("the client did not give it");
}

/// The password itself: in clear where nobody can listen, else for the server's RSA key.
Task<ServerProof::Answer> ServerProof::full_password(std::uint8_t key_request) {
  const bool known = co_await know_password();
  if (!known) co_return decline("the password itself is needed, and the client did not give it");
  // sha256_password's clients and servers do not take a unix socket for secure.
  const bool trusted = link_.secure && !(link_.unix_socket && key_request == sha256_key_request);
  if (trusted) co_return say_password();
  if (!link_.take_key && !link_.unix_socket)
    co_return decline("sending it the password needs TLS to that server, or get_server_public_key");
  co_return say({&key_request, 1});
}

Task<ServerProof::Answer> ServerProof::ed25519(Bytes data, AuthSource source) {
  if (!credentials_.password) {
    const Answer handed = co_await relayed("client_ed25519", data, source);
    if (handed == Answer::reply || !credentials_.password) co_return handed;
  }
  const auto text = mysqlwire::as_text(credentials_.password->bytes());
  co_return say(mysqlwire::crypto::ed25519_sign(text, salt_));
}

Task<ServerProof::Answer> ServerProof::parsec(Bytes data, AuthSource source) {
  if (!credentials_.password) {
    const Answer handed = co_await relayed("parsec", data, source);
    if (handed == Answer::reply || !credentials_.password) co_return handed;
  }
  if (source != AuthSource::more_data)
    co_return Answer::reply;  // an empty packet asks for the salt
  const auto salt = mysqlwire::crypto::ParsecSalt::decode(data);
  if (!salt) co_return decline(std::string(salt.error().message));
  const auto text = mysqlwire::as_text(credentials_.password->bytes());
  co_return say(
      mysqlwire::crypto::parsec_response(text, salt_, *salt, mysqlwire::crypto::parsec_scramble()));
}

/// What can't be computed the client may answer: its answer to the server's own data is as good.
/// One that can't be asked that may give its password, and then all can be computed.
Task<ServerProof::Answer> ServerProof::relayed(std::string_view plugin, Bytes data,
                                               AuthSource source) {
  if (source_ == nullptr) co_return decline("the password itself is needed");
  const bool answered = co_await source_->relay(plugin, data, source, reply_);
  if (answered) co_return Answer::reply;
  const bool known = co_await know_password();
  co_return decline(known ? "" : "the client did not answer for it");
}

Task<bool> ServerProof::know_password() {
  if (credentials_.password) co_return true;
  if (source_ == nullptr) co_return false;
  const bool obtained = co_await source_->obtain_password(credentials_);
  co_return obtained;
}

ServerProof::Answer ServerProof::encrypted(Bytes public_key) {
  if (!credentials_.password || (!link_.take_key && !link_.unix_socket))
    return decline("it sent a key unasked");
  const auto text = mysqlwire::crypto::encrypt_password(credentials_.password->bytes(), salt_,
                                                        mysqlwire::as_text(public_key));
  return text ? say(*text) : decline(std::string(text.error().message));
}

ServerProof::Answer ServerProof::say(Bytes bytes) {
  reply_.assign(bytes.begin(), bytes.end());
  return Answer::reply;
}

ServerProof::Answer ServerProof::say_password() {
  const Bytes password = credentials_.password->bytes();
  reply_.reserve(password.size() + 1);
  reply_.assign(password.begin(), password.end());
  reply_.push_back(0);
  return Answer::reply;
}

ServerProof::Answer ServerProof::decline(std::string reason) {
  reason_ = std::move(reason);
  return Answer::declined;
}

}  // namespace mysqlproxy
