// What is known of a client's password, and where more can be had.
#pragma once

#include "proxy/io/task.hpp"

#include <mysqlwire/crypto/password.hpp>
#include <mysqlwire/session/client_auth.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <string>
#include <string_view>

namespace mysqlproxy {

/// What a session logs in to servers with: as much as the client's own login gave away. Kept for as
/// long as the session, since KILL and COM_CHANGE_USER log in again; wiped then.
struct Credentials {
  std::string user;         ///< as the client knows it
  std::string server_user;  ///< as the servers know it; empty: the same
  mysqlwire::crypto::PasswordSecret secret;
  bool foreign = false;  ///< `secret` is not the client's, who can't be asked for more of it

  /// The account on the servers.
  const std::string& account() const noexcept { return server_user.empty() ? user : server_user; }
};

/// The client, while it waits for its login to end: it can be asked for more.
class ProofSource {
 public:
  virtual ~ProofSource() = default;
  /// Asks for the password itself, by full authentication. True when `credentials` has it then;
  /// else `why_not` says in words why it can't be had.
  virtual Task<bool> obtain_password(Credentials& credentials, std::string& why_not) = 0;
  /// Hands a server's request on as it is, and the client's reply back. False when the client can't
  /// be asked that.
  virtual Task<bool> relay(std::string_view plugin, mysqlwire::Bytes data,
                           mysqlwire::AuthSource source, mysqlwire::Buffer& reply) = 0;
};

}  // namespace mysqlproxy
