#include "cli/pcapdecode/tls_handshake.hpp"

#include <openssl/bio.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

namespace pcapdecode {

using mysqlwire::Bytes;

namespace {

constexpr std::uint16_t extension_server_name = 0;
constexpr std::uint16_t extension_encrypt_then_mac = 22;
constexpr std::uint16_t extension_supported_versions = 43;

// The random of a HelloRetryRequest: SHA-256 of those words.
constexpr std::array<std::uint8_t, 32> retry_random{
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/// Big-endian numbers and vectors of TLS; empty and false once something was too short.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }
  std::size_t number(std::size_t width) {
    std::size_t value = 0;
    for (const std::uint8_t byte : take(width)) value = value << 8 | byte;
    return value;
  }
  Bytes take(std::size_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const Bytes taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  /// A vector with its length in front, of so many bytes.
  Bytes vector(std::size_t width) { return take(number(width)); }

 private:
  Bytes bytes_;
  bool ok_ = true;
};

void copy_random(Bytes from, std::array<std::uint8_t, 32>& to) {
  if (from.size() == to.size()) std::copy(from.begin(), from.end(), to.begin());
}

// The host name of a server_name extension.
std::string read_server_name(Bytes extension) {
  Cursor cursor(extension);
  Cursor list(cursor.vector(2));
  if (list.number(1) != 0) return {};
  return std::string(mysqlwire::as_text(list.vector(2)));
}

}  // namespace

std::optional<ClientHello> read_client_hello(Bytes body) {
  Cursor cursor(body);
  ClientHello hello;
  (void)cursor.number(2);
  copy_random(cursor.take(32), hello.random);
  (void)cursor.vector(1);  // session id
  (void)cursor.vector(2);  // cipher suites
  (void)cursor.vector(1);  // compression methods
  if (!cursor.ok()) return std::nullopt;
  if (cursor.at_end()) return hello;
  Cursor extensions(cursor.vector(2));
  while (extensions.ok() && !extensions.at_end()) {
    const std::size_t type = extensions.number(2);
    const Bytes extension = extensions.vector(2);
    if (type == extension_server_name) hello.server_name = read_server_name(extension);
  }
  return hello;
}

std::optional<ServerHello> read_server_hello(Bytes body) {
  Cursor cursor(body);
  ServerHello hello;
  hello.version = static_cast<std::uint16_t>(cursor.number(2));
  copy_random(cursor.take(32), hello.random);
  (void)cursor.vector(1);
  hello.cipher_suite = static_cast<std::uint16_t>(cursor.number(2));
  (void)cursor.number(1);
  if (!cursor.ok()) return std::nullopt;
  hello.is_retry = hello.random == retry_random;
  if (cursor.at_end()) return hello;
  Cursor extensions(cursor.vector(2));
  while (extensions.ok() && !extensions.at_end()) {
    const std::size_t type = extensions.number(2);
    const Bytes extension = extensions.vector(2);
    if (type == extension_encrypt_then_mac) hello.encrypt_then_mac = true;
    if (type == extension_supported_versions && extension.size() == 2)
      hello.version = static_cast<std::uint16_t>(extension[0] << 8 | extension[1]);
  }
  return hello;
}

std::string tls_version_name(std::uint16_t version) {
  switch (version) {
    case 0x0300: return "SSLv3";
    case 0x0301: return "TLSv1";
    case 0x0302: return "TLSv1.1";
    case 0x0303: return "TLSv1.2";
    case 0x0304: return "TLSv1.3";
    default: return "unknown";
  }
}

std::string certificate_subject(Bytes body, bool is_13) {
  Cursor cursor(body);
  if (is_13) (void)cursor.vector(1);  // request context
  Cursor list(cursor.vector(3));
  const Bytes der = list.vector(3);
  if (!list.ok() || der.empty()) return {};
  const unsigned char* at = der.data();
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      d2i_X509(nullptr, &at, static_cast<long>(der.size())), X509_free);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> text(BIO_new(BIO_s_mem()), BIO_free_all);
  if (!certificate || !text) return {};
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_ONELINE);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace pcapdecode
