// TLS over one socket.
#pragma once

#include "proxy/io/socket.hpp"
#include "proxy/tls/context.hpp"
#include "proxy/tls/openssl.hpp"

#include <mysqlwire/crypto/caching_sha2_password.hpp>
#include <mysqlwire/wire/bytes.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// One TLS connection; reads and writes its socket by itself, and says when it has to wait for it.
class TlsStream {
 public:
  /// `ssl` is a fresh connection of `context`, which is kept; `socket` must outlive the stream.
  TlsStream(std::shared_ptr<const TlsContext> context, SslPtr ssl, Socket& socket);

  enum class Handshake : std::uint8_t { done, under_way, failed };
  /// Goes on with the handshake as far as the socket allows. After `failed`, error() says why.
  Handshake shake_hands();
  const std::string& error() const noexcept { return error_; }

  IoResult read(std::span<std::uint8_t> into) noexcept;
  /// Takes a part, and after would_block wants the same bytes again.
  IoResult write(mysqlwire::Bytes from) noexcept;
  /// Bytes have been read from the socket that read() has not returned yet.
  bool pending() const noexcept { return SSL_has_pending(ssl_.get()) == 1; }
  /// Says goodbye, so that the other side can tell an end from a cut.
  void shut_write() noexcept;

  /// Whose certificate was verified, in the form that servers store: "/C=SE/O=Shop/CN=app".
  struct PeerNames {
    std::string subject;
    std::string issuer;
  };
  /// Nothing when the peer has shown none, or none that counts.
  std::optional<PeerNames> verified_peer() const;
  /// SHA-256 of the certificate that this side has shown; nothing when it has shown none.
  std::optional<mysqlwire::crypto::Sha256> own_fingerprint() const;

  /// Whether OpenSSL overwrites what it has decrypted as soon as that was read: for logins.
  void set_wiping(bool on) noexcept;

  /// "TLSv1.3", "TLS_AES_256_GCM_SHA384". OpenSSL's own texts: valid for good.
  std::string_view version() const noexcept { return SSL_get_version(ssl_.get()); }
  std::string_view cipher() const noexcept { return SSL_get_cipher_name(ssl_.get()); }

 private:
  IoResult outcome(int result) noexcept;

  std::shared_ptr<const TlsContext> context_;  // OpenSSL calls it back
  SslPtr ssl_;
  std::string error_;
};

}  // namespace mysqlproxy
