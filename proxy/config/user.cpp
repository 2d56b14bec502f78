#include "proxy/config/user.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace mysqlproxy {
namespace {

constexpr std::size_t longest_name = 512;  // 128 characters (MariaDB's limit; MySQL's is 32)

}  // namespace

std::string user_name_fault(std::string_view name) {
  if (name.empty()) return "a user's name is not empty";
  if (name.find('\0') != name.npos) return "a user's name has no NUL byte";
  if (name.size() > longest_name) {
    return fmt::format("a user's name has {} bytes at most, this one {}", longest_name,
                       name.size());
  }
  return {};
}

namespace {

std::string hash_fault(std::string_view text, const mysqlwire::Error& error) {
  if (text.empty()) {
    return "expected 40 hex digits, found an empty string; an account without a password can't be "
           "used through the proxy, give it one";
  }
  constexpr std::string_view wanted = "expected 40 hex digits, with or without a leading *";
  switch (error.code) {
    case mysqlwire::errc::unsupported: return fmt::format("can't be used: {}", error.message);
    case mysqlwire::errc::truncated:
    case mysqlwire::errc::too_long:
      return fmt::format("{}, found {} of them", wanted, text.size() - (text[0] == '*' ? 1 : 0));
    default: return fmt::format("{}; byte {} is none", wanted, error.offset + 1);
  }
}

/// An account with several ways in, of which one needs no password, has one all the same: nobody
/// who knows only its name is let in.
void add_no_password(StoredHashes& hashes) {
  if (!hashes.empty()) return;
  hashes.native = mysqlwire::crypto::native_hash("");
  hashes.no_password = true;
}

void forget_no_password(StoredHashes& hashes) {
  if (!hashes.no_password) return;
  hashes.native.reset();
  hashes.no_password = false;
}

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

constexpr std::string_view no_form =
    "no hash of a known form: expected * and 40 hex digits (mysql_native_password), $A$... or "
    "$5$... "
    "or its HEX() (caching_sha2_password, sha256_password), 64 hex digits (SHA256 of SHA256), 43 "
    "characters of base 64 (ed25519) or P0:... (parsec)";

}  // namespace

std::string add_native_hash(std::string_view text, StoredHashes& hashes) {
  const auto native = mysqlwire::crypto::parse_native_hash(text);
  if (!native) return hash_fault(text, native.error());
  // An account without a password has no hash; who writes down that of an empty one means the same.
  if (*native == mysqlwire::crypto::native_hash("")) {
    add_no_password(hashes);
  } else {
    hashes.native = *native;
    hashes.no_password = false;
  }
  return {};
}

std::string add_hash(std::string_view text, StoredHashes& hashes) {
  constexpr std::size_t sha2_digits = 64;
  constexpr std::size_t native_digits = 41;
  const bool hex = is_hex(text);
  if (text.starts_with('*') || text.empty() || (hex && text.size() <= native_digits))
    return add_native_hash(text, hashes);
  const bool forms = text[0] == '$' || text.find(':') != text.npos || text.size() == 43 ||
                     text.size() == 44 || text.starts_with("0x") ||
                     (hex && text.size() >= sha2_digits);
  if (!forms) return std::string(no_form);
  forget_no_password(hashes);
  const auto added = hashes.add(text);
  return added ? std::string() : std::string(added.error().message);
}

std::string add_hash_of(std::string_view plugin, std::string_view text, StoredHashes& hashes) {
  using mysqlwire::crypto::AuthPlugin;
  const AuthPlugin known = plugin.empty() ? AuthPlugin::mysql_native_password
                                          : mysqlwire::crypto::find_auth_plugin(plugin);
  switch (known) {
    case AuthPlugin::mysql_native_password:
    case AuthPlugin::caching_sha2_password:
    case AuthPlugin::sha256_password:
    case AuthPlugin::client_ed25519:
    case AuthPlugin::parsec: break;
    case AuthPlugin::mysql_old_password:
      return "mysql_old_password can't be used: set the password anew";
    default: return {};
  }
  if (text.empty()) {
    // By these an account without a password takes nobody in.
    if (known == AuthPlugin::client_ed25519 || known == AuthPlugin::parsec) return {};
    add_no_password(hashes);
    return {};
  }
  return known == AuthPlugin::mysql_native_password ? add_native_hash(text, hashes)
                                                    : add_hash(text, hashes);
}

std::vector<std::pair<std::string_view, std::string>> hashes_by_plugin(const StoredHashes& hashes) {
  using namespace mysqlwire::crypto;
  std::vector<std::pair<std::string_view, std::string>> texts;
  if (hashes.native)
    texts.emplace_back("mysql_native_password", format_native_hash(*hashes.native));
  if (hashes.sha2) texts.emplace_back("caching_sha2_password", format_sha2_hash(*hashes.sha2));
  for (const auto& crypt : {hashes.caching_sha2, hashes.sha256}) {
    if (!crypt) continue;
    // The salt may hold any byte.
    std::string hex = "0x";
    for (const char c : format_sha_crypt(*crypt))
      hex += fmt::format("{:02X}", static_cast<unsigned char>(c));
    const bool sha256 = crypt->form == ShaCryptHash::Form::sha256;
    texts.emplace_back(sha256 ? "sha256_password" : "caching_sha2_password", std::move(hex));
  }
  if (hashes.ed25519) texts.emplace_back("ed25519", format_ed25519_key(*hashes.ed25519));
  if (hashes.parsec) texts.emplace_back("parsec", format_parsec(*hashes.parsec));
  return texts;
}

std::vector<std::string> format_hashes(const StoredHashes& hashes) {
  std::vector<std::string> texts;
  for (auto& [plugin, text] : hashes_by_plugin(hashes)) texts.push_back(std::move(text));
  return texts;
}

namespace {

template <std::size_t N>
bool read_hex(std::string_view text, mysqlwire::crypto::Secret<N>& secret) {
  if (text.size() != 2 * N || !is_hex(text)) return false;
  for (std::size_t i = 0; i < N; ++i)
    std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, secret.writable_bytes()[i], 16);
  return true;
}

}  // namespace

std::string read_server_secret(std::string_view text, mysqlwire::crypto::PasswordSecret& secret) {
  using namespace mysqlwire::crypto;
  constexpr std::string_view wanted =
      "expected lines such as sha1: and 40 hex digits, sha256: and 64 hex digits, or password: and "
      "the password";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    bool good = false;
    if (line.starts_with("sha1:")) {
      good = read_hex(line.substr(5), secret.sha1.emplace());
    } else if (line.starts_with("sha256:")) {
      good = read_hex(line.substr(7), secret.sha256.emplace());
    } else if (line.starts_with("password:")) {
      line.remove_prefix(9);
      good = !line.empty();
      secret.clear = SecretBytes(mysqlwire::as_bytes(line));
    } else if (StoredHashes stored; add_hash(line, stored).empty()) {
      // SHA1(SHA1(password)) and its like: made so that nobody can log in with them.
      return fmt::format("what a server stores of a password logs in nowhere; {}", wanted);
    }
    if (!good) return std::string(wanted);
  }
  if (secret.clear) {
    secret.sha1 = secret.get_sha1();
    secret.sha256 = secret.get_sha256();
  }
  return secret.sha1 || secret.sha256 ? std::string() : std::string(wanted);
}

}  // namespace mysqlproxy
