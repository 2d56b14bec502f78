#include "proxy/config/user.hpp"

#include <fmt/format.h>

#include <algorithm>

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

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

/// How servers' HEX() begins for what caching_sha2_password and sha256_password store.
bool is_hex_of_crypt(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  return text.size() >= 134 && (text.starts_with("2441") || text.starts_with("2435")) &&
         is_hex(text);
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
  hashes.native = *native;
  return {};
}

std::string add_hash(std::string_view text, StoredHashes& hashes) {
  using namespace mysqlwire::crypto;
  const auto keep = [](auto& place, const auto& read) {
    if (!read) return std::string(read.error().message);
    place = *read;
    return std::string();
  };
  if (text.starts_with('$') || is_hex_of_crypt(text))
    return keep(hashes.crypt, parse_sha_crypt(text));
  if (text.starts_with('P') && text.find(':') != text.npos)
    return keep(hashes.parsec, parse_parsec(text));
  if (text.size() == 64 && is_hex(text)) return keep(hashes.sha2, parse_sha2_hash(text));
  if (text.size() == 43 || (text.size() == 44 && text.ends_with('=')))
    return keep(hashes.ed25519, parse_ed25519_key(text));
  if (text.starts_with('*') || text.empty() || is_hex(text)) return add_native_hash(text, hashes);
  return std::string(no_form);
}

std::vector<std::string> format_hashes(const StoredHashes& hashes) {
  using namespace mysqlwire::crypto;
  std::vector<std::string> texts;
  if (hashes.native) texts.push_back(format_native_hash(*hashes.native));
  if (hashes.sha2) texts.push_back(format_sha2_hash(*hashes.sha2));
  if (hashes.crypt) {
    // The salt may hold any byte.
    std::string hex = "0x";
    for (const char c : format_sha_crypt(*hashes.crypt))
      hex += fmt::format("{:02X}", static_cast<unsigned char>(c));
    texts.push_back(std::move(hex));
  }
  if (hashes.ed25519) texts.push_back(format_ed25519_key(*hashes.ed25519));
  if (hashes.parsec) texts.push_back(format_parsec(*hashes.parsec));
  return texts;
}

}  // namespace mysqlproxy
