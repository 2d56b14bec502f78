// The certificate and the keys that the proxy makes for itself where the operator gives none.
#pragma once

#include "proxy/tls/openssl.hpp"

#include <mysqlwire/crypto/rsa_password.hpp>

#include <string>

namespace mysqlproxy {

struct OwnCertificate {
  X509Ptr certificate;
  PkeyPtr key;
};

/// Makes a key (EC, P-256) and a certificate over it that is valid from now on for ten years.
/// Throws TlsError.
OwnCertificate make_certificate();

/// The pair kept in `folder` as server-cert.pem and server-key.pem; made and written there first
/// when neither exists. Throws TlsError.
OwnCertificate certificate_in(const std::string& folder);

/// The RSA key for passwords without TLS that is kept in `folder` as private_key.pem, readable by
/// its owner only, with public_key.pem beside it; made and written there first when there is none.
/// Throws TlsError, also when others can read the key.
mysqlwire::crypto::RsaKey rsa_key_in(const std::string& folder);

}  // namespace mysqlproxy
