// Whom to probe.
#pragma once

#include <mysqlwire/crypto/secret.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlprobe {

/// How much TLS is wanted, as --ssl-mode of the stock clients has it.
enum class TlsMode : std::uint8_t {
  disabled,
  preferred,        ///< where the server offers it
  required,         ///< encrypted, to whomever
  verify_ca,        ///< and the certificate is of a known authority
  verify_identity,  ///< and for this host
};

/// "disabled" … "verify-identity", in any case, with - or _.
std::optional<TlsMode> parse_tls_mode(std::string_view text);
std::string_view to_string(TlsMode mode) noexcept;

struct Target {
  enum class Kind : std::uint8_t { tcp, unix_socket };

  Kind kind = Kind::tcp;
  std::string text;  ///< what the report calls it; never with a password
  std::string host;  ///< a name, or an address without brackets
  std::uint16_t port = 3306;
  std::string path;  ///< of a unix socket
  // What a URL can say beside.
  std::optional<std::string> user;
  std::optional<std::string> database;
  std::optional<TlsMode> tls;
  std::shared_ptr<const mysqlwire::crypto::SecretBytes> password;
};

/// Reads `host`, `host:port`, `[v6]:port`, `unix:/path`, or
/// `mysql://user@host:port/schema?tls=required`. On failure nothing, and `why` says what is wrong;
/// it never repeats a password.
std::optional<Target> parse_target(std::string_view text, std::string& why);

}  // namespace mysqlprobe
