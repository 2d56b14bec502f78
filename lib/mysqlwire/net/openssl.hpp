// Owners of OpenSSL's objects, and its errors in words.
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace mysqlwire::net {

/// Turns one of OpenSSL's free functions into a deleter.
template <auto free_function>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const noexcept {
    free_function(object);
  }
};

using SslContextPtr = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslFree<SSL_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, OpensslFree<SSL_SESSION_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;

/// A TLS setting that can't be used; what() names the file or the setting.
struct TlsError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The newest error in OpenSSL's queue in words, such as "no such file"; empties the queue.
std::string take_openssl_error();

}  // namespace mysqlwire::net
