#include "proxy/tls/context.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <utility>

namespace mysqlproxy {
namespace {

void require(bool good, std::string_view what) {
  if (!good) throw TlsError(fmt::format("{}: {}", what, take_openssl_error()));
}

bool is_address(const std::string& host) {
  in6_addr parsed{};
  return ::inet_pton(AF_INET, host.c_str(), &parsed) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &parsed) == 1;
}

}  // namespace

TlsContext::TlsContext(const SSL_METHOD* method, const TlsFiles& files,
                       std::shared_ptr<KeyLog> key_log)
    : context_(SSL_CTX_new(method)), key_log_(std::move(key_log)) {
  require(context_ != nullptr, "TLS");
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_min_proto_version(
      context, files.min_version == TlsVersion::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Retries of a write come from a buffer that may have moved; idle connections hold no buffers.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);  // one system call for many records, not two for each
  if (key_log_) SSL_CTX_set_keylog_callback(context, log_key);
  use_files(files);
}

TlsContext::~TlsContext() = default;

void TlsContext::use_files(const TlsFiles& files) {
  SSL_CTX* const context = context_.get();
  if (!files.certificate.empty()) {
    require(SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) == 1,
            fmt::format("tls_certificate {}", files.certificate));
    require(SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1,
            fmt::format("tls_key {}", files.key));
    require(SSL_CTX_check_private_key(context) == 1, fmt::format("tls_key {}", files.key));
  }
  if (!files.ciphers.empty())
    require(SSL_CTX_set_cipher_list(context, files.ciphers.c_str()) == 1, "tls_ciphers");
  if (!files.ciphersuites.empty())
    require(SSL_CTX_set_ciphersuites(context, files.ciphersuites.c_str()) == 1, "tls_ciphersuites");
}

void TlsContext::trust(const TlsFiles& files) {
  if (files.ca.empty()) {
    require(SSL_CTX_set_default_verify_paths(context_.get()) == 1,
            "the system's certificate authorities");
  } else {
    require(SSL_CTX_load_verify_file(context_.get(), files.ca.c_str()) == 1,
            fmt::format("tls_ca {}", files.ca));
  }
}

std::shared_ptr<TlsContext> TlsContext::for_listener(const ListenerTls& tls,
                                                     const OwnCertificate* own,
                                                     std::shared_ptr<KeyLog> key_log) {
  std::shared_ptr<TlsContext> made(
      new TlsContext(TLS_server_method(), tls.files, std::move(key_log)));
  SSL_CTX* const context = made->context_.get();
  made->mode_ = tls.mode;
  if (tls.files.certificate.empty() && own != nullptr) {
    require(SSL_CTX_use_certificate(context, own->certificate.get()) == 1,
            "self-signed certificate");
    require(SSL_CTX_use_PrivateKey(context, own->key.get()) == 1, "self-signed certificate");
  }
  constexpr unsigned char resumption_scope[] = "mysqlproxy";
  SSL_CTX_set_session_id_context(context, resumption_scope, sizeof resumption_scope - 1);
  if (!tls.files.ca.empty()) {
    made->trust(tls.files);
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(tls.files.ca.c_str()));
    const int must = tls.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | must, nullptr);
  }
  return made;
}

std::shared_ptr<TlsContext> TlsContext::for_server(const ServerTls& tls,
                                                   std::shared_ptr<KeyLog> key_log) {
  std::shared_ptr<TlsContext> made(
      new TlsContext(TLS_client_method(), tls.files, std::move(key_log)));
  SSL_CTX* const context = made->context_.get();
  made->mode_ = tls.mode;
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, remember_session);
  if (tls.mode == TlsMode::verify_ca || tls.mode == TlsMode::verify_identity) {
    made->trust(tls.files);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  return made;
}

SslPtr TlsContext::accept() const {
  SslPtr ssl(SSL_new(context_.get()));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

SslPtr TlsContext::connect(const std::string& host) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl) return ssl;
  SSL_set_connect_state(ssl.get());
  const bool address = is_address(host);
  if (!address && !host.empty()) {
    // What SSL_set_tlsext_host_name() does, without its C cast.
    SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(host.c_str()));
  }
  if (mode_ == TlsMode::verify_identity) {
    X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl.get());
    const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str())
                            : X509_VERIFY_PARAM_set1_host(expected, host.c_str(), 0);
    if (set != 1) return nullptr;
  }
  const std::lock_guard lock(mutex_);
  if (session_) SSL_set_session(ssl.get(), session_.get());
  return ssl;
}

int TlsContext::remember_session(SSL* ssl, SSL_SESSION* session) {
  auto* const self = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const std::lock_guard lock(self->mutex_);
  self->session_.reset(session);
  return 1;  // the reference is ours now
}

void TlsContext::log_key(const SSL* ssl, const char* line) {
  static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->key_log_->append(line);
}

}  // namespace mysqlproxy
