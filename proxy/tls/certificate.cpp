#include "proxy/tls/certificate.hpp"

#include "proxy/config/files.hpp"

#include <mysqlwire/crypto/secret.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>

namespace mysqlproxy {
namespace {

constexpr std::size_t largest_key_file = 64 << 10;

constexpr long ten_years = 3650L * 24 * 60 * 60;

void require(bool good, std::string_view what) {
  if (!good) throw TlsError(fmt::format("{}: {}", what, take_openssl_error()));
}

void add_extension(X509& certificate, int kind, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
  require(extension != nullptr, "can't make a certificate");
  X509_add_ext(&certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

BioPtr open_to_write(const std::string& path, int mode) {
  // Never over something that is there, and never readable by others for a moment.
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (descriptor < 0) throw TlsError(fmt::format("{}: {}", path, std::strerror(errno)));
  return BioPtr(BIO_new_fd(descriptor, BIO_CLOSE));
}

BioPtr open_to_read(const std::string& path) {
  BioPtr file(BIO_new_file(path.c_str(), "r"));
  require(file != nullptr, path);
  return file;
}

void write_whole(const std::string& path, int mode, mysqlwire::Bytes bytes) {
  const BioPtr file = open_to_write(path, mode);
  std::size_t written = 0;
  if (BIO_write_ex(file.get(), bytes.data(), bytes.size(), &written) != 1 ||
      written != bytes.size()) {
    ::unlink(path.c_str());
    throw TlsError(fmt::format("{}: {}", path, std::strerror(errno)));
  }
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

/// What others could read is no secret any more.
void require_private(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    throw TlsError(fmt::format("{}: others than its owner may use it; chmod 600", path));
}

}  // namespace

OwnCertificate make_certificate() {
  OwnCertificate own;
  own.key.reset(EVP_EC_gen("P-256"));
  require(own.key != nullptr, "can't make a key");
  own.certificate.reset(X509_new());
  X509& certificate = *own.certificate;
  std::uint64_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1,
          "no random numbers");
  X509_set_version(&certificate, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(&certificate), serial >> 1 | 1);
  X509_gmtime_adj(X509_getm_notBefore(&certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(&certificate), ten_years);
  X509_set_pubkey(&certificate, own.key.get());
  X509_NAME* name = X509_get_subject_name(&certificate);
  const auto* common_name =
      reinterpret_cast<const unsigned char*>("mysqlproxy self-signed certificate");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
  X509_set_issuer_name(&certificate, name);
  add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate, NID_ext_key_usage, "serverAuth");
  require(X509_sign(&certificate, own.key.get(), EVP_sha256()) != 0, "can't sign a certificate");
  return own;
}

OwnCertificate certificate_in(const std::string& folder) {
  const std::string certificate_path = folder + "/server-cert.pem";
  const std::string key_path = folder + "/server-key.pem";
  OwnCertificate own;
  if (!exists(certificate_path) && !exists(key_path)) {
    own = make_certificate();
    const BioPtr key = open_to_write(key_path, 0600);
    require(PEM_write_bio_PrivateKey(key.get(), own.key.get(), nullptr, nullptr, 0, nullptr,
                                     nullptr) == 1,
            key_path);
    const BioPtr certificate = open_to_write(certificate_path, 0644);
    require(PEM_write_bio_X509(certificate.get(), own.certificate.get()) == 1, certificate_path);
    return own;
  }
  const BioPtr certificate = open_to_read(certificate_path);
  own.certificate.reset(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
  require(own.certificate != nullptr, certificate_path);
  const BioPtr key = open_to_read(key_path);
  own.key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
  require(own.key != nullptr, key_path);
  return own;
}

mysqlwire::crypto::RsaKey rsa_key_in(const std::string& folder) {
  using mysqlwire::crypto::RsaKey;
  const std::string private_path = folder + "/private_key.pem";
  const std::string public_path = folder + "/public_key.pem";
  if (!exists(private_path)) {
    RsaKey key = RsaKey::generate();
    const auto pem = key.private_pem();
    write_whole(private_path, 0600, pem.bytes());
    // For clients that are told beforehand whose key it is. One of an earlier key is of no use.
    ::unlink(public_path.c_str());
    write_whole(public_path, 0644, mysqlwire::as_bytes(key.public_pem()));
    return key;
  }
  require_private(private_path);
  auto text = read_whole_file(private_path, largest_key_file);
  if (!text.fault.empty()) throw TlsError(fmt::format("{} {}", private_path, text.fault));
  auto key = RsaKey::from_pem(text.text);
  mysqlwire::crypto::cleanse({reinterpret_cast<std::uint8_t*>(text.text.data()), text.text.size()});
  if (!key) throw TlsError(fmt::format("{}: {}", private_path, key.error().message));
  return std::move(*key);
}

}  // namespace mysqlproxy
