#include <mysqlwire/crypto/digest_detail.hpp>
#include <mysqlwire/crypto/hex_detail.hpp>
#include <mysqlwire/crypto/password.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace mysqlwire::crypto {
namespace {

struct Name {
  std::string_view name;
  AuthPlugin plugin;
};

/// The wire's names first: to_string() takes the first that fits.
constexpr Name names[] = {
    {"mysql_native_password", AuthPlugin::mysql_native_password},
    {"caching_sha2_password", AuthPlugin::caching_sha2_password},
    {"sha256_password", AuthPlugin::sha256_password},
    {"client_ed25519", AuthPlugin::client_ed25519},
    {"parsec", AuthPlugin::parsec},
    {"mysql_clear_password", AuthPlugin::mysql_clear_password},
    {"mysql_old_password", AuthPlugin::mysql_old_password},
    {"ed25519", AuthPlugin::client_ed25519},
};

/// The text that HEX() printed, with 0x in front or without, read back; the text itself when it is
/// none. Forms that are hex digits themselves are shorter than what HEX() makes of any form.
std::string from_hex(std::string_view text) {
  constexpr std::size_t shortest = 80;
  std::string_view digits = text;
  if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
  const bool all = std::ranges::all_of(digits, [](char c) { return hex_digit(c) >= 0; });
  if (!all || digits.size() < shortest || digits.size() % 2 != 0) return std::string(text);
  std::string read(digits.size() / 2, '\0');
  read_hex(digits, {reinterpret_cast<std::uint8_t*>(read.data()), read.size()});
  return read;
}

AuthPlugin plugin_by_shape(std::string_view text) noexcept {
  constexpr std::size_t old_hash = 16;
  constexpr std::size_t native_hex = 40;
  constexpr std::size_t sha2_hex = 64;
  constexpr std::size_t base64_key = 43;
  if (text.starts_with('*') || text.size() == native_hex || text.size() == old_hash)
    return AuthPlugin::mysql_native_password;
  if (text.starts_with("$A$")) return AuthPlugin::caching_sha2_password;
  if (text.starts_with("$5$")) return AuthPlugin::sha256_password;
  if (text.size() == sha2_hex) return AuthPlugin::caching_sha2_password;
  if (text.size() > 2 && text[0] == 'P' && text[2] == ':') return AuthPlugin::parsec;
  if (text.size() == base64_key || text.size() == base64_key + 1) return AuthPlugin::client_ed25519;
  return AuthPlugin::unknown;
}

/// Endless bytes that depend on key, name and label.
class Noise {
 public:
  Noise(std::string_view name, Bytes key, std::string_view label) {
    // Key and name have no fixed size: each is digested alone, or one's end could be the other's
    // beginning.
    std::array<std::uint8_t, 32> key_digest{};
    std::array<std::uint8_t, 32> name_digest{};
    sha256({key}, key_digest);
    sha256({as_bytes(name)}, name_digest);
    sha256({key_digest, name_digest, as_bytes(label)}, block_);
  }
  std::uint8_t next() {
    if (used_ == block_.size()) {
      const auto last = block_;
      sha256({last}, block_);
      used_ = 0;
    }
    return block_[used_++];
  }
  void fill(std::span<std::uint8_t> out) {
    for (auto& byte : out) byte = next();
  }

 private:
  std::array<std::uint8_t, 32> block_{};
  std::size_t used_ = 0;
};

ShaCryptHash decoy_of(const ShaCryptHash& like, Noise noise) {
  static constexpr std::string_view alphabet =
      "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  ShaCryptHash hash = like;
  for (char& c : hash.salt) c = alphabet[noise.next() & 63];
  for (char& c : hash.digest) c = alphabet[noise.next() & 63];
  return hash;
}

}  // namespace

AuthPlugin find_auth_plugin(std::string_view name) noexcept {
  const auto* found = std::ranges::find(names, name, &Name::name);
  return found == std::end(names) ? AuthPlugin::unknown : found->plugin;
}

std::string_view to_string(AuthPlugin plugin) noexcept {
  const auto* found = std::ranges::find(names, plugin, &Name::plugin);
  return found == std::end(names) ? "unknown" : found->name;
}

