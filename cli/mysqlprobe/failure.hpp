// How an attempt can fail, and what is known then.
#pragma once

#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/context.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlprobe {

/// What the program ends with. For several targets the largest.
enum class ExitCode : int {
  good = 0,
  refused = 1,      ///< the login was refused, or a check failed
  usage = 2,        ///< the command line, or a file that it names
  unreachable = 3,  ///< name, refused, timed out, connection lost
  tls = 4,
  protocol = 5,  ///< what came is not, or not quite, the protocol
  plugin = 6,    ///< the authentication plugin is not there, or not answered
  early = 7,     ///< refused before the login: 1040, 1129, 1130 …
};

enum class FailureKind : std::uint8_t {
  resolve,             ///< the name has no address
  connection_refused,  ///< nobody listens
  unreachable,         ///< no route, network down
  timed_out,
  lost,         ///< closed or reset by the other side
  no_socket,    ///< no unix socket there
  no_leave,     ///< the system does not let us: EACCES
  interrupted,  ///< Ctrl-C
  system,       ///< any other error of the system's
  err_packet,   ///< ERR: code, sql_state, message
  foreign,      ///< what came first is no MySQL; `said` begins with it
  protocol,     ///< the server broke the protocol
  tls_absent,   ///< wanted, and not offered
  tls_files,    ///< our own certificate, key or CA can't be used
  tls_failed,   ///< the handshake
  certificate,  ///< the handshake, because of the server's certificate; code is OpenSSL's X509_V_*
  plugin,       ///< a plugin that is not known
  withheld,     ///< the server wants what we are not allowed to send
  check,        ///< a check of ours failed; `message` says which
};

/// What went wrong, in the words of whoever said it.
struct Failure {
  FailureKind kind = FailureKind::system;
  std::string step;  ///< resolve, connect, greeting, tls, response …
  std::int64_t code = 0;
  std::string sql_state;
  std::string message;
};

/// What is known of a login when it fails. Whatever was not reached is empty.
struct LoginFacts {
  std::string target;  ///< as given
  std::string host;    ///< empty for a unix socket
  std::uint16_t port = 0;
  bool unix_socket = false;
  bool loopback = false;

  bool greeted = false;
  std::string version;
  mysqlwire::Flavor flavor = mysqlwire::Flavor::mysql;
  std::string greeting_plugin;
  bool tls_offered = false;

  bool responded = false;  ///< HandshakeResponse41 was sent
  std::string user;
  std::string database;
  bool password = false;  ///< one that is not empty
  bool tls = false;
  bool plugin_auth = true;  ///< CLIENT_PLUGIN_AUTH in force
  std::string plugin;       ///< that was asked for last
  unsigned switches = 0;
  bool fast = false;           ///< caching_sha2_password's fast path
  bool full = false;           ///< and its full authentication
  bool key_requested = false;  ///< the server was asked for its RSA key
  bool key_received = false;
  bool client_certificate = false;
  std::string said;  ///< the first bytes of a peer that is no MySQL, or of the other side of TLS
};

/// The failed attempt, thrown through the layers up to the command.
struct ProbeError {
  Failure failure;
};

}  // namespace mysqlprobe
