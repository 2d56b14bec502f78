#include <mysqlwire/crypto/salt.hpp>
#include <mysqlwire/crypto/server_password.hpp>
#include <mysqlwire/wire/wipe.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace mysqlwire::crypto {
namespace {

/// The order in which plugins are proposed to a client whose own choice does not fit.
constexpr AuthPlugin proposed[] = {
    AuthPlugin::caching_sha2_password, AuthPlugin::mysql_native_password,
    AuthPlugin::client_ed25519,        AuthPlugin::parsec,
    AuthPlugin::sha256_password,       AuthPlugin::mysql_clear_password,
};

constexpr std::size_t nonce_size = 32;

constexpr std::uint8_t fast_auth_success[] = {
    static_cast<std::uint8_t>(CachingSha2::fast_auth_success)};

bool takes_nonce(AuthPlugin plugin) noexcept {
  return plugin == AuthPlugin::client_ed25519 || plugin == AuthPlugin::parsec;
}

/// Whether data by this plugin can be an answer to a salt of that size. A client that begins with
/// client_ed25519 or parsec has 20 bytes of the greeting and needs 32.
bool answers(AuthPlugin plugin, std::size_t salt) noexcept {
  return salt == (takes_nonce(plugin) ? nonce_size : salt_size);
}

/// How clients that send passwords in clear or SHA-2 say that they have none.
bool is_empty_password(Bytes response) noexcept {
  return response.empty() || (response.size() == 1 && response[0] == 0);
}

/// The byte by which a client asks for the server's key.
std::uint8_t key_request(AuthPlugin plugin) noexcept {
  constexpr std::uint8_t of_sha256_password = 1;
  return plugin == AuthPlugin::sha256_password
             ? of_sha256_password
             : static_cast<std::uint8_t>(CachingSha2::request_public_key);
}

}  // namespace

PasswordCheck::PasswordCheck(StoredPassword stored, const PasswordCheckOptions& options)
    : stored_(std::move(stored)), options_(options) {}

PasswordCheck::~PasswordCheck() { wipe(data_); }

/// Whether a client that uses the plugin takes the link for safe.
bool PasswordCheck::sealed(AuthPlugin plugin) const noexcept {
  return options_.channel.tls ||
         (options_.channel.unix_socket && plugin != AuthPlugin::sha256_password);
}

bool PasswordCheck::can_receive_clear(AuthPlugin plugin) const noexcept {
  const bool sealed = this->sealed(plugin);
  if (plugin == AuthPlugin::mysql_clear_password) return options_.allow_clear_password && sealed;
  return sealed || options_.rsa != nullptr;
}

/// Whether the plugin's own form is stored.
bool PasswordCheck::fits(AuthPlugin plugin) const noexcept {
  switch (plugin) {
    case AuthPlugin::mysql_native_password: return stored_.native || stored_.no_password;
    case AuthPlugin::caching_sha2_password:
      // libmysqlclient takes an RSA key by sha256_password, and by this plugin only when told to.
      return stored_.sha2 || stored_.no_password ||
             (stored_.caching_sha2 && can_receive_clear(plugin)) ||
             (stored_.sha256 && sealed(plugin));
    case AuthPlugin::sha256_password:
      return (stored_.sha256 || stored_.no_password) && can_receive_clear(plugin);
    case AuthPlugin::client_ed25519: return stored_.ed25519.has_value();
    case AuthPlugin::parsec: return stored_.parsec.has_value();
    default: return false;
  }
}

/// Whether the plugin can be checked at all, across plugins too.
bool PasswordCheck::can_check(AuthPlugin plugin) const noexcept {
  if (fits(plugin)) return true;
  switch (plugin) {
    case AuthPlugin::caching_sha2_password:
    case AuthPlugin::sha256_password:
    case AuthPlugin::mysql_clear_password: return !stored_.empty() && can_receive_clear(plugin);
    default: return false;
  }
}

/// The client's own plugin, one whose form is stored, or one that gives the password itself.
AuthPlugin PasswordCheck::choose(AuthPlugin used) const noexcept {
  const auto fitting = [this](AuthPlugin plugin) { return fits(plugin); };
  const auto possible = [this](AuthPlugin plugin) { return can_check(plugin); };
  if (options_.want_clear && !stored_.no_password) {
    if (used == AuthPlugin::sha256_password || used == AuthPlugin::mysql_clear_password)
      if (can_check(used)) return used;
    if (!stored_.empty() && can_receive_clear(AuthPlugin::caching_sha2_password))
      return AuthPlugin::caching_sha2_password;
  }
  if (fits(used) || (used == AuthPlugin::mysql_clear_password && can_check(used))) return used;
  const auto* found = std::ranges::find_if(proposed, fitting);
  if (found != std::end(proposed)) return *found;
  if (can_check(used)) return used;
  found = std::ranges::find_if(proposed, possible);
  return found != std::end(proposed) ? *found : AuthPlugin::unknown;
}

