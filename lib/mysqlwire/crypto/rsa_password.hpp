// Passwords encrypted for a server's RSA key, where there is no TLS.
#pragma once

#include <mysqlwire/crypto/secret.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

// caching_sha2_password and sha256_password send, encrypted by RSA-OAEP (SHA-1), the password with
// its closing NUL, XORed with the salt over and over.
//
// The key comes from the server, in clear: whoever is in between can send one of his own and read
// the password. So a client takes a key from the wire only where it is told to.
//
// Source:
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html

namespace mysqlwire::crypto {

/// The server's side: a key pair. Any thread.
class RsaKey {
 public:
  /// A fresh pair of 2048 bits; takes a good part of a second. Throws std::runtime_error.
  static RsaKey generate();
  /// From a PEM text. The error's `message` says what is wrong.
  static Result<RsaKey> from_pem(std::string_view private_key);

  RsaKey(RsaKey&&) noexcept;
  RsaKey& operator=(RsaKey&&) noexcept;
  ~RsaKey();

  /// What clients are sent: a SubjectPublicKeyInfo in PEM.
  const std::string& public_pem() const noexcept { return public_pem_; }
  /// The private key in PEM, to be kept; it is for its owner's eyes only.
  SecretBytes private_pem() const;
  /// The password without its NUL; nothing when `encrypted` was not made for this key and salt.
  std::optional<SecretBytes> decrypt(Bytes encrypted, Bytes salt) const;

 private:
  struct Key;
  explicit RsaKey(std::unique_ptr<Key> key);

  std::unique_ptr<Key> key_;
  std::string public_pem_;
};

/// The client's side: the password for the key in `public_pem`. The error's `message` says whether
/// the key is none, or too small for the password.
Result<Buffer> encrypt_password(Bytes password, Bytes salt, std::string_view public_pem);

}  // namespace mysqlwire::crypto
