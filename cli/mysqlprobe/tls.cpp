#include "cli/mysqlprobe/tls.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>
#include <new>

namespace mysqlprobe {

using namespace mysqlwire::net;

namespace {

void require(bool good, const std::string& what) {
  if (!good) throw TlsError(what + ": " + take_openssl_error());
}

bool is_address(const std::string& host) {
  in6_addr parsed{};
  return ::inet_pton(AF_INET, host.c_str(), &parsed) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &parsed) == 1;
}

std::string name_text(const X509_NAME* name) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(memory.get(), name, 0,
                     XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  char* data = nullptr;
  const long size = BIO_ctrl(memory.get(), BIO_CTRL_INFO, 0, static_cast<void*>(&data));
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string time_text(const ASN1_TIME* time) {
  std::tm broken{};
  if (ASN1_TIME_to_tm(time, &broken) != 1) return "";
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%FT%TZ", &broken);
  return {text.data(), size};
}

void add_names(const X509* certificate, std::vector<std::string>& names) {
  constexpr std::size_t most = 100;
  auto* list = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  const int count = list == nullptr ? 0 : sk_GENERAL_NAME_num(list);
  for (int i = 0; i < count && names.size() < most; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    if (name->type == GEN_DNS) {
      const ASN1_IA5STRING* text = name->d.dNSName;
      names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                         static_cast<std::size_t>(ASN1_STRING_length(text)));
    } else if (name->type == GEN_IPADD) {
      const ASN1_OCTET_STRING* bytes = name->d.iPAddress;
      std::array<char, INET6_ADDRSTRLEN> text{};
      const int family = ASN1_STRING_length(bytes) == 16 ? AF_INET6 : AF_INET;
      if (family == AF_INET6 || ASN1_STRING_length(bytes) == 4)
        if (::inet_ntop(family, ASN1_STRING_get0_data(bytes), text.data(), text.size()) != nullptr)
          names.emplace_back(text.data());
    }
  }
  GENERAL_NAMES_free(list);
}

std::string key_text(X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) return "unreadable";
  const char* type = EVP_PKEY_get0_type_name(key);
  return fmt::format("{} {}", type == nullptr ? "unknown" : type, EVP_PKEY_get_bits(key));
}

CertificateFacts read_certificate(X509* certificate) {
  CertificateFacts facts;
  facts.subject = name_text(X509_get_subject_name(certificate));
  facts.issuer = name_text(X509_get_issuer_name(certificate));
  add_names(certificate, facts.names);
  facts.not_before = time_text(X509_get0_notBefore(certificate));
  facts.not_after = time_text(X509_get0_notAfter(certificate));
  int days = 0, seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate)) == 1)
    facts.days_left = days == 0 && seconds < 0 ? -1 : days;
  facts.not_yet_valid = X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0;
  facts.key = key_text(certificate);
  facts.signature = OBJ_nid2ln(X509_get_signature_nid(certificate));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1)
    for (unsigned i = 0; i < size; ++i) facts.fingerprint += fmt::format("{:02x}", digest[i]);
  facts.self_signed =
      X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
  facts.is_ca = X509_check_ca(certificate) != 0;
  return facts;
}

/// The system's authorities, read once: they are a hundred certificates and more, whose reading
/// would be most of what a connection costs.
X509_STORE* system_authorities() {
  static const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store = [] {
    std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> made(X509_STORE_new(), X509_STORE_free);
    require(made != nullptr && X509_STORE_set_default_paths(made.get()) == 1,
            "the system's authorities");
    return made;
  }();
  return store.get();
}

void use_files(SSL_CTX* context, const TlsSettings& settings) {
  if (!settings.certificate.empty())
    require(SSL_CTX_use_certificate_chain_file(context, settings.certificate.c_str()) == 1,
            settings.certificate);
  const std::string& key = settings.key.empty() ? settings.certificate : settings.key;
  if (!key.empty()) {
    require(SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1, key);
    require(SSL_CTX_check_private_key(context) == 1, key);
  }
  if (!settings.ca.empty())
    require(SSL_CTX_load_verify_file(context, settings.ca.c_str()) == 1, settings.ca);
  if (!settings.ca_folder.empty())
    require(SSL_CTX_load_verify_dir(context, settings.ca_folder.c_str()) == 1, settings.ca_folder);
  if (settings.ca.empty() && settings.ca_folder.empty())
    SSL_CTX_set1_cert_store(context, system_authorities());
}

}  // namespace

std::string verify_error_text(int code) { return X509_verify_cert_error_string(code); }