CheckAction PasswordCheck::on_response(std::string_view plugin, Bytes salt, Bytes response,
                                       bool must_switch) {
  switch (waiting_) {
    case Waiting::over: return deny("the login is over");
    case Waiting::full: return on_full(salt, response);
    case Waiting::parsec: return check_parsec(salt, response);
    case Waiting::relayed: return on_relayed(response);
    case Waiting::switched: return check(salt, response);
    case Waiting::first: break;
  }
  const AuthPlugin used = find_auth_plugin(plugin);
  if (options_.unchecked) return take_unchecked(used, response, must_switch);
  const AuthPlugin chosen = choose(used);
  if (chosen == AuthPlugin::unknown) {
    waiting_ = Waiting::over;
    return {CheckStep::impossible,
            {},
            {},
            stored_.empty() ? "no hash of the user's password is stored"
                            : "what is stored of the user's password needs TLS or an RSA key"};
  }
  if (can_wait(chosen)) return wait_for_proof(chosen);
  if (must_switch || chosen != used || !answers(used, salt.size())) return switch_to(chosen, salt);
  plugin_ = used;
  return check(salt, response);
}

/// Nobody's login has to look the same, and needs no server.
bool PasswordCheck::can_wait(AuthPlugin chosen) const noexcept {
  return options_.proof_is_relayed && takes_nonce(chosen) && !stored_.decoy;
}

CheckAction PasswordCheck::wait_for_proof(AuthPlugin plugin) noexcept {
  waiting_ = Waiting::over;
  plugin_ = proof_plugin_ = plugin;
  proof_ = Proof::due;
  return {CheckStep::accepted};
}

/// Of the plugin of the verdict, where it stores one that the client can make from its password
/// too.
Buffer PasswordCheck::password_hash() const {
  if (stored_.no_password) return {};
  switch (plugin_) {
    case AuthPlugin::mysql_native_password:
      return stored_.native ? Buffer(stored_.native->begin(), stored_.native->end()) : Buffer();
    case AuthPlugin::client_ed25519:
      return stored_.ed25519 ? Buffer(stored_.ed25519->begin(), stored_.ed25519->end()) : Buffer();
    case AuthPlugin::parsec: {
      if (!stored_.parsec) return {};
      Buffer hash = stored_.parsec->salt.encode();
      hash.insert(hash.end(), stored_.parsec->key.begin(), stored_.parsec->key.end());
      return hash;
    }
    default: return {};
  }
}

/// By mysql_native_password the salt stays the same, as with servers: MariaDB's clients use it once
/// more, for a certificate_proof().
CheckAction PasswordCheck::switch_to(AuthPlugin plugin, Bytes salt) {
  plugin_ = plugin;
  waiting_ = Waiting::switched;
  switched_ = true;
  wipe(data_);
  if (takes_nonce(plugin)) {
    const ParsecScramble nonce = parsec_scramble();
    data_.assign(nonce.begin(), nonce.end());
  } else if (plugin == AuthPlugin::mysql_native_password && salt.size() == salt_size) {
    data_.assign(salt.begin(), salt.end());
  } else if (plugin != AuthPlugin::mysql_clear_password) {
    const Salt fresh = random_salt();
    data_.assign(fresh.begin(), fresh.end());
  }
  return {CheckStep::switch_plugin, to_string(plugin), data_};
}

CheckAction PasswordCheck::check(Bytes salt, Bytes response) {
  switch (plugin_) {
    case AuthPlugin::mysql_native_password: return check_native(salt, response);
    case AuthPlugin::caching_sha2_password: return check_sha2(salt, response);
    case AuthPlugin::sha256_password:
      if (is_empty_password(response)) return check_clear({});
      return on_full(salt, response);
    case AuthPlugin::client_ed25519:
      used_password_ = !response.empty();
      if (!stored_.ed25519 || !ed25519_verify(response, salt, *stored_.ed25519))
        return deny("the signature is wrong");
      return accept();
    case AuthPlugin::parsec:
      // The client asks how to make its key, by an empty packet.
      if (!stored_.parsec || !response.empty()) return deny("not an answer by parsec");
      waiting_ = Waiting::parsec;
      return more(stored_.parsec->salt.encode());
    case AuthPlugin::mysql_clear_password:
      if (!can_receive_clear(plugin_)) return deny("mysql_clear_password is not allowed");
      // With a closing NUL or without: clients differ.
      if (!response.empty() && response.back() == 0) response = response.first(response.size() - 1);
      return check_clear(response);
    default: return deny("unknown plugin");
  }
}

