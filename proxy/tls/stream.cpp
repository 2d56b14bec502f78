#include "proxy/tls/stream.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <cerrno>
#include <new>
#include <utility>

namespace mysqlproxy {
namespace {

// OpenSSL's view of a Socket: so that readiness flags are kept, and SIGPIPE is not raised.

int read_socket(BIO* bio, char* into, std::size_t size, std::size_t* got) {
  auto& socket = *static_cast<Socket*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *got = 0;
  if (!socket.readable()) {
    if (socket.hung_up()) return 0;
    BIO_set_retry_read(bio);
    return 0;
  }
  const IoResult result = socket.read({reinterpret_cast<std::uint8_t*>(into), size});
  if (result.kind == IoResult::Kind::would_block) BIO_set_retry_read(bio);
  if (result.kind == IoResult::Kind::closed) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  if (result.kind != IoResult::Kind::done) return 0;
  *got = result.size;
  return 1;
}

int write_socket(BIO* bio, const char* from, std::size_t size, std::size_t* sent) {
  auto& socket = *static_cast<Socket*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *sent = 0;
  IoResult result{IoResult::Kind::would_block, 0, 0};
  if (socket.writable()) result = socket.write({reinterpret_cast<const std::uint8_t*>(from), size});
  if (result.kind == IoResult::Kind::would_block) BIO_set_retry_write(bio);
  if (result.kind != IoResult::Kind::done) return 0;
  *sent = result.size;
  return 1;
}

long control_socket(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_read_ex(made, read_socket);
    BIO_meth_set_write_ex(made, write_socket);
    BIO_meth_set_ctrl(made, control_socket);
    return made;
  }();
  return method;
}

}  // namespace

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context, SslPtr ssl, Socket& socket)
    : context_(std::move(context)), ssl_(std::move(ssl)) {
  BIO* const bio = BIO_new(socket_method());
  if (!ssl_ || bio == nullptr) {
    BIO_free(bio);
    throw std::bad_alloc();
  }
  BIO_set_data(bio, &socket);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

namespace {

std::string one_line(const X509_NAME* name) {
  char* text = X509_NAME_oneline(name, nullptr, 0);
  if (text == nullptr) throw std::bad_alloc();
  std::string line(text);
  OPENSSL_free(text);
  return line;
}

}  // namespace

std::optional<TlsStream::PeerNames> TlsStream::verified_peer() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  const bool asked = (SSL_get_verify_mode(ssl_.get()) & SSL_VERIFY_PEER) != 0;
  if (certificate == nullptr || !asked || SSL_get_verify_result(ssl_.get()) != X509_V_OK)
    return std::nullopt;
  return PeerNames{one_line(X509_get_subject_name(certificate)),
                   one_line(X509_get_issuer_name(certificate))};
}

TlsStream::Handshake TlsStream::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return Handshake::done;
  const int kind = SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return Handshake::under_way;
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (ERR_peek_error() == 0)
    error_ = "the connection was closed during the TLS handshake";
  else if (verdict != X509_V_OK)
    error_ =
        fmt::format("certificate verification failed: {}", X509_verify_cert_error_string(verdict));
  else
    error_ = take_openssl_error();
  ERR_clear_error();
  return Handshake::failed;
}

IoResult TlsStream::read(std::span<std::uint8_t> into) noexcept {
  ERR_clear_error();
  std::size_t size = 0;
  const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &size);
  if (result == 1) return {IoResult::Kind::done, size, 0};
  return outcome(result);
}

IoResult TlsStream::write(mysqlwire::Bytes from) noexcept {
  ERR_clear_error();
  std::size_t size = 0;
  const int result = SSL_write_ex(ssl_.get(), from.data(), from.size(), &size);
  if (result == 1) return {IoResult::Kind::done, size, 0};
  return outcome(result);
}

IoResult TlsStream::outcome(int result) noexcept {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return {IoResult::Kind::would_block, 0, 0};
    case SSL_ERROR_ZERO_RETURN: return {IoResult::Kind::closed, 0, 0};
    default: return {IoResult::Kind::failed, 0, EPROTO};
  }
}

std::optional<mysqlwire::crypto::Sha256> TlsStream::own_fingerprint() const {
  const X509* const certificate = SSL_get_certificate(ssl_.get());
  mysqlwire::crypto::Sha256 fingerprint{};
  unsigned size = 0;
  if (certificate == nullptr ||
      X509_digest(certificate, EVP_sha256(), fingerprint.data(), &size) != 1 ||
      size != fingerprint.size())
    return std::nullopt;
  return fingerprint;
}

void TlsStream::set_wiping(bool on) noexcept {
  if (on)
    SSL_set_options(ssl_.get(), SSL_OP_CLEANSE_PLAINTEXT);
  else
    SSL_clear_options(ssl_.get(), SSL_OP_CLEANSE_PLAINTEXT);
}

void TlsStream::shut_write() noexcept {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace mysqlproxy