TlsClient::TlsClient(const TlsSettings& settings, const std::string& host)
    : context_(SSL_CTX_new(TLS_client_method())) {
  require(context_ != nullptr, "TLS");
  SSL_CTX* const context = context_.get();
  if (settings.any_strength) SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, settings.min_version);
  SSL_CTX_set_max_proto_version(context, settings.max_version);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  use_files(context, settings);
  if (!settings.ciphers.empty())
    require(SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()) == 1, "--ciphers");
  if (!settings.ciphersuites.empty())
    require(SSL_CTX_set_ciphersuites(context, settings.ciphersuites.c_str()) == 1,
            "--ciphersuites");
  SSL_CTX_set_keylog_callback(context, on_key);
  const bool verified =
      settings.mode == TlsMode::verify_ca || settings.mode == TlsMode::verify_identity;
  SSL_CTX_set_verify(context, verified ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);

  ssl_.reset(SSL_new(context));
  in_ = BIO_new(BIO_s_mem());
  out_ = BIO_new(BIO_s_mem());
  if (!ssl_ || in_ == nullptr || out_ == nullptr) {
    BIO_free(in_);
    BIO_free(out_);
    throw std::bad_alloc();
  }
  SSL_set_bio(ssl_.get(), in_, out_);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_connect_state(ssl_.get());
  const std::string& expected = settings.server_name.empty() ? host : settings.server_name;
  if (!expected.empty() && !is_address(expected))
    SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(expected.c_str()));
  if (settings.mode == TlsMode::verify_identity) {
    X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl_.get());
    const int set =
        is_address(expected)
            ? X509_VERIFY_PARAM_set1_ip_asc(parameters, expected.c_str())
            : X509_VERIFY_PARAM_set1_host(parameters, expected.c_str(), expected.size());
    require(set == 1, expected);
  }
}

TlsClient::~TlsClient() = default;

void TlsClient::on_key(const SSL* ssl, const char* line) {
  auto* self = static_cast<TlsClient*>(SSL_get_app_data(ssl));
  self->secrets_ += line;
  self->secrets_ += '\n';
}

void TlsClient::feed(mysqlwire::Bytes received) {
  BIO_write(in_, received.data(), static_cast<int>(received.size()));
}

mysqlwire::Buffer TlsClient::take_output() {
  mysqlwire::Buffer taken(BIO_ctrl_pending(out_));
  if (!taken.empty()) BIO_read(out_, taken.data(), static_cast<int>(taken.size()));
  return taken;
}

TlsClient::Handshake TlsClient::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return Handshake::done;
  const int kind = SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return Handshake::want_more;
  const bool by_certificate = ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  if (by_certificate) {
    certificate_error_ = static_cast<int>(SSL_get_verify_result(ssl_.get()));
    error_ = fmt::format("certificate verify failed: {}", verify_error_text(certificate_error_));
    ERR_clear_error();
  } else {
    error_ = take_openssl_error();
  }
  return Handshake::failed;
}

bool TlsClient::read(mysqlwire::Buffer& plain) {
  ERR_clear_error();
  for (;;) {
    std::array<std::uint8_t, 16384> piece;
    std::size_t size = 0;
    const int result = SSL_read_ex(ssl_.get(), piece.data(), piece.size(), &size);
    if (result == 1) {
      plain.insert(plain.end(), piece.data(), piece.data() + size);
      continue;
    }
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE: return true;
      case SSL_ERROR_ZERO_RETURN: return false;
      default: error_ = take_openssl_error(); return false;
    }
  }
}

void TlsClient::write(mysqlwire::Bytes plain) {
  ERR_clear_error();
  std::size_t written = 0;
  if (!plain.empty()) SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written);
}

void TlsClient::say_goodbye() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

std::string TlsClient::version() const { return SSL_get_version(ssl_.get()); }

std::string TlsClient::cipher() const {
  const char* name = SSL_get_cipher_name(ssl_.get());
  return name == nullptr ? "" : name;
}

std::string TlsClient::group() const {
  const long id = SSL_ctrl(ssl_.get(), SSL_CTRL_GET_NEGOTIATED_GROUP, 0, nullptr);
  const char* name = id == 0 ? nullptr : SSL_group_to_name(ssl_.get(), static_cast<int>(id));
  return name == nullptr ? "" : name;
}

std::vector<CertificateFacts> TlsClient::chain() const {
  std::vector<CertificateFacts> chain;
  const STACK_OF(X509)* sent = SSL_get_peer_cert_chain(ssl_.get());
  constexpr int most = 10;
  const int count = sent == nullptr ? 0 : std::min(sk_X509_num(sent), most);
  for (int i = 0; i < count; ++i) chain.push_back(read_certificate(sk_X509_value(sent, i)));
  return chain;
}

int TlsClient::verify_result() const { return static_cast<int>(SSL_get_verify_result(ssl_.get())); }

bool TlsClient::matches(const std::string& host) const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return false;
  if (is_address(host)) return X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
  return X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1;
}

}  // namespace mysqlprobe
