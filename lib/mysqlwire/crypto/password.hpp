// What is known of a password: what is stored of it, and what is learnt of it in a login.
#pragma once

#include <mysqlwire/crypto/caching_sha2_password.hpp>
#include <mysqlwire/crypto/ed25519.hpp>
#include <mysqlwire/crypto/native_password.hpp>
#include <mysqlwire/crypto/parsec.hpp>
#include <mysqlwire/crypto/secret.hpp>
#include <mysqlwire/crypto/sha_crypt.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace mysqlwire::crypto {

/// The authentication plugins that are known by name.
enum class AuthPlugin : std::uint8_t {
  unknown,
  mysql_native_password,
  caching_sha2_password,
  sha256_password,
  client_ed25519,
  parsec,
  mysql_clear_password,
  mysql_old_password,  ///< from before 4.1, and broken: always refused
};

/// By the name that goes over the wire, or by the one that mysql.user has (`ed25519`).
AuthPlugin find_auth_plugin(std::string_view name) noexcept;
/// The name that goes over the wire; "unknown".
std::string_view to_string(AuthPlugin plugin) noexcept;

/// What the connection to the peer is. `tls` means TLS that is good enough to send a password
/// through: on the client's side that is the caller's policy to decide.
struct Channel {
  bool tls = false;
  bool unix_socket = false;
};

/// What a server keeps of one account's password: any forms of it, one is enough. None of them logs
/// in anywhere, and none of them is a reason to be careless.
struct StoredPassword {
  bool no_password = false;                  ///< the account has none: only an empty one is right
  std::optional<Sha1> native;                ///< SHA1(SHA1(password))
  std::optional<Sha256> sha2;                ///< SHA256(SHA256(password))
  std::optional<ShaCryptHash> caching_sha2;  ///< $A$005$…
  std::optional<ShaCryptHash> sha256;        ///< $5$…
  std::optional<Ed25519Key> ed25519;
  std::optional<ParsecHash> parsec;
  /// Made up: no password is right, whatever the hashes say.
  bool decoy = false;

  friend bool operator==(const StoredPassword&, const StoredPassword&) = default;

  /// Reads one more form: authentication_string as mysql.user or mysql.global_priv has it, raw or
  /// as HEX() prints it, or the 64 hex digits of `sha2`. With `unknown` the form is told by its
  /// shape. An empty text is an account without a password. Returns the plugin that the form
  /// belongs to. The error's `message` says what is wrong; `unsupported` for hashes that no plugin
  /// here checks.
  Result<AuthPlugin> add(std::string_view text, AuthPlugin plugin = AuthPlugin::unknown);

  /// Nothing is stored: no login can be checked.
  bool empty() const noexcept;

  /// For a user who does not exist: the same forms as `like`, with the same work to check, filled
  /// from `name` and a `key` of the caller's, so that the same name meets the same plugin, salt and
  /// rounds each time. A `like` without a password gives the forms of mysql_native_password and
  /// caching_sha2_password.
  static StoredPassword make_decoy(std::string_view name, Bytes key, const StoredPassword& like);
};

/// Passwords longer than this are wrong unseen, as servers have it: the work of a SHA-crypt grows
/// with the square of the length.
inline constexpr std::size_t max_password_size = 256;

/// Whether `password` is the right one. By the form that is hardest to have learnt wrongly: a
/// server's own hash before a plain digest. Milliseconds for the SHA-crypt forms.
bool verify_password(Bytes password, const StoredPassword& stored);

/// What one side has of a password and can log in with. In memory only. Wiped when it goes.
struct PasswordSecret {
  std::optional<SecretBytes> clear;  ///< may be empty: an account without a password
  std::optional<Sha1Secret> sha1;
  std::optional<Sha256Secret> sha256;

  /// The digest, made from `clear` where it is not at hand; nothing where neither is.
  std::optional<Sha1Secret> get_sha1() const;
  std::optional<Sha256Secret> get_sha256() const;

  /// Wipes the password itself and keeps its digests, which log in by the two common plugins. That
  /// there is none stays known.
  void forget_clear();

  PasswordSecret clone() const;
};

}  // namespace mysqlwire::crypto
