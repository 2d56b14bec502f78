#include "cli/pcapdecode/tls_cipher.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <new>
#include <utility>

namespace pcapdecode {

using namespace mysqlwire;

namespace {

using Mode = CipherSuite::Mode;

constexpr std::size_t tag_size = 16;
constexpr std::size_t explicit_nonce = 8;  // TLS 1.2 GCM
constexpr std::size_t block_size = 16;

constexpr CipherSuite suites[] = {
    {0x1301, "TLS_AES_128_GCM_SHA256", "AES-128-GCM", "SHA256", Mode::gcm, 16},
    {0x1302, "TLS_AES_256_GCM_SHA384", "AES-256-GCM", "SHA384", Mode::gcm, 32},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256", "ChaCha20-Poly1305", "SHA256", Mode::chacha20, 32},
    {0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256", "AES-128-GCM", "SHA256", Mode::gcm, 16},
    {0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384", "AES-256-GCM", "SHA384", Mode::gcm, 32},
    {0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "AES-128-GCM", "SHA256", Mode::gcm, 16},
    {0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "AES-256-GCM", "SHA384", Mode::gcm, 32},
    {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "AES-128-GCM", "SHA256", Mode::gcm, 16},
    {0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "AES-256-GCM", "SHA384", Mode::gcm, 32},
    {0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "AES-128-GCM", "SHA256", Mode::gcm, 16},
    {0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "AES-256-GCM", "SHA384", Mode::gcm, 32},
    {0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ChaCha20-Poly1305", "SHA256",
     Mode::chacha20, 32},
    {0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ChaCha20-Poly1305", "SHA256",
     Mode::chacha20, 32},
    {0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ChaCha20-Poly1305", "SHA256",
     Mode::chacha20, 32},
    {0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA", "AES-128-CBC", "SHA256", Mode::cbc, 16, 20},
    {0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", "AES-256-CBC", "SHA256", Mode::cbc, 32, 20},
    {0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "AES-128-CBC", "SHA256", Mode::cbc, 16, 20},
    {0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", "AES-256-CBC", "SHA256", Mode::cbc, 32, 20},
    {0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256", "AES-128-CBC", "SHA256", Mode::cbc, 16, 32},
    {0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256", "AES-256-CBC", "SHA256", Mode::cbc, 32, 32},
    {0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", "AES-128-CBC", "SHA256", Mode::cbc, 16, 32},
    {0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", "AES-256-CBC", "SHA256", Mode::cbc, 32, 32},
    {0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "AES-128-CBC", "SHA256", Mode::cbc, 16, 20},
    {0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "AES-256-CBC", "SHA256", Mode::cbc, 32, 20},
    {0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "AES-128-CBC", "SHA256", Mode::cbc, 16, 20},
    {0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "AES-256-CBC", "SHA256", Mode::cbc, 32, 20},
    {0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "AES-128-CBC", "SHA256", Mode::cbc, 16, 32},
    {0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "AES-256-CBC", "SHA384", Mode::cbc, 32, 48},
};

// HKDF-Expand or the PRF of TLS 1, as OpenSSL names them.
Buffer derive(const char* function, OSSL_PARAM* parameters, std::size_t size) {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, function, nullptr);
  EVP_KDF_CTX* context = kdf != nullptr ? EVP_KDF_CTX_new(kdf) : nullptr;
  Buffer out(size);
  if (context == nullptr || EVP_KDF_derive(context, out.data(), size, parameters) != 1) out.clear();
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return out;
}

OSSL_PARAM octets(const char* name, Bytes bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(bytes.data()),
                                           bytes.size());
}

OSSL_PARAM text(const char* name, const char* value) {
  return OSSL_PARAM_construct_utf8_string(name, const_cast<char*>(value), 0);
}

// HKDF-Expand-Label with an empty context. Source: RFC 8446, section 7.1
Buffer expand_label(const CipherSuite& suite, Bytes secret, std::string_view label,
                    std::size_t size) {
  constexpr std::string_view prefix = "tls13 ";
  Buffer info{static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size),
              static_cast<std::uint8_t>(prefix.size() + label.size())};
  info.insert(info.end(), prefix.begin(), prefix.end());
  info.insert(info.end(), label.begin(), label.end());
  info.push_back(0);
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
                             text(OSSL_KDF_PARAM_DIGEST, suite.digest),
                             octets(OSSL_KDF_PARAM_KEY, secret), octets(OSSL_KDF_PARAM_INFO, info),
                             OSSL_PARAM_construct_end()};
  return derive("HKDF", parameters, size);
}

}  // namespace

const CipherSuite* find_cipher_suite(std::uint16_t number) {
  const auto found = std::find_if(std::begin(suites), std::end(suites),
                                  [&](const auto& suite) { return suite.number == number; });
  return found == std::end(suites) ? nullptr : found;
}

std::string cipher_suite_number(std::uint16_t number) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out = "0x";
  for (int shift = 12; shift >= 0; shift -= 4) out += digits[number >> shift & 0x0f];
  return out;
}

std::optional<KeysOfBoth> derive_keys_12(const CipherSuite& suite, std::uint16_t version,
                                         Bytes master, Bytes client_random, Bytes server_random) {
  constexpr std::string_view label = "key expansion";
  Buffer seed(label.begin(), label.end());
  seed.insert(seed.end(), server_random.begin(), server_random.end());
  seed.insert(seed.end(), client_random.begin(), client_random.end());
  const std::size_t iv = suite.mode == Mode::gcm ? 4 : suite.mode == Mode::chacha20 ? 12 : 16;
  const std::size_t size = 2 * (suite.mac_size + suite.key_size + iv);
  // Before TLS 1.2 the PRF was made of MD5 and SHA-1.
  OSSL_PARAM parameters[] = {
      text(OSSL_KDF_PARAM_DIGEST, version < 0x0303 ? "MD5-SHA1" : suite.digest),
      octets(OSSL_KDF_PARAM_SECRET, master), octets(OSSL_KDF_PARAM_SEED, seed),
      OSSL_PARAM_construct_end()};
  const Buffer block = derive("TLS1-PRF", parameters, size);
  if (block.size() != size) return std::nullopt;
  auto at = block.begin() + 2 * suite.mac_size;
  const auto take = [&](std::size_t count) {
    const auto begin = at;
    at += static_cast<std::ptrdiff_t>(count);
    return Buffer(begin, at);
  };
  KeysOfBoth keys;
  keys.client.key = take(suite.key_size);
  keys.server.key = take(suite.key_size);
  keys.client.iv = take(iv);
  keys.server.iv = take(iv);
  return keys;
}

TrafficKeys derive_keys_13(const CipherSuite& suite, Bytes secret) {
  return {expand_label(suite, secret, "key", suite.key_size),
          expand_label(suite, secret, "iv", 12)};
}

Buffer next_traffic_secret(const CipherSuite& suite, Bytes secret) {
  return expand_label(suite, secret, "traffic upd", secret.size());
}

void RecordCipher::Free::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

RecordCipher::RecordCipher() : context_(EVP_CIPHER_CTX_new()) {
  if (!context_) throw std::bad_alloc();
}

RecordCipher::~RecordCipher() = default;

void RecordCipher::set(const CipherSuite& suite, TrafficKeys keys, std::uint16_t version,
                       bool encrypt_then_mac) {
  suite_ = nullptr;
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, suite.cipher, nullptr);
  if (cipher == nullptr) return;
  EVP_CIPHER_CTX_reset(context_.get());
  const std::size_t least_iv = suite.mode == Mode::gcm && version != 0x0304 ? 4 : 12;
  const bool works =
      keys.key.size() == suite.key_size && keys.iv.size() >= least_iv &&
      EVP_DecryptInit_ex2(context_.get(), cipher, keys.key.data(), nullptr, nullptr) == 1;
  EVP_CIPHER_free(cipher);
  if (!works) return;
  suite_ = &suite;
  keys_ = std::move(keys);
  sequence_ = 0;
  version_ = version;
  encrypt_then_mac_ = encrypt_then_mac;
}

bool RecordCipher::open(const std::array<std::uint8_t, 3>& start, Bytes record, Buffer& out,
                        std::uint8_t& type) {
  const bool is_open =
      suite_->mode == Mode::cbc ? open_cbc(record, out) : open_aead(start, record, out);
  ++sequence_;
  if (!is_open || !is_13()) return is_open;
  // Content, its type, padding of zeros.
  while (!out.empty() && out.back() == 0) out.pop_back();
  if (out.empty()) return false;
  type = out.back();
  out.pop_back();
  return true;
}

bool RecordCipher::open_aead(const std::array<std::uint8_t, 3>& start, Bytes record, Buffer& out) {
  const bool has_nonce = !is_13() && suite_->mode == Mode::gcm;
  const std::size_t overhead = tag_size + (has_nonce ? explicit_nonce : 0);
  if (record.size() < overhead) return false;
  Buffer nonce = keys_.iv;
  if (has_nonce) {
    nonce.insert(nonce.end(), record.begin(), record.begin() + explicit_nonce);
    record = record.subspan(explicit_nonce);
  } else {
    for (std::size_t i = 0; i < 8; ++i)
      nonce[nonce.size() - 1 - i] ^= static_cast<std::uint8_t>(sequence_ >> (8 * i));
  }
  const Bytes body = record.first(record.size() - tag_size);
  Buffer tag(record.end() - tag_size, record.end());
  Buffer extra;
  if (!is_13())
    for (int shift = 56; shift >= 0; shift -= 8)
      extra.push_back(static_cast<std::uint8_t>(sequence_ >> shift));
  extra.insert(extra.end(), start.begin(), start.end());
  const std::size_t size = is_13() ? record.size() : body.size();
  extra.push_back(static_cast<std::uint8_t>(size >> 8));
  extra.push_back(static_cast<std::uint8_t>(size));
  out.resize(body.size());
  int length = 0, last = 0;
  std::uint8_t none = 0;
  EVP_CIPHER_CTX* context = context_.get();
  return EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
         EVP_DecryptUpdate(context, nullptr, &length, extra.data(),
                           static_cast<int>(extra.size())) == 1 &&
         (body.empty() || EVP_DecryptUpdate(context, out.data(), &length, body.data(),
                                            static_cast<int>(body.size())) == 1) &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1 &&
         EVP_DecryptFinal_ex(context, body.empty() ? &none : out.data() + body.size(), &last) == 1;
}

// IV, blocks; the last byte says how much padding there is, in front of it the MAC.
bool RecordCipher::open_cbc(Bytes record, Buffer& out) {
  Buffer iv = keys_.iv;
  if (version_ >= 0x0302) {
    if (record.size() < block_size) return false;
    iv.assign(record.begin(), record.begin() + block_size);
    record = record.subspan(block_size);
  }
  std::size_t mac = suite_->mac_size;
  if (encrypt_then_mac_) {
    if (record.size() < mac) return false;
    record = record.first(record.size() - mac);
    mac = 0;
  }
  if (record.empty() || record.size() % block_size != 0) return false;
  if (version_ < 0x0302) keys_.iv.assign(record.end() - block_size, record.end());
  out.resize(record.size());
  int length = 0;
  EVP_CIPHER_CTX* context = context_.get();
  EVP_CIPHER_CTX_set_padding(context, 0);
  if (EVP_DecryptInit_ex2(context, nullptr, nullptr, iv.data(), nullptr) != 1 ||
      EVP_DecryptUpdate(context, out.data(), &length, record.data(),
                        static_cast<int>(record.size())) != 1 ||
      static_cast<std::size_t>(length) != record.size())
    return false;
  const std::size_t trailer = std::size_t{out.back()} + 1 + mac;
  if (trailer > out.size()) return false;
  out.resize(out.size() - trailer);
  return true;
}

}  // namespace pcapdecode
