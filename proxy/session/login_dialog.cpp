#include "proxy/session/login_dialog.hpp"

#include "proxy/session/errors.hpp"
#include "proxy/session/packet_io.hpp"
#include "proxy/session/tls_handshake.hpp"

#include <mysqlwire/crypto/salt.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <fmt/format.h>

#include <array>

namespace mysqlproxy {

using mysqlwire::AuthSource;
using mysqlwire::Bytes;
using mysqlwire::ServerStep;
namespace crypto = mysqlwire::crypto;

namespace {

/// An SSLRequest with its header: what may be read before it is known whether TLS follows.
constexpr std::size_t ssl_request_size = 36;

constexpr std::string_view native_plugin = "mysql_native_password";
constexpr std::string_view caching_sha2_plugin = "caching_sha2_password";
constexpr std::string_view sha256_plugin = "sha256_password";
constexpr std::string_view ed25519_plugin = "client_ed25519";
constexpr std::string_view parsec_plugin = "parsec";
constexpr std::uint8_t sha256_key_request = 1;

constexpr std::uint8_t byte_of(crypto::CachingSha2 what) { return static_cast<std::uint8_t>(what); }

/// The plugins by which a password can be checked against what is stored, the best first.
std::vector<std::string_view> plugins_for(const StoredHashes& hashes) {
  std::vector<std::string_view> plugins;
  if (hashes.native) plugins.push_back(native_plugin);
  const bool sha256 = hashes.crypt && hashes.crypt->form == crypto::ShaCryptHash::Form::sha256;
  if (hashes.sha2 || (hashes.crypt && !sha256)) plugins.push_back(caching_sha2_plugin);
  if (sha256) plugins.push_back(sha256_plugin);
  if (hashes.ed25519) plugins.push_back(ed25519_plugin);
  if (hashes.parsec) plugins.push_back(parsec_plugin);
  return plugins;
}

/// What an unknown user is checked against: nobody has this password, and it takes as long.
const StoredHashes& decoy(std::string_view plugin) {
  static const std::string noise = [] {
    const auto salt = crypto::random_salt();
    return std::string(mysqlwire::as_text(salt));
  }();
  static const StoredHashes native{.native = crypto::native_hash(noise)};
  static const StoredHashes sha2{
      .crypt = crypto::make_sha_crypt(noise, crypto::ShaCryptHash::Form::caching_sha2)};
  return plugin == caching_sha2_plugin ? sha2 : native;
}

const crypto::Sha1& empty_hash() {
  static const crypto::Sha1 hash = crypto::native_hash("");
  return hash;
}

bool matches(std::string_view password, const StoredHashes& hashes) {
  bool known = false;
  bool good = true;
  const auto check = [&](bool right) {
    known = true;
    good = good && right;
  };
  if (hashes.native)
    check(crypto::equal_in_constant_time(crypto::native_hash(password), *hashes.native));
  if (hashes.sha2) check(crypto::equal_in_constant_time(crypto::sha2_hash(password), *hashes.sha2));
  if (hashes.crypt && !hashes.sha2) check(crypto::verify_sha_crypt(password, *hashes.crypt));
  if (hashes.ed25519)
    check(crypto::equal_in_constant_time(crypto::ed25519_public_key(password), *hashes.ed25519));
  return known && good;
}

}  // namespace

void LoginDialog::end(EndedBy side, std::string reason) {
  if (ending_.reason.empty()) ending_ = {side, std::move(reason)};
}

void LoginDialog::send(const mysqlwire::Buffer& out) {
  if (!out.empty()) side_.channel.send(out);
}

Task<bool> LoginDialog::hear() {
  bool goes_on = true;
  step_ = ServerStep::need_more;
  while (goes_on && step_ == ServerStep::need_more) goes_on = co_await next_reply();
  co_return goes_on;
}

/// Waits for the client's next packet and gives it to the role.
Task<bool> LoginDialog::next_reply() {
  reader_.set_max_payload(role_.max_payload());
  const std::size_t careful = side_.tls && side_.channel.tls() == nullptr ? ssl_request_size : 0;
  const Reception got = co_await receive_packet(side_.loop, side_.waker, side_.channel, reader_,
                                                side_.deadline, nullptr, careful);
  mysqlwire::Buffer out;
  switch (got.kind) {
    case Reception::Kind::packet: break;
    case Reception::Kind::abandoned:
    case Reception::Kind::closed:
      spoke_ = side_.channel.bytes_in != 0;
      end(EndedBy::client, "left during the login");
      co_return false;
    case Reception::Kind::timed_out:
      spoke_ = true;
      role_.reject(error_payload(read_timeout, "Got timeout reading communication packets"), out);
      send(out);
      end(EndedBy::proxy, "handshake_timeout");
      co_return false;
    case Reception::Kind::malformed:
      spoke_ = true;
      role_.refuse(got.error, out);
      send(out);
      end(EndedBy::proxy, fmt::format("malformed login: {}", to_string(got.error)));
      co_return false;
  }
  step_ = receive_(role_, got.packet, out);
  spoke_ = step_ != ServerStep::quit;
  send(out);
  if (step_ == ServerStep::quit) end(EndedBy::client, "quit before login");
  if (step_ == ServerStep::refused)
    end(EndedBy::proxy, fmt::format("login refused: {}", to_string(role_.error())));
  bool goes_on = step_ != ServerStep::quit && step_ != ServerStep::refused;
  if (step_ == ServerStep::start_tls) {
    step_ = ServerStep::need_more;
    goes_on = co_await secure();
  }
  co_return goes_on;
}

/// The client has asked for TLS. What came behind the request in clear was not sent by it.
Task<bool> LoginDialog::secure() {
  std::string reason = "bytes in clear behind the SSLRequest";
  if (reader_.buffered() == 0) {
    auto tls = std::make_unique<TlsStream>(side_.tls, side_.tls->accept(), side_.channel.socket);
    reason =
        co_await start_tls(side_.waker, side_.channel, std::move(tls), side_.deadline, nullptr);
  }
  if (reason.empty()) co_return true;
  mysqlwire::Buffer out;
  role_.reject(error_payload(bad_handshake, "Bad handshake"), out);
  send(out);
  end(EndedBy::proxy, fmt::format("TLS with the client: {}", reason));
  co_return false;
}

Task<bool> LoginDialog::switch_to(std::string_view plugin, Bytes data) {
  mysqlwire::Buffer out;
  step_ = role_.switch_plugin(plugin, data, out);
  send(out);
  must_switch_ = false;
  if (step_ == ServerStep::refused) {
    end(EndedBy::proxy, fmt::format("login refused: {}", to_string(role_.error())));
    co_return false;
  }
  const bool goes_on = co_await hear();
  co_return goes_on;
}

/// With data of our own: the greeting's salt for the oldest plugin, as servers do it, else fresh.
Task<bool> LoginDialog::switch_to(std::string_view plugin) {
  const bool wide = plugin == ed25519_plugin || plugin == parsec_plugin;
  const crypto::ParsecScramble nonce = crypto::parsec_scramble();
  const mysqlwire::Salt salt = plugin == native_plugin ? salt_ : crypto::random_salt();
  const Bytes data = wide ? Bytes(nonce) : Bytes(salt);
  const bool goes_on = co_await switch_to(plugin, data);
  co_return goes_on;
}

Task<bool> LoginDialog::more(Bytes data) {
  mysqlwire::Buffer out;
  step_ = role_.more_data(data, out);
  send(out);
  if (step_ == ServerStep::refused) {
    end(EndedBy::proxy, fmt::format("login refused: {}", to_string(role_.error())));
    co_return false;
  }
  const bool goes_on = co_await hear();
  co_return goes_on;
}

Task<bool> LoginDialog::verify(const Topology::User* user, std::string_view usual_plugin,
                               Credentials& credentials) {
  credentials.user = role_.login().user;
  if (user != nullptr && user->config.passthrough) {
    credentials.has_password = true;  // the server will find out
    co_return true;
  }
  hashes_ = user != nullptr ? user->config.hashes : decoy(usual_plugin);
  const auto plugins = plugins_for(hashes_);
  const bool usable = std::ranges::find(plugins, role_.plugin()) != plugins.end();
  const std::string plugin(usable ? role_.plugin() : plugins.front());
  const auto length = role_.auth_response().size();
  const bool plausible = plugin != native_plugin || length == 0 || length == mysqlwire::salt_size;
  // These answer a nonce that no greeting has.
  const bool nonce = plugin == ed25519_plugin || plugin == parsec_plugin;
  if (!usable || must_switch_ || !plausible || nonce) {
    const bool goes_on = co_await switch_to(plugin);
    if (!goes_on) co_return false;
  }
  const bool using_password = role_.auth_response().size() > 1;
  bool right = co_await prove(plugin, credentials);
  if (!ending_.reason.empty()) co_return false;
  right = right && user != nullptr;
  if (right) co_return true;
  side_.services.counters.refused_logins.fetch_add(1, std::memory_order_relaxed);
  const std::string message = access_denied_message(credentials.user, side_.host, using_password);
  reject(error_payload(access_denied, message));
  denied_ = true;
  end(EndedBy::proxy, message);
  co_return false;
}

Task<bool> LoginDialog::prove(std::string_view plugin, Credentials& credentials) {
  credentials.has_password = true;
  bool right = false;
  if (plugin == native_plugin) {
    right = prove_native(credentials);
  } else if (plugin == caching_sha2_plugin) {
    right = co_await prove_caching_sha2(credentials);
  } else if (plugin == sha256_plugin) {
    right = co_await prove_sha256(credentials);
  } else if (plugin == ed25519_plugin) {
    right = crypto::ed25519_verify(role_.auth_response(), role_.salt(), *hashes_.ed25519);
  } else {
    right = co_await prove_parsec();
  }
  co_return right;
}

bool LoginDialog::prove_native(Credentials& credentials) {
  credentials.has_password = *hashes_.native != empty_hash();
  if (!credentials.has_password) return role_.auth_response().empty();
  credentials.sha1 = crypto::recover_stage1(role_.auth_response(), role_.salt(), *hashes_.native);
  return credentials.sha1.has_value();
}

Task<bool> LoginDialog::prove_caching_sha2(Credentials& credentials) {
  if (role_.auth_response().size() <= 1) co_return false;  // no account here is without a password
  auto known = hashes_.sha2;
  if (!known) known = side_.services.learnt.find(credentials.user, hashes_);
  if (known)
    credentials.sha256 = crypto::recover_sha2_stage1(role_.auth_response(), role_.salt(), *known);
  fast_ = credentials.sha256.has_value();
  if (fast_) co_return true;
  // As servers do: a wrong answer may as well mean that what is cached is old.
  const bool right = co_await full_password(credentials);
  co_return right;
}

Task<bool> LoginDialog::prove_sha256(Credentials& credentials) {
  if (secure_link() && role_.auth_response().size() > 1 && !side_.unix_socket)
    co_return take_password(role_.auth_response(), credentials);
  const bool right = co_await password_by_key(sha256_key_request, credentials);
  co_return right;
}

Task<bool> LoginDialog::prove_parsec() {
  const mysqlwire::Buffer nonce(role_.salt().begin(), role_.salt().end());
  const mysqlwire::Buffer salt = hashes_.parsec->salt.encode();
  const bool goes_on = co_await more(salt);
  co_return goes_on&& crypto::verify_parsec(role_.auth_response(), nonce, *hashes_.parsec);
}

/// caching_sha2's full authentication, from our request on.
Task<bool> LoginDialog::full_password(Credentials& credentials) {
  const std::uint8_t request[] = {byte_of(crypto::CachingSha2::perform_full_authentication)};
  const bool goes_on = co_await more(request);
  if (!goes_on) co_return false;
  bool right = false;
  if (secure_link())
    right = take_password(role_.auth_response(), credentials);
  else
    right = co_await password_by_key(byte_of(crypto::CachingSha2::request_public_key), credentials);
  co_return right;
}

/// The newest reply asks for our RSA key, or is the password encrypted for it already.
Task<bool> LoginDialog::password_by_key(std::uint8_t key_request, Credentials& credentials) {
  const auto& key = side_.services.rsa_key;
  const Bytes reply = role_.auth_response();
  if (!key) co_return false;
  if (reply.size() == 1 && reply[0] == key_request) {
    const bool goes_on = co_await more(mysqlwire::as_bytes(key->public_pem()));
    if (!goes_on) co_return false;
  }
  auto password = key->decrypt(role_.auth_response(), role_.salt());
  if (!password) co_return false;
  co_return check_password(std::move(*password), credentials);
}

bool LoginDialog::take_password(Bytes clear_with_nul, Credentials& credentials) {
  if (clear_with_nul.empty() || clear_with_nul.back() != 0) return false;
  return check_password(crypto::SecretBytes(clear_with_nul.first(clear_with_nul.size() - 1)),
                        credentials);
}

/// For a user of whom nothing is stored the server checks it.
bool LoginDialog::check_password(crypto::SecretBytes password, Credentials& credentials) {
  const std::string_view text = mysqlwire::as_text(password.bytes());
  const bool stored = !plugins_for(hashes_).empty();
  if (stored && !matches(text, hashes_)) return false;
  if (stored) side_.services.learnt.learn(credentials.user, hashes_, crypto::sha2_hash(text));
  credentials.learn(std::move(password));
  return true;
}

Task<bool> LoginDialog::obtain_password(Credentials& credentials) {
  if (credentials.password) co_return true;
  if (!ending_.reason.empty()) co_return false;
  if (!secure_link() && !side_.services.rsa_key) co_return false;
  if (!role_.login().capabilities.has(mysqlwire::Capability::plugin_auth)) co_return false;
  if (role_.plugin() == ed25519_plugin || role_.plugin() == parsec_plugin) co_return false;
  if (role_.plugin() != caching_sha2_plugin) {
    const bool goes_on = co_await switch_to(caching_sha2_plugin);
    if (!goes_on) co_return false;
  }
  fast_ = false;
  const bool right = co_await full_password(credentials);
  co_return right;
}

Task<bool> LoginDialog::relay(std::string_view plugin, Bytes data, AuthSource source,
                              mysqlwire::Buffer& reply) {
  // In the middle of a fast path the client takes no other request.
  if (fast_ || !ending_.reason.empty()) co_return false;
  if (!role_.login().capabilities.has(mysqlwire::Capability::plugin_auth)) co_return false;
  bool goes_on = false;
  if (source == AuthSource::more_data)
    goes_on = co_await more(data);
  else
    goes_on = co_await switch_to(plugin, data);
  if (!goes_on) co_return false;
  const Bytes response = role_.auth_response();
  reply.assign(response.begin(), response.end());
  fast_ = plugin == caching_sha2_plugin;
  co_return true;
}

void LoginDialog::accept(Bytes ok_payload) {
  mysqlwire::Buffer out;
  const std::uint8_t enough[] = {byte_of(crypto::CachingSha2::fast_auth_success)};
  if (fast_) role_.more_data(enough, out);
  role_.accept(ok_payload, out);
  send(out);
}

void LoginDialog::reject(Bytes err_payload) {
  mysqlwire::Buffer out;
  role_.reject(err_payload, out);
  send(out);
}

}  // namespace mysqlproxy
