#include "cli/mysqlprobe/credentials.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mysqlprobe {

using namespace mysqlwire;
using crypto::AuthPlugin;

namespace {

std::string_view form_of(AuthPlugin plugin, const crypto::StoredPassword& stored) {
  if (stored.no_password) return "an account without a password";
  switch (plugin) {
    case AuthPlugin::mysql_native_password: return "*40HEX: SHA1(SHA1(password))";
    case AuthPlugin::caching_sha2_password:
      return stored.caching_sha2 ? "$A$: SHA-crypt" : "64 hex digits: SHA256(SHA256(password))";
    case AuthPlugin::sha256_password: return "$5$: SHA-crypt";
    case AuthPlugin::client_ed25519: return "base 64 of an Ed25519 key";
    case AuthPlugin::parsec: return "P: PBKDF2 and Ed25519";
    default: return "";
  }
}

AuthPlugin plugin_of(std::string_view name) {
  if (name.empty()) return AuthPlugin::unknown;
  const AuthPlugin plugin = crypto::find_auth_plugin(name);
  if (plugin == AuthPlugin::unknown)
    throw CredentialError(fmt::format("the plugin {} is not known", name));
  return plugin;
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

bool is_no_password(AuthPlugin plugin, Bytes response) {
  const bool one_nul = response.size() == 1 && response[0] == 0;
  return response.empty() || (one_nul && plugin != AuthPlugin::mysql_native_password);
}

AuthPlugin plugin_of_response(Bytes response) {
  switch (response.size()) {
    case 20: return AuthPlugin::mysql_native_password;
    case 32: return AuthPlugin::caching_sha2_password;
    case 64: return AuthPlugin::client_ed25519;
    default: return AuthPlugin::unknown;
  }
}

// Salts come with or without their closing NUL.
Bytes without_nul(Bytes salt) { return salt.size() == 21 && salt[20] == 0 ? salt.first(20) : salt; }

void require_salt(Bytes salt, std::size_t size) {
  if (salt.size() != size)
    throw CredentialError(
        fmt::format("the salt has {} bytes, and {} are needed", salt.size(), size));
}

}  // namespace

Verdict verify_hash(Bytes password, std::string_view hash, std::string_view plugin) {
  while (!hash.empty() && (hash.back() == '\n' || hash.back() == '\r')) hash.remove_suffix(1);
  if (hash.size() == 16 && is_hex(hash))
    throw CredentialError(
        "this is a hash from before MySQL 4.1 (16 hex digits, mysql_old_password), which is broken "
        "and is not checked: give the account its password anew");
  crypto::StoredPassword stored;
  const auto added = stored.add(hash, plugin_of(plugin));
  if (!added)
    throw CredentialError(fmt::format("the hash can't be read: {}", added.error().message));
  Verdict verdict;
  verdict.plugin = to_string(*added);
  verdict.form = form_of(*added, stored);
  verdict.matches = crypto::verify_password(password, stored);
  return verdict;
}

Verdict verify_response(Bytes password, Bytes salt, Bytes response, std::string_view name) {
  AuthPlugin plugin = plugin_of(name);
  salt = without_nul(salt);
  Verdict verdict;
  if (is_no_password(plugin, response)) {
    verdict.plugin = plugin == AuthPlugin::unknown ? "" : to_string(plugin);
    verdict.matches = password.empty();
    return verdict;
  }
  if (plugin == AuthPlugin::unknown) plugin = plugin_of_response(response);
  verdict.plugin = to_string(plugin);
  const std::string_view text = as_text(password);
  switch (plugin) {
    case AuthPlugin::mysql_native_password:
      require_salt(salt, 20);
      verdict.matches =
          !password.empty() &&
          crypto::recover_stage1(response, salt, crypto::native_hash(text)).has_value();
      break;
    case AuthPlugin::caching_sha2_password:
      require_salt(salt, 20);
      verdict.matches =
          !password.empty() &&
          crypto::recover_sha2_stage1(response, salt, crypto::sha2_hash(text)).has_value();
      break;
    case AuthPlugin::client_ed25519:
      require_salt(salt, 32);
      verdict.matches = crypto::ed25519_verify(response, salt, crypto::ed25519_public_key(text));
      break;
    case AuthPlugin::unknown:
      throw CredentialError(
          fmt::format("an answer of {} bytes is no known plugin's: name it by "
                      "--plugin",
                      response.size()));
    default:
      throw CredentialError(
          fmt::format("an answer by {} can't be checked afterwards", to_string(plugin)));
  }
  return verdict;
}

std::string make_hash(Bytes password, std::string_view name, std::uint32_t rounds) {
  const std::string_view text = as_text(password);
  const AuthPlugin plugin = name.empty() ? AuthPlugin::caching_sha2_password : plugin_of(name);
  // Servers store nothing for an empty password, whatever the plugin.
  const bool empty = password.empty();
  switch (plugin) {
    case AuthPlugin::mysql_native_password:
      return empty ? "" : crypto::format_native_hash(crypto::native_hash(text));
    case AuthPlugin::caching_sha2_password:
      return empty ? ""
                   : crypto::format_sha_crypt(crypto::make_sha_crypt(
                         text, crypto::ShaCryptHash::Form::caching_sha2, rounds));
    case AuthPlugin::sha256_password:
      return empty ? ""
                   : crypto::format_sha_crypt(
                         crypto::make_sha_crypt(text, crypto::ShaCryptHash::Form::sha256));
    case AuthPlugin::client_ed25519:
      return crypto::format_ed25519_key(crypto::ed25519_public_key(text));
    case AuthPlugin::parsec: return crypto::format_parsec(crypto::make_parsec(text));
    default: break;
  }
  throw CredentialError(fmt::format("{} stores no hash", to_string(plugin)));
}

std::optional<Buffer> parse_hex(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  Buffer out;
  int high = -1;
  for (const char c : text) {
    int digit = 0;
    if (c == ' ' || c == ':')
      continue;
    else if (c >= '0' && c <= '9')
      digit = c - '0';
    else if (c >= 'a' && c <= 'f')
      digit = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
      digit = c - 'A' + 10;
    else
      return std::nullopt;
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  if (high >= 0) return std::nullopt;
  return out;
}

}  // namespace mysqlprobe
