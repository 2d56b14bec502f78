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
  // An account without a password has no hash; who writes down that of an empty one means the same.
  if (*native == mysqlwire::crypto::native_hash("")) hashes.no_password = true;
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
  const auto added = hashes.add(text);
  return added ? std::string() : std::string(added.error().message);
}

std::vector<std::string> format_hashes(const StoredHashes& hashes) {
  using namespace mysqlwire::crypto;
  std::vector<std::string> texts;
  if (hashes.native) texts.push_back(format_native_hash(*hashes.native));
  if (hashes.sha2) texts.push_back(format_sha2_hash(*hashes.sha2));
  for (const auto& crypt : {hashes.caching_sha2, hashes.sha256}) {
    if (!crypt) continue;
    // The salt may hold any byte.
    std::string hex = "0x";
    for (const char c : format_sha_crypt(*crypt))
      hex += fmt::format("{:02X}", static_cast<unsigned char>(c));
    texts.push_back(std::move(hex));
  }
  if (hashes.ed25519) texts.push_back(format_ed25519_key(*hashes.ed25519));
  if (hashes.parsec) texts.push_back(format_parsec(*hashes.parsec));
  return texts;
}

}  // namespace mysqlproxy
