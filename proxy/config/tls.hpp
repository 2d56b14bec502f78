// How TLS is to be used, on either side.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// Whether TLS is used and what is asked of the other side's certificate. A listener knows the
/// first three.
enum class TlsMode : std::uint8_t {
  disabled,         ///< never
  preferred,        ///< where the other side can; no protection from an active attacker
  required,         ///< always, whoever the other side may be
  verify_ca,        ///< and its certificate is signed by an authority that is trusted
  verify_identity,  ///< and it names the host that was connected to
};

enum class TlsVersion : std::uint8_t { tls12, tls13 };

/// Files and limits that both sides have; an empty text means "not given".
struct TlsFiles {
  std::string certificate;  ///< PEM file: our certificate, then its chain
  std::string key;          ///< PEM file: the certificate's private key
  std::string ca;           ///< PEM file: who may sign the other side's certificates
  TlsVersion min_version = TlsVersion::tls12;
  std::string ciphers;       ///< TLS 1.2, in OpenSSL's notation
  std::string ciphersuites;  ///< TLS 1.3, in OpenSSL's notation

  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

/// The tls… keys of [listen.NAME].
struct ListenerTls {
  TlsMode mode = TlsMode::preferred;
  TlsFiles files;
  /// With files.ca: clients without a certificate that it signed are turned away.
  bool require_client_certificate = false;
  /// Without files.certificate: make one at the start, as servers do.
  bool self_signed = true;

  friend bool operator==(const ListenerTls&, const ListenerTls&) = default;
};

/// The tls… keys of [server.NAME].
struct ServerTls {
  TlsMode mode = TlsMode::preferred;
  TlsFiles files;
  std::string name;  ///< the host name to send (SNI) and to verify; empty: the address's own

  friend bool operator==(const ServerTls&, const ServerTls&) = default;
};

/// The words of the file: "verify_ca", "1.2".
std::string_view to_string(TlsMode mode) noexcept;
std::string_view to_string(TlsVersion version) noexcept;

}  // namespace mysqlproxy
