// Proving to a server who the client is.
#pragma once

#include "proxy/session/credentials.hpp"

#include <mysqlwire/crypto/client_password.hpp>
#include <mysqlwire/session/client_auth.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <string>

namespace mysqlproxy {

/// Answers the requests of one login at a server: PasswordAnswer, with the client behind it, who is
/// asked for what is not known.
class ServerProof {
 public:
  enum class Answer : std::uint8_t {
    reply,     ///< send reply()
    nothing,   ///< no reply is due
    declined,  ///< it can't be answered: reason()
  };

  /// `source` may be null: nobody can be asked. What the client gives goes into `credentials` too.
  ServerProof(Credentials& credentials, ProofSource* source,
              mysqlwire::crypto::PasswordAnswerOptions options)
      : credentials_(credentials),
        source_(credentials.foreign ? nullptr : source),
        answer_(credentials.secret.clone(), std::move(options)) {}
  ~ServerProof();
  ServerProof(const ServerProof&) = delete;
  ServerProof& operator=(const ServerProof&) = delete;

  /// To be called on each ClientStep::need_auth of `auth`.
  Task<Answer> answer(const mysqlwire::ClientAuth& auth);
  mysqlwire::Bytes reply() const noexcept { return reply_; }
  /// What is kept of the password behind a login could not answer this once more.
  bool unrepeatable() const noexcept { return unrepeatable_; }
  /// Why not, in words: what the server wants, and why the client did not give it.
  const std::string& reason() const noexcept { return reason_; }

 private:
  Task<bool> know_password(const char* lacking);

  Credentials& credentials_;
  ProofSource* source_;
  mysqlwire::crypto::PasswordAnswer answer_;
  mysqlwire::Buffer relayed_;
  bool unrepeatable_ = false;
  mysqlwire::Bytes reply_;
  std::string reason_;
};

}  // namespace mysqlproxy
