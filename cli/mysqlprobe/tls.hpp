// TLS of the client's side over bytes: what came in, what is to be sent.
#pragma once

#include "cli/mysqlprobe/target.hpp"

#include <mysqlwire/net/openssl.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace mysqlprobe {

struct TlsSettings {
  TlsMode mode = TlsMode::preferred;
  std::string ca;  ///< file; empty: what the system has
  std::string ca_folder;
  std::string certificate;
  std::string key;
  std::string ciphers;       ///< of TLS 1.2 and older
  std::string ciphersuites;  ///< of TLS 1.3
  int min_version = 0;       ///< TLS1_2_VERSION …; 0: what the system has
  int max_version = 0;
  std::string server_name;    ///< whom to expect, in place of the host
  bool any_strength = false;  ///< for questions: also what this system thinks too weak
};

/// What stands in a certificate.
struct CertificateFacts {
  std::string subject;
  std::string issuer;
  std::vector<std::string> names;  ///< of hosts, and addresses
  std::string not_before;          ///< 2026-01-31T12:00:00Z
  std::string not_after;
  std::int64_t days_left = 0;  ///< negative: expired
  std::string key;             ///< "RSA 2048"
  std::string signature;       ///< "sha256WithRSAEncryption"
  std::string fingerprint;     ///< SHA-256, hex
  bool self_signed = false;
  bool is_ca = false;
  bool not_yet_valid = false;
};

/// One connection's TLS. No I/O.
class TlsClient {
 public:
  enum class Handshake : std::uint8_t { done, want_more, failed };

  /// `host`: a name or an address. Throws TlsError when a file of the settings can't be used.
  TlsClient(const TlsSettings& settings, const std::string& host);
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  ~TlsClient();

  void feed(mysqlwire::Bytes received);
  /// What is to be sent; empty when nothing is. Given out once.
  mysqlwire::Buffer take_output();

  Handshake shake_hands();
  /// After `failed`: in words, and X509_V_* where the certificate was the reason.
  const std::string& error() const noexcept { return error_; }
  int certificate_error() const noexcept { return certificate_error_; }

  /// Appends what has come in clear. False when the other side has said goodbye, or what came is
  /// broken: error() is not empty then.
  bool read(mysqlwire::Buffer& plain);
  void write(mysqlwire::Bytes plain);
  void say_goodbye();

  std::string version() const;
  std::string cipher() const;
  /// The server's chain as it sent it, its own first.
  std::vector<CertificateFacts> chain() const;
  /// What is the matter with the certificate by the trust of the settings, whatever the mode:
  /// X509_V_OK or not.
  int verify_result() const;
  /// Whether the certificate is for that name or address.
  bool matches(const std::string& host) const;
  /// Lines for a key log, so far.
  const std::string& secrets() const noexcept { return secrets_; }
  /// What DH or curve was used, such as "X25519"; empty when not known.
  std::string group() const;

 private:
  static void on_key(const SSL* ssl, const char* line);

  mysqlwire::net::SslContextPtr context_;
  mysqlwire::net::SslPtr ssl_;
  BIO* in_ = nullptr;   // owned by ssl_
  BIO* out_ = nullptr;  // owned by ssl_
  std::string error_;
  int certificate_error_ = 0;
  std::string secrets_;
};

std::string verify_error_text(int code);

}  // namespace mysqlprobe
