#include <mysqlwire/crypto/rsa_password.hpp>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <stdexcept>
#include <utility>

namespace mysqlwire::crypto {
namespace {

template <auto free_function>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    free_function(object);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;

constexpr unsigned key_bits = 2048;

/// XORs in place with the salt over and over; its own inverse.
void mask(std::span<std::uint8_t> bytes, Bytes salt) noexcept {
  if (salt.empty()) return;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ salt[i % salt.size()]);
}

Bio memory(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool use_oaep(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0;
}

Bytes contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return as_bytes({data, static_cast<std::size_t>(size)});
}

std::string public_pem_of(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), key) != 1)
    throw std::runtime_error("OpenSSL can't write a public key");
  return std::string(as_text(contents(bio.get())));
}

}  // namespace

struct RsaKey::Key {
  Pkey pkey;
};

RsaKey::RsaKey(std::unique_ptr<Key> key)
    : key_(std::move(key)), public_pem_(public_pem_of(key_->pkey.get())) {}
RsaKey::RsaKey(RsaKey&&) noexcept = default;
RsaKey& RsaKey::operator=(RsaKey&&) noexcept = default;
RsaKey::~RsaKey() = default;

RsaKey RsaKey::generate() {
  auto key = std::make_unique<Key>();
  key->pkey.reset(EVP_RSA_gen(key_bits));
  if (key->pkey == nullptr) throw std::runtime_error("OpenSSL can't make an RSA key");
  return RsaKey(std::move(key));
}

Result<RsaKey> RsaKey::from_pem(std::string_view private_key) {
  auto key = std::make_unique<Key>();
  const Bio bio = memory(private_key);
  // No prompt for a passphrase: a key that wants one is refused.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  key->pkey.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key->pkey == nullptr || EVP_PKEY_is_a(key->pkey.get(), "RSA") != 1)
    return Error{errc::bad_value, 0, "not an RSA private key in PEM without a passphrase"};
  return RsaKey(std::move(key));
}

SecretBytes RsaKey::private_pem() const {
  const Bio bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr || PEM_write_bio_PrivateKey(bio.get(), key_->pkey.get(), nullptr, nullptr, 0,
                                                 nullptr, nullptr) != 1)
    throw std::runtime_error("OpenSSL can't write a private key");
  return SecretBytes(contents(bio.get()));
}

std::optional<SecretBytes> RsaKey::decrypt(Bytes encrypted, Bytes salt) const {
  const PkeyContext context(EVP_PKEY_CTX_new(key_->pkey.get(), nullptr));
  const auto key_size = static_cast<std::size_t>(EVP_PKEY_get_size(key_->pkey.get()));
  if (context == nullptr || encrypted.size() != key_size ||
      EVP_PKEY_decrypt_init(context.get()) <= 0 || !use_oaep(context.get()))
    return std::nullopt;
  Buffer plain(key_size);
  std::size_t size = plain.size();
  const bool good =
      EVP_PKEY_decrypt(context.get(), plain.data(), &size, encrypted.data(), encrypted.size()) > 0;
  std::optional<SecretBytes> password;
  if (good) {
    mask(std::span(plain).first(size), salt);
    if (size != 0 && plain[size - 1] == 0) password.emplace(Bytes(plain).first(size - 1));
  }
  cleanse(plain);
  return password;
}

Result<Buffer> encrypt_password(Bytes password, Bytes salt, std::string_view public_pem) {
  const Bio bio = memory(public_pem);
  const Pkey key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr || EVP_PKEY_is_a(key.get(), "RSA") != 1)
    return Error{errc::bad_value, 0, "the server's public key is no RSA key in PEM"};
  const PkeyContext context(EVP_PKEY_CTX_new(key.get(), nullptr));
  // In its size from the start: a growing buffer would leave a copy behind.
  Buffer plain(password.size() + 1);
  std::ranges::copy(password, plain.begin());
  mask(plain, salt);
  Buffer encrypted(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())));
  std::size_t size = encrypted.size();
  const bool good =
      context != nullptr && EVP_PKEY_encrypt_init(context.get()) > 0 && use_oaep(context.get()) &&
      EVP_PKEY_encrypt(context.get(), encrypted.data(), &size, plain.data(), plain.size()) > 0;
  cleanse(plain);
  if (!good) return Error{errc::too_long, 0, "the password is too long for the server's RSA key"};
  encrypted.resize(size);
  return encrypted;
}

}  // namespace mysqlwire::crypto
