#include <mysqlwire/crypto/parsec.hpp>
#include <mysqlwire/crypto/secret.hpp>

#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <stdexcept>

namespace mysqlwire::crypto {
namespace {

constexpr int base64 = sodium_base64_VARIANT_ORIGINAL;
constexpr const char* form =
    "a parsec hash is P, a digit, and base 64 of a salt and a key, with colons between";

void start_sodium() {
  static const int started = sodium_init();
  if (started < 0) throw std::runtime_error("libsodium can't be used");
}

/// libsodium's key pair: the seed, then the public key.
Secret<64> key_pair(std::string_view password, const ParsecSalt& salt,
                    std::array<std::uint8_t, 32>& key) {
  start_sodium();
  Secret<32> seed;
  const int rounds = 1024 << salt.factor;
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.salt.data(),
                        static_cast<int>(salt.salt.size()), rounds, EVP_sha512(), 32,
                        seed.writable_bytes().data()) != 1)
    throw std::runtime_error("OpenSSL could not derive a key");
  Secret<64> pair;
  crypto_sign_seed_keypair(key.data(), pair.writable_bytes().data(), seed.bytes().data());
  return pair;
}

template <std::size_t N>
bool read_base64(std::string_view text, std::array<std::uint8_t, N>& out) {
  std::size_t size = 0;
  return sodium_base642bin(out.data(), N, text.data(), text.size(), nullptr, &size, nullptr,
                           base64) == 0 &&
         size == N;
}

template <std::size_t N>
std::string to_base64(const std::array<std::uint8_t, N>& bytes) {
  std::string text(sodium_base64_ENCODED_LEN(N, base64), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), N, base64);
  text.pop_back();  // the closing NUL
  return text;
}

Buffer joined(Bytes a, Bytes b) {
  Buffer both(a.begin(), a.end());
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

}  // namespace

Result<ParsecSalt> ParsecSalt::decode(Bytes data) noexcept {
  ParsecSalt salt;
  if (data.size() != 2 + salt_size || data[0] != 'P')
    return Error{errc::bad_value, 0, "not a parsec salt"};
  if (data[1] > max_factor) return Error{errc::limit_exceeded, 1, "too many rounds"};
  salt.factor = data[1];
  std::ranges::copy(data.subspan(2), salt.salt.begin());
  return salt;
}

Buffer ParsecSalt::encode() const {
  const std::uint8_t head[] = {'P', factor};
  return joined(head, salt);
}

Result<ParsecHash> parse_parsec(std::string_view text) {
  ParsecHash hash;
  const std::size_t colon = text.rfind(':');
  const bool shaped = text.size() > 3 && text[0] == 'P' && text[1] >= '0' && text[2] == ':' &&
                      colon > 3 && colon != text.npos;
  if (!shaped || text[1] > '0' + ParsecSalt::max_factor) return Error{errc::bad_value, 0, form};
  hash.salt.factor = static_cast<std::uint8_t>(text[1] - '0');
  if (!read_base64(text.substr(3, colon - 3), hash.salt.salt) ||
      !read_base64(text.substr(colon + 1), hash.key))
    return Error{errc::bad_value, 0, form};
  return hash;
}

std::string format_parsec(const ParsecHash& hash) {
  std::string text = "P";
  text += static_cast<char>('0' + hash.salt.factor);
  return text.append(":").append(to_base64(hash.salt.salt)).append(":").append(to_base64(hash.key));
}

ParsecHash make_parsec(std::string_view password, std::uint8_t factor) {
  start_sodium();
  ParsecHash hash;
  hash.salt.factor = std::min(factor, ParsecSalt::max_factor);
  randombytes_buf(hash.salt.salt.data(), hash.salt.salt.size());
  key_pair(password, hash.salt, hash.key);
  return hash;
}

ParsecScramble parsec_scramble() {
  start_sodium();
  ParsecScramble scramble{};
  randombytes_buf(scramble.data(), scramble.size());
  return scramble;
}

Buffer parsec_response(std::string_view password, Bytes server_scramble, const ParsecSalt& salt,
                       const ParsecScramble& client_scramble) {
  std::array<std::uint8_t, 32> key{};
  const Secret<64> pair = key_pair(password, salt, key);
  const Buffer message = joined(server_scramble, client_scramble);
  std::array<std::uint8_t, crypto_sign_BYTES> signature{};
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(),
                       pair.bytes().data());
  return joined(client_scramble, signature);
}

bool verify_parsec(Bytes response, Bytes server_scramble, const ParsecHash& hash) {
  start_sodium();
  if (response.size() != 32 + crypto_sign_BYTES) return false;
  const Buffer message = joined(server_scramble, response.first(32));
  return crypto_sign_verify_detached(response.data() + 32, message.data(), message.size(),
                                     hash.key.data()) == 0;
}

}  // namespace mysqlwire::crypto