Result<AuthPlugin> StoredPassword::add(std::string_view given, AuthPlugin plugin) {
  const std::string text = from_hex(given);
  if (plugin == AuthPlugin::mysql_old_password)
    return Error{errc::unsupported, 0,
                 "mysql_old_password is not supported: give the account a new "
                 "password with another plugin"};
  if (plugin == AuthPlugin::mysql_clear_password)
    return Error{errc::unsupported, 0, "mysql_clear_password stores no hash"};
  if (text.empty()) {
    no_password = true;
    return plugin == AuthPlugin::unknown ? AuthPlugin::mysql_native_password : plugin;
  }
  switch (plugin == AuthPlugin::unknown ? plugin_by_shape(text) : plugin) {
    case AuthPlugin::mysql_native_password: {
      const auto hash = parse_native_hash(text);
      if (!hash) return hash.error();
      native = *hash;
      return AuthPlugin::mysql_native_password;
    }
    case AuthPlugin::caching_sha2_password:
    case AuthPlugin::sha256_password: {
      if (text.size() == 64 && !text.starts_with('$')) {
        const auto hash = parse_sha2_hash(text);
        if (!hash) return hash.error();
        sha2 = *hash;
        return AuthPlugin::caching_sha2_password;
      }
      const auto hash = parse_sha_crypt(text);
      if (!hash) return hash.error();
      const bool caching = hash->form == ShaCryptHash::Form::caching_sha2;
      (caching ? caching_sha2 : sha256) = *hash;
      return caching ? AuthPlugin::caching_sha2_password : AuthPlugin::sha256_password;
    }
    case AuthPlugin::client_ed25519: {
      const auto key = parse_ed25519_key(text);
      if (!key) return key.error();
      ed25519 = *key;
      return AuthPlugin::client_ed25519;
    }
    case AuthPlugin::parsec: {
      const auto hash = parse_parsec(text);
      if (!hash) return hash.error();
      parsec = *hash;
      return AuthPlugin::parsec;
    }
    default: break;
  }
  return Error{errc::unsupported, 0,
               "no known form of a password's hash: paste the account's authentication_string as "
               "mysql.user has it"};
}

bool StoredPassword::empty() const noexcept {
  return !no_password && !native && !sha2 && !caching_sha2 && !sha256 && !ed25519 && !parsec;
}

StoredPassword StoredPassword::make_decoy(std::string_view name, Bytes key,
                                          const StoredPassword& like) {
  StoredPassword made;
  made.decoy = true;
  const bool plain = like.empty() || like.no_password;
  if (plain || like.native) Noise(name, key, "native").fill(made.native.emplace());
  if (plain || like.sha2) Noise(name, key, "sha2").fill(made.sha2.emplace());
  if (like.caching_sha2)
    made.caching_sha2 = decoy_of(*like.caching_sha2, Noise(name, key, "caching_sha2"));
  if (like.sha256) made.sha256 = decoy_of(*like.sha256, Noise(name, key, "sha256"));
  // Points of the curve, as real keys are: another 32 bytes would be refused sooner.
  if (like.ed25519) {
    Noise noise(name, key, "ed25519");
    std::array<std::uint8_t, 32> password{};
    noise.fill(password);
    made.ed25519 = ed25519_public_key(as_text(password));
  }
  if (like.parsec) {
    Noise noise(name, key, "parsec");
    ParsecHash& hash = made.parsec.emplace();
    hash.salt.factor = like.parsec->salt.factor;
    noise.fill(hash.salt.salt);
    std::array<std::uint8_t, 32> password{};
    noise.fill(password);
    hash.key = ed25519_public_key(as_text(password));
  }
  return made;
}

bool verify_password(Bytes password, const StoredPassword& stored) {
  if (password.size() > max_password_size) return false;
  if (stored.no_password) return password.empty() && !stored.decoy;
  if (password.empty()) return false;
  const std::string_view text = as_text(password);
  const auto right = [&] {
    if (stored.caching_sha2) return verify_sha_crypt(text, *stored.caching_sha2);
    if (stored.sha256) return verify_sha_crypt(text, *stored.sha256);
    if (stored.native) return equal_in_constant_time(native_hash(text), *stored.native);
    if (stored.sha2) return equal_in_constant_time(sha2_hash(text), *stored.sha2);
    if (stored.ed25519) return equal_in_constant_time(ed25519_public_key(text), *stored.ed25519);
    if (stored.parsec) {
      const ParsecScramble scramble{};
      return verify_parsec(parsec_response(text, scramble, stored.parsec->salt, scramble), scramble,
                           *stored.parsec);
    }
    return false;
  }();
  return right && !stored.decoy;
}

std::optional<Sha1Secret> PasswordSecret::get_sha1() const {
  if (sha1) return sha1->clone();
  if (clear) return stage1(as_text(clear->bytes()));
  return std::nullopt;
}

std::optional<Sha256Secret> PasswordSecret::get_sha256() const {
  if (sha256) return sha256->clone();
  if (clear) return sha2_stage1(as_text(clear->bytes()));
  return std::nullopt;
}

void PasswordSecret::forget_clear() {
  if (!clear || clear->empty()) return;
  sha1 = get_sha1();
  sha256 = get_sha256();
  clear.reset();
}

PasswordSecret PasswordSecret::clone() const {
  PasswordSecret copy;
  if (clear) copy.clear = clear->clone();
  if (sha1) copy.sha1 = sha1->clone();
  if (sha256) copy.sha256 = sha256->clone();
  return copy;
}

}  // namespace mysqlwire::crypto
