// Passwords against hashes and captured logins, without a server.
#pragma once

#include <mysqlwire/crypto/password.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlprobe {

/// What a check comes to.
struct Verdict {
  bool matches = false;
  std::string plugin;
  std::string form;  ///< of the hash, in words; empty for a login
};

/// Why a check can't be made; what() says it.
class CredentialError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Against a stored form. `plugin` may be empty: told by the shape. Throws CredentialError; for a
/// hash from before 4.1 it says so.
Verdict verify_hash(mysqlwire::Bytes password, std::string_view hash, std::string_view plugin);

/// Against the answer to a salt. `plugin` may be empty: told by the answer's length (0, 20, 32, 64
/// bytes). Throws CredentialError.
Verdict verify_response(mysqlwire::Bytes password, mysqlwire::Bytes salt, mysqlwire::Bytes response,
                        std::string_view plugin);

/// What a server stores. Throws CredentialError for plugins that store nothing.
std::string make_hash(mysqlwire::Bytes password, std::string_view plugin, std::uint32_t rounds);

/// Hex digits in any case, blanks in between ignored. Nothing for anything else.
std::optional<mysqlwire::Buffer> parse_hex(std::string_view text);

/// A login in a capture: the last answer to a salt that its client gave.
struct CapturedLogin {
  std::string user;
  std::string plugin;
  mysqlwire::Buffer salt;
  mysqlwire::Buffer response;
  std::string outcome;  ///< "ok", "refused", "" when not captured
};

}  // namespace mysqlprobe
