// How a MariaDB server vouches for a certificate that nobody has signed: by the client's password.
#pragma once

#include <mysqlwire/crypto/caching_sha2_password.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/salt.hpp>

#include <string>
#include <string_view>

// Clients of MariaDB 11.4 and later check certificates by default. One that they can't verify is
// taken all the same when the OK of the login has this in its info:
//
//   0x01, then in upper-case hex SHA256( H + salt + SHA256(certificate in DER) )
//
// H is what the server stores of the password: SHA1(SHA1(password)) for mysql_native_password, the
// public key for client_ed25519, 'P', factor, salt and public key for parsec. Whoever does not know
// H, such as somebody in between with a certificate of his own, can't make it. `salt` is the 20
// bytes of the greeting.
//
// Source: https://mariadb.org/mission-impossible-zero-configuration-ssl/

namespace mysqlwire::crypto {

/// The info for an OK, 65 bytes. `password_hash` is H, `fingerprint` the certificate's SHA-256.
std::string certificate_proof(Bytes password_hash, const Salt& salt, const Sha256& fingerprint);

/// Whether an OK's info is one, right or wrong. It is no text for people.
bool is_certificate_proof(std::string_view info) noexcept;

}  // namespace mysqlwire::crypto
