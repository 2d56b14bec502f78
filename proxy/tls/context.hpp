// What all TLS connections of one listener, or to one server, have in common.
#pragma once

#include "proxy/config/tls.hpp"
#include "proxy/tls/certificate.hpp"
#include "proxy/tls/key_log.hpp"
#include "proxy/tls/openssl.hpp"

#include <memory>
#include <mutex>
#include <string>

namespace mysqlproxy {

/// Certificates, trust and limits, read once; immutable but for the session to resume. Any thread.
class TlsContext {
 public:
  /// For a listener. `own` is used when `tls` names no certificate. Throws TlsError when a file
  /// can't be used, with its name.
  static std::shared_ptr<TlsContext> for_listener(const ListenerTls& tls, const OwnCertificate* own,
                                                  std::shared_ptr<KeyLog> key_log);
  /// For connections to one server. Throws TlsError.
  static std::shared_ptr<TlsContext> for_server(const ServerTls& tls,
                                                std::shared_ptr<KeyLog> key_log);

  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// A connection on the listening side.
  SslPtr accept() const;
  /// A connection to a server, with `host` (a name or an address) as whom to expect. Resumes the
  /// last session where that is possible.
  SslPtr connect(const std::string& host) const;

 private:
  TlsContext(const SSL_METHOD* method, const TlsFiles& files, std::shared_ptr<KeyLog> key_log);
  void use_files(const TlsFiles& files);
  void trust(const TlsFiles& files);
  static int remember_session(SSL* ssl, SSL_SESSION* session);
  static void log_key(const SSL* ssl, const char* line);

  SslContextPtr context_;
  std::shared_ptr<KeyLog> key_log_;
  TlsMode mode_ = TlsMode::preferred;
  mutable std::mutex mutex_;
  SslSessionPtr session_;  ///< of the last connection to the server
};

}  // namespace mysqlproxy
