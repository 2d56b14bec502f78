#include <mysqlwire/crypto/digest_detail.hpp>
#include <mysqlwire/crypto/hex_detail.hpp>
#include <mysqlwire/crypto/native_password.hpp>

#include <algorithm>
#include <cstddef>

namespace mysqlwire::crypto {
namespace {

/// The mask that hides stage1 in a response.
Sha1Secret mask_of(Bytes salt, const Sha1& stage2) {
  Sha1Secret mask;
  sha1({salt, stage2}, mask.writable_bytes());
  return mask;
}

bool all_hex(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return hex_digit(c) >= 0; });
}

constexpr const char* form = "a native_hash is 40 hex digits, with or without a leading *";
constexpr const char* old_form =
    "pre-4.1 (16 hex digits) hash; set the password anew with ALTER USER ... IDENTIFIED BY (and "
    "old_passwords=0), then take the 40-digit hash that the server stores";
constexpr const char* sha2_form =
    "a hash of caching_sha2_password or sha256_password; a native_hash is 40 hex digits";

}  // namespace

Sha1Secret stage1(std::string_view password) {
  Sha1Secret digest;
  sha1({as_bytes(password)}, digest.writable_bytes());
  return digest;
}

Sha1 native_hash(std::string_view password) {
  Sha1 stage2;
  sha1({stage1(password).bytes()}, stage2);
  return stage2;
}

Sha1 scramble(const Sha1Secret& stage1, Bytes salt) {
  Sha1 stage2;
  sha1({stage1.bytes()}, stage2);
  Sha1 response;
  std::ranges::copy(stage1.bytes(), response.begin());
  xor_into(response, mask_of(salt, stage2).bytes());
  return response;
}

Sha1 scramble(std::string_view password, Bytes salt) { return scramble(stage1(password), salt); }

Buffer native_response(std::string_view password, Bytes salt) {
  if (password.empty()) return {};
  const Sha1 response = scramble(password, salt);
  return {response.begin(), response.end()};
}

std::optional<Sha1Secret> recover_stage1(Bytes response, Bytes salt, const Sha1& stage2) {
  if (response.size() != stage2.size()) return std::nullopt;
  Sha1Secret candidate = mask_of(salt, stage2);
  xor_into(candidate.writable_bytes(), response);
  Sha1 check;
  sha1({candidate.bytes()}, check);
  if (!equal_in_constant_time(check, stage2)) return std::nullopt;
  return candidate;
}

Result<Sha1> parse_native_hash(std::string_view text) noexcept {
  const std::size_t skip = text.starts_with('*') ? 1 : 0;
  const std::string_view digits = text.substr(skip);
  if (text.starts_with('$')) return Error{errc::unsupported, 0, sha2_form};
  if (digits.size() == 16 && all_hex(digits)) return Error{errc::unsupported, 0, old_form};
  const auto* bad = std::ranges::find_if(digits, [](char c) { return hex_digit(c) < 0; });
  if (bad != digits.end()) {
    return Error{errc::bad_value, skip + static_cast<std::uint64_t>(bad - digits.begin()), form};
  }
  if (digits.size() != 40) {
    return Error{digits.size() < 40 ? errc::truncated : errc::too_long,
                 skip + std::min<std::uint64_t>(digits.size(), 40), form};
  }
  Sha1 stage2{};
  read_hex(digits, stage2);
  return stage2;
}

std::string format_native_hash(const Sha1& stage2) {
  std::string text = "*";
  append_hex(text, stage2);
  return text;
}

}  // namespace mysqlwire::crypto