CheckAction PasswordCheck::check_native(Bytes salt, Bytes response) {
  used_password_ = !response.empty();
  if (stored_.no_password)
    return response.empty() ? check_clear({}) : deny("the account has no password");
  if (!stored_.native) return deny("no hash by mysql_native_password");
  auto sha1 = recover_stage1(response, salt, *stored_.native);
  if (!sha1) return deny("wrong password");
  learnt_.sha1 = std::move(sha1);
  return accept();
}

CheckAction PasswordCheck::check_sha2(Bytes salt, Bytes response) {
  if (is_empty_password(response)) return check_clear({});
  used_password_ = true;
  if (stored_.no_password) return deny("the account has no password");
  constexpr std::size_t response_size = 32;
  if (response.size() != response_size) return deny("not an answer by caching_sha2_password");
  const bool full_possible = can_receive_clear(plugin_);
  if (options_.want_clear && full_possible) return ask_for_full();
  if (stored_.sha2) {
    auto sha256 = recover_sha2_stage1(response, salt, *stored_.sha2);
    if (sha256) {
      learnt_.sha256 = std::move(sha256);
      by_fast_path_ = true;
      return accept();
    }
    if (!stored_.caching_sha2 && !stored_.sha256) return deny("wrong password");
  }
  if (!full_possible) return deny("full authentication needs TLS or an RSA key");
  return ask_for_full();
}

CheckAction PasswordCheck::check_parsec(Bytes salt, Bytes response) {
  used_password_ = true;
  if (!verify_parsec(response, salt, *stored_.parsec)) return deny("the signature is wrong");
  return accept();
}

CheckAction PasswordCheck::ask_for_full() {
  waiting_ = Waiting::full;
  asked_for_full_ = true;
  return more({static_cast<std::uint8_t>(CachingSha2::perform_full_authentication)});
}

/// Through TLS the password comes in clear. On a unix socket it does or not: clients differ in what
/// they take for safe.
CheckAction PasswordCheck::on_full(Bytes salt, Bytes response) {
  used_password_ = true;
  waiting_ = Waiting::full;
  if (!options_.channel.tls && options_.rsa != nullptr) {
    if (response.size() == 1 && response[0] == key_request(plugin_)) {
      if (std::exchange(key_sent_, true)) return deny("the key was sent already");
      const Bytes pem = as_bytes(options_.rsa->public_pem());
      return more(Buffer(pem.begin(), pem.end()));
    }
    if (const auto password = options_.rsa->decrypt(response, salt))
      return check_clear(password->bytes());
  }
  if (!options_.channel.tls && !options_.channel.unix_socket)
    return deny("not a password encrypted for this key and salt");
  if (response.empty() || response.back() != 0) return deny("a password without its closing NUL");
  return check_clear(response.first(response.size() - 1));
}

CheckAction PasswordCheck::check_clear(Bytes password) {
  used_password_ = !password.empty();
  if (!options_.unchecked && !verify_password(password, stored_)) {
    if (options_.judge_again) wrong_.emplace(password);
    return deny("wrong password");
  }
  learnt_.clear.emplace(password);
  learnt_.sha1 = stage1(as_text(password));
  learnt_.sha256 = sha2_stage1(as_text(password));
  by_fast_path_ = false;
  return accept();
}

CheckAction PasswordCheck::judge_again(StoredPassword stored, std::string_view plugin, Bytes salt,
                                       Bytes response) {
  stored_ = std::move(stored);
  if (wrong_) {
    const SecretBytes password = std::move(*wrong_);
    wrong_.reset();
    return check_clear(password.bytes());
  }
  const AuthPlugin used = find_auth_plugin(plugin);
  // What was answered once is an answer still, unless an exchange followed it.
  const bool at_hand =
      waiting_ == Waiting::over && used == plugin_ && !key_sent_ &&
      (used == AuthPlugin::mysql_native_password || used == AuthPlugin::client_ed25519 ||
       (used == AuthPlugin::caching_sha2_password && !asked_for_full_));
  if (at_hand && fits(used)) return check(salt, response);
  const AuthPlugin chosen = choose(used);
  if (switched_ || chosen == AuthPlugin::unknown) return deny("wrong password");
  if (can_wait(chosen)) return wait_for_proof(chosen);
  return switch_to(chosen, salt);
}

