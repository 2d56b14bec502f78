#include <mysqlwire/crypto/secret.hpp>

#include <openssl/crypto.h>

#include <utility>

namespace mysqlwire::crypto {

void cleanse(std::span<std::uint8_t> bytes) noexcept {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

bool equal_in_constant_time(Bytes a, Bytes b) noexcept {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

SecretBytes::SecretBytes(Bytes bytes)
    : data_(bytes.empty() ? nullptr : new std::uint8_t[bytes.size()]), size_(bytes.size()) {
  std::ranges::copy(bytes, data_.get());
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    wipe();
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void SecretBytes::wipe() noexcept {
  if (data_ != nullptr) cleanse({data_.get(), size_});
  data_.reset();
  size_ = 0;
}

}  // namespace mysqlwire::crypto
