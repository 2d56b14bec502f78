#include <mysqlwire/crypto/digest_detail.hpp>

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace mysqlwire::crypto {
namespace {

struct FreeAlgorithm {
  void operator()(EVP_MD* algorithm) const noexcept { EVP_MD_free(algorithm); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using Algorithm = std::unique_ptr<EVP_MD, FreeAlgorithm>;

Algorithm fetch(const char* name) {
  Algorithm algorithm(EVP_MD_fetch(nullptr, name, nullptr));
  if (algorithm == nullptr) throw std::runtime_error(std::string("OpenSSL has no ") + name);
  return algorithm;
}

/// The context is made and freed for every digest: what is left in one after its end is the digest,
/// and freeing wipes it.
void digest_with(const EVP_MD* algorithm, std::initializer_list<Bytes> parts,
                 std::uint8_t* digest) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  bool good = context != nullptr;
  good = good && EVP_DigestInit_ex(context.get(), algorithm, nullptr) == 1;
  for (const Bytes part : parts) {
    good = good && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  }
  good = good && EVP_DigestFinal_ex(context.get(), digest, nullptr) == 1;
  if (!good) throw std::runtime_error("OpenSSL could not make a digest");
}

}  // namespace

// Algorithms are fetched once: looking one up costs more than a digest of 40 bytes.

void sha1(std::initializer_list<Bytes> parts, std::span<std::uint8_t, 20> digest) {
  static const Algorithm algorithm = fetch("SHA1");
  digest_with(algorithm.get(), parts, digest.data());
}

void sha256(std::initializer_list<Bytes> parts, std::span<std::uint8_t, 32> digest) {
  static const Algorithm algorithm = fetch("SHA256");
  digest_with(algorithm.get(), parts, digest.data());
}

void sha512(std::initializer_list<Bytes> parts, std::span<std::uint8_t, 64> digest) {
  static const Algorithm algorithm = fetch("SHA512");
  digest_with(algorithm.get(), parts, digest.data());
}

void xor_into(std::span<std::uint8_t> target, Bytes with) noexcept {
  for (std::size_t i = 0; i < target.size(); ++i) {
    target[i] = static_cast<std::uint8_t>(target[i] ^ with[i]);
  }
}

}  // namespace mysqlwire::crypto