CheckAction PasswordCheck::ask_for_clear() {
  const auto impossible = [](const char* reason) {
    return CheckAction{CheckStep::impossible, {}, {}, reason};
  };
  if (learnt_.clear) return accept();
  if (!can_receive_clear(AuthPlugin::caching_sha2_password))
    return impossible("the client's link has neither TLS nor an RSA key");
  options_.want_clear = true;
  if (plugin_ == AuthPlugin::caching_sha2_password) return ask_for_full();
  if (switched_) return impossible("the client was switched to another plugin already");
  return switch_to(AuthPlugin::caching_sha2_password, {});
}

/// An empty answer tells that there is no password, where it answers anything.
CheckAction PasswordCheck::take_unchecked(AuthPlugin used, Bytes response, bool must_switch) {
  plugin_ = used;
  used_password_ = !is_empty_password(response);
  const bool by_password = used == AuthPlugin::mysql_native_password ||
                           used == AuthPlugin::caching_sha2_password ||
                           used == AuthPlugin::sha256_password;
  // Until it is asked for data that answer something the client waits for a switch.
  if (must_switch) plugin_ = AuthPlugin::unknown;
  if (by_password && !used_password_ && !must_switch) return check_clear({});
  return accept();
}

CheckAction PasswordCheck::relay(std::string_view plugin, Bytes data, AuthSource source) {
  const auto impossible = [](const char* reason) {
    return CheckAction{CheckStep::impossible, {}, {}, reason};
  };
  if (waiting_ != Waiting::over) return impossible("no server's request is due");
  if (source == AuthSource::more_data) {
    // Only what continues a plugin whose beginning was relayed too.
    if (!relaying_ || by_fast_path_) return impossible("the client does not expect that");
    waiting_ = Waiting::relayed;
    return more(Buffer(data.begin(), data.end()));
  }
  if (by_fast_path_) return impossible("the client waits for the end of its fast path");
  const AuthPlugin wanted = find_auth_plugin(plugin);
  if (switched_ && !takes_nonce(wanted))
    return impossible("the client was switched to another plugin already");
  if (proof_ == Proof::due && wanted != proof_plugin_)
    return impossible("what is stored of the password is for another plugin");
  plugin_ = wanted;
  relayed_nonce_.assign(data.begin(), data.end());
  relayed_plugin_ = plugin;
  waiting_ = Waiting::relayed;
  switched_ = true;
  relaying_ = true;
  wipe(data_);
  data_.assign(data.begin(), data.end());
  return {CheckStep::switch_plugin, relayed_plugin_, data_};
}

/// parsec's first answer is a question: how the key is made.
void PasswordCheck::check_relayed(Bytes response) {
  if (proof_ != Proof::due || (plugin_ == AuthPlugin::parsec && response.empty())) return;
  const bool right = plugin_ == AuthPlugin::parsec
                         ? verify_parsec(response, relayed_nonce_, *stored_.parsec)
                         : ed25519_verify(response, relayed_nonce_, *stored_.ed25519);
  proof_ = right ? Proof::made : Proof::wrong;
}

CheckAction PasswordCheck::confirm() {
  if (proof_ == Proof::wrong) return deny("the signature is wrong");
  if (proof_ == Proof::made) return accept();
  return switch_to(proof_plugin_, {});
}

CheckAction PasswordCheck::on_relayed(Bytes response) {
  check_relayed(response);
  waiting_ = Waiting::over;
  used_password_ = used_password_ || !is_empty_password(response);
  // The client waits to be told that its answer is enough, or that it is not.
  by_fast_path_ = plugin_ == AuthPlugin::caching_sha2_password && !is_empty_password(response);
  wipe(data_);
  data_.assign(response.begin(), response.end());
  return {CheckStep::relayed, {}, data_};
}

Bytes PasswordCheck::preamble() const noexcept {
  return by_fast_path_ ? Bytes(fast_auth_success) : Bytes();
}

CheckAction PasswordCheck::accept() noexcept {
  if (stored_.decoy) return deny("no such user");
  waiting_ = Waiting::over;
  proof_ = Proof::made;
  return {CheckStep::accepted};
}

CheckAction PasswordCheck::deny(const char* reason) noexcept {
  waiting_ = Waiting::over;
  learnt_ = {};
  return {CheckStep::denied, {}, {}, reason};
}

CheckAction PasswordCheck::more(Buffer data) {
  wipe(data_);
  data_ = std::move(data);
  return {CheckStep::more_data, {}, data_};
}

}  // namespace mysqlwire::crypto
