#include "proxy/config/load_tls.hpp"

#include "proxy/config/files.hpp"
#include "proxy/tls/context.hpp"

#include <fmt/format.h>

#include <string_view>

namespace mysqlproxy {
namespace {

void read_file_name(TableReader& reader, std::string_view key, const std::string& config_file,
                    std::string& out) {
  const auto name = reader.text(key, "a file's name");
  if (name && !name->text.empty()) out = beside(config_file, name->text);
}

void read_text(TableReader& reader, std::string_view key, std::string_view expected,
               std::string& out) {
  if (const auto text = reader.text(key, expected)) out = text->text;
}

/// A certificate and its key come together.
void check_pair(TableReader& reader, const TlsFiles& files) {
  if (!files.certificate.empty() && files.key.empty())
    reader.fault(reader.source(), "tls_certificate", "its private key is missing: tls_key");
  if (files.certificate.empty() && !files.key.empty())
    reader.fault(reader.source(), "tls_key", "its certificate is missing: tls_certificate");
}

void read_files(TableReader& reader, const std::string& config_file, TlsFiles& files) {
  read_file_name(reader, "tls_certificate", config_file, files.certificate);
  read_file_name(reader, "tls_key", config_file, files.key);
  read_file_name(reader, "tls_ca", config_file, files.ca);
  reader.read("tls_min_version", files.min_version, {TlsVersion::tls12, TlsVersion::tls13});
  read_text(reader, "tls_ciphers", "a list of TLS 1.2 ciphers in OpenSSL's notation",
            files.ciphers);
  read_text(reader, "tls_ciphersuites", "a list of TLS 1.3 ciphers in OpenSSL's notation",
            files.ciphersuites);
  check_pair(reader, files);
}

/// Makes what will be used, so that a file that can't be is found now.
template <class Make>
void try_out(TableReader& reader, TlsMode mode, const TlsFiles& files, Make make) {
  if (mode == TlsMode::disabled || files.certificate.empty() != files.key.empty()) return;
  try {
    make();
  } catch (const TlsError& error) {
    reader.fault(reader.source(), "tls", error.what());
  }
}

}  // namespace

void read_tls(TableReader& reader, const std::string& config_file, ListenerTls& tls) {
  reader.read("tls", tls.mode, {TlsMode::disabled, TlsMode::preferred, TlsMode::required});
  read_files(reader, config_file, tls.files);
  reader.read("tls_self_signed", tls.self_signed);
  reader.read("tls_require_client_certificate", tls.require_client_certificate);
  if (tls.require_client_certificate && tls.files.ca.empty())
    reader.fault(reader.source(), "tls_require_client_certificate",
                 "who may sign the clients' certificates is missing: tls_ca");
  if (tls.mode == TlsMode::required && tls.files.certificate.empty() && !tls.self_signed)
    reader.fault(reader.source(), "tls", "TLS needs a certificate: tls_certificate and tls_key");
  try_out(reader, tls.mode, tls.files, [&] { TlsContext::for_listener(tls, nullptr, nullptr); });
}

void read_tls(TableReader& reader, const std::string& config_file, ServerTls& tls) {
  reader.read("tls", tls.mode,
              {TlsMode::disabled, TlsMode::preferred, TlsMode::required, TlsMode::verify_ca,
               TlsMode::verify_identity});
  read_files(reader, config_file, tls.files);
  read_text(reader, "tls_server_name", "the host name in the server's certificate", tls.name);
  try_out(reader, tls.mode, tls.files, [&] { TlsContext::for_server(tls, nullptr); });
}

}  // namespace mysqlproxy
