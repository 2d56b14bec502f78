#include <mysqlwire/crypto/caching_sha2_password.hpp>
#include <mysqlwire/crypto/digest_detail.hpp>
#include <mysqlwire/crypto/hex_detail.hpp>

#include <algorithm>

namespace mysqlwire::crypto {
namespace {

/// The mask that hides stage1 in a response. The hash stands first: with mysql_native_password it
/// is the salt.
Sha256Secret mask_of(Bytes salt, const Sha256& stage2) {
  Sha256Secret mask;
  sha256({stage2, salt}, mask.writable_bytes());
  return mask;
}

constexpr const char* form = "a sha2_hash is 64 hex digits";

}  // namespace

Sha256Secret sha2_stage1(std::string_view password) {
  Sha256Secret digest;
  sha256({as_bytes(password)}, digest.writable_bytes());
  return digest;
}

Sha256 sha2_hash(std::string_view password) { return sha2_hash(sha2_stage1(password)); }

Sha256 sha2_hash(const Sha256Secret& stage1) {
  Sha256 stage2;
  sha256({stage1.bytes()}, stage2);
  return stage2;
}

Sha256 sha2_scramble(const Sha256Secret& stage1, Bytes salt) {
  Sha256 response;
  std::ranges::copy(stage1.bytes(), response.begin());
  xor_into(response, mask_of(salt, sha2_hash(stage1)).bytes());
  return response;
}

std::optional<Sha256Secret> recover_sha2_stage1(Bytes response, Bytes salt, const Sha256& stage2) {
  if (response.size() != stage2.size()) return std::nullopt;
  Sha256Secret candidate = mask_of(salt, stage2);
  xor_into(candidate.writable_bytes(), response);
  if (!equal_in_constant_time(sha2_hash(candidate), stage2)) return std::nullopt;
  return candidate;
}

Result<Sha256> parse_sha2_hash(std::string_view text) noexcept {
  const auto* bad = std::ranges::find_if(text, [](char c) { return hex_digit(c) < 0; });
  if (bad != text.end()) {
    return Error{errc::bad_value, static_cast<std::uint64_t>(bad - text.begin()), form};
  }
  Sha256 stage2{};
  if (text.size() != 2 * stage2.size()) {
    return Error{text.size() < 64 ? errc::truncated : errc::too_long,
                 std::min<std::uint64_t>(text.size(), 64), form};
  }
  read_hex(text, stage2);
  return stage2;
}

std::string format_sha2_hash(const Sha256& stage2) {
  std::string text;
  append_hex(text, stage2);
  return text;
}

}  // namespace mysqlwire::crypto
