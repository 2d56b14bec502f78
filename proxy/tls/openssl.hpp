// The owners of OpenSSL's objects by the names that the proxy uses.
#pragma once

#include <mysqlwire/net/openssl.hpp>

namespace mysqlproxy {

using mysqlwire::net::BioPtr;
using mysqlwire::net::PkeyPtr;
using mysqlwire::net::SslContextPtr;
using mysqlwire::net::SslPtr;
using mysqlwire::net::SslSessionPtr;
using mysqlwire::net::take_openssl_error;
using mysqlwire::net::TlsError;
using mysqlwire::net::X509Ptr;

}  // namespace mysqlproxy
