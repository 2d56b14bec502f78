// Proving to a server who the client is.
#pragma once

#include "proxy/session/credentials.hpp"

#include <mysqlwire/session/client_auth.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <string>
#include <string_view>

namespace mysqlproxy {

/// What may be done on the way to a server.
struct ServerLink {
  bool secure = false;       ///< TLS, or a unix socket: a password may cross it
  bool unix_socket = false;  ///< some plugins trust TLS only
  bool take_key = false;     ///< an RSA key that comes from the server may be used
};

/// Answers the requests of one login at a server, from what is known or by asking the client.
class ServerProof {
 public:
  enum class Answer : std::uint8_t {
    reply,     ///< send reply()
    nothing,   ///< no reply is due
    declined,  ///< it can't be answered: reason()
  };

  /// `source` may be null: nobody can be asked.
  ServerProof(Credentials& credentials, ProofSource* source, ServerLink link)
      : credentials_(credentials), source_(source), link_(link) {}
  ~ServerProof();
  ServerProof(const ServerProof&) = delete;
  ServerProof& operator=(const ServerProof&) = delete;

  /// `plugin` and `data` are the server's, and stay valid until the next packet of its.
  Task<Answer> answer(std::string_view plugin, mysqlwire::Bytes data, mysqlwire::AuthSource source);
  mysqlwire::Bytes reply() const noexcept { return reply_; }
  /// Why not, to stand behind "server db1 wants X for user 'app', and ".
  const std::string& reason() const noexcept { return reason_; }

 private:
  Task<Answer> native();
  Task<Answer> caching_sha2(mysqlwire::Bytes data, mysqlwire::AuthSource source);
  Task<Answer> sha256(mysqlwire::Bytes data, mysqlwire::AuthSource source);
  Task<Answer> clear_password();
  Task<Answer> ed25519(mysqlwire::Bytes data, mysqlwire::AuthSource source);
  Task<Answer> parsec(mysqlwire::Bytes data, mysqlwire::AuthSource source);
  Task<Answer> full_password(std::uint8_t key_request);
  Task<Answer> relayed(std::string_view plugin, mysqlwire::Bytes data,
                       mysqlwire::AuthSource source);
  Task<bool> know_password();
  Answer encrypted(mysqlwire::Bytes public_key);
  Answer say(mysqlwire::Bytes bytes);
  Answer say_password();
  Answer decline(std::string reason);

  Credentials& credentials_;
  ProofSource* source_;
  ServerLink link_;
  mysqlwire::Buffer salt_;
  mysqlwire::Buffer reply_;
  std::string reason_;
};

}  // namespace mysqlproxy
