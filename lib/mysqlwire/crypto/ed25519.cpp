#include <mysqlwire/crypto/digest_detail.hpp>
#include <mysqlwire/crypto/ed25519.hpp>
#include <mysqlwire/crypto/secret.hpp>

#include <sodium.h>

#include <algorithm>
#include <stdexcept>

namespace mysqlwire::crypto {
namespace {

constexpr const char* form =
    "an ed25519 key is 43 characters of base 64, as mysql.global_priv has it";

/// SHA512(password) as Ed25519's expanded key: a scalar, and what makes nonces.
struct Expanded {
  Secret<32> scalar;
  Secret<32> prefix;
};

void start_sodium() {
  static const int started = sodium_init();
  if (started < 0) throw std::runtime_error("libsodium can't be used");
}

Expanded expand(std::string_view password) {
  start_sodium();
  Secret<64> digest;
  sha512({as_bytes(password)}, digest.writable_bytes());
  Expanded expanded;
  std::ranges::copy(digest.bytes().first<32>(), expanded.scalar.writable_bytes().begin());
  std::ranges::copy(digest.bytes().last<32>(), expanded.prefix.writable_bytes().begin());
  auto scalar = expanded.scalar.writable_bytes();
  scalar[0] = static_cast<std::uint8_t>(scalar[0] & 248);
  scalar[31] = static_cast<std::uint8_t>((scalar[31] & 127) | 64);
  return expanded;
}

Ed25519Key public_of(const Expanded& expanded) {
  Ed25519Key key{};
  if (crypto_scalarmult_ed25519_base_noclamp(key.data(), expanded.scalar.bytes().data()) != 0)
    throw std::runtime_error("libsodium can't make an ed25519 key");
  return key;
}

/// A digest modulo the order of the group.
void reduced_digest(std::initializer_list<Bytes> parts, Secret<32>& out) {
  Secret<64> digest;
  sha512(parts, digest.writable_bytes());
  crypto_core_ed25519_scalar_reduce(out.writable_bytes().data(), digest.bytes().data());
}

}  // namespace

Ed25519Key ed25519_public_key(std::string_view password) { return public_of(expand(password)); }

Ed25519Signature ed25519_sign(std::string_view password, Bytes nonce) {
  const Expanded expanded = expand(password);
  const Ed25519Key key = public_of(expanded);
  Ed25519Signature signature{};
  const std::span<std::uint8_t, 32> point(signature.data(), 32);
  const std::span<std::uint8_t, 32> proof(signature.data() + 32, 32);
  Secret<32> r;
  reduced_digest({expanded.prefix.bytes(), nonce}, r);
  if (crypto_scalarmult_ed25519_base_noclamp(point.data(), r.bytes().data()) != 0)
    throw std::runtime_error("libsodium can't sign");
  Secret<32> k;
  reduced_digest({point, key, nonce}, k);
  // S = r + k * scalar. The scalar is above the group's order: reduced first.
  Secret<64> wide;
  std::ranges::copy(expanded.scalar.bytes(), wide.writable_bytes().begin());
  Secret<32> scalar;
  crypto_core_ed25519_scalar_reduce(scalar.writable_bytes().data(), wide.bytes().data());
  Secret<32> product;
  crypto_core_ed25519_scalar_mul(product.writable_bytes().data(), k.bytes().data(),
                                 scalar.bytes().data());
  crypto_core_ed25519_scalar_add(proof.data(), product.bytes().data(), r.bytes().data());
  return signature;
}

bool ed25519_verify(Bytes signature, Bytes nonce, const Ed25519Key& key) {
  start_sodium();
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(signature.data(), nonce.data(), nonce.size(), key.data()) == 0;
}

Result<Ed25519Key> parse_ed25519_key(std::string_view text) {
  Ed25519Key key{};
  std::string_view digits = text;
  if (digits.ends_with('=')) digits.remove_suffix(1);
  std::size_t size = 0;
  if (digits.size() != 43 ||
      sodium_base642bin(key.data(), key.size(), digits.data(), digits.size(), nullptr, &size,
                        nullptr, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
      size != key.size())
    return Error{errc::bad_value, 0, form};
  return key;
}

std::string format_ed25519_key(const Ed25519Key& key) {
  std::string text(sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_ORIGINAL_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), key.data(), key.size(),
                    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  text.resize(43);
  return text;
}

}  // namespace mysqlwire::crypto
