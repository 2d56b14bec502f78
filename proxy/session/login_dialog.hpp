// A login, or a change of user, as it runs with the client.
#pragma once

#include "proxy/io/loop.hpp"
#include "proxy/pool/topology.hpp"
#include "proxy/session/channel.hpp"
#include "proxy/session/credentials.hpp"
#include "proxy/session/ending.hpp"
#include "proxy/session/services.hpp"

#include <mysqlwire/crypto/server_password.hpp>
#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/server_auth.hpp>
#include <mysqlwire/wire/bytes.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// The client and what is needed to talk to it.
struct ClientSide {
  Loop& loop;
  Waker& waker;
  Channel& channel;
  Deadline& deadline;
  Services& services;
  const std::shared_ptr<const TlsContext>& tls;  ///< null: not offered
  std::string_view host;                         ///< as error messages name it
  bool unix_socket = false;
  bool clear_password = false;                         ///< mysql_clear_password may be used
  mysqlwire::Flavor shown = mysqlwire::Flavor::mysql;  ///< whose dialect the greeting spoke
  mysqlwire::Salt salt{};                              ///< the greeting's
};

/// Hears who the client is, has it prove that by PasswordCheck, and asks it for more when a server
/// wants more. Every function that returns Task<bool> says false when the dialog is over: the
/// client has its ERR, and ending() says why.
class LoginDialog final : public ProofSource {
 public:
  using Receive = mysqlwire::ServerStep (*)(mysqlwire::ServerAuth&, const mysqlwire::Packet&,
                                            mysqlwire::Buffer&);

  /// `receive` is on_packet() of what `role` really is.
  LoginDialog(ClientSide side, mysqlwire::ServerAuth& role, Receive receive,
              mysqlwire::FrameReader& reader)
      : side_(side), role_(role), receive_(receive), reader_(reader) {}

  /// Waits for the claim: role's login() is there then.
  Task<bool> hear();
  /// Has it proved. `user` is null for an unknown one, which is treated like any other: like one of
  /// whom `usual` is stored. When it is false and wrong() is true, deny() is still to be called.
  /// With `proof_may_wait` it may be true with the proof still to come, by the server's login.
  Task<bool> verify(const Topology::User* user, const StoredHashes& usual, Credentials& credentials,
                    bool proof_may_wait);
  /// The same once more after wrong(), for a user whose account is another one by now.
  Task<bool> verify_again(const Topology::User& user, Credentials& credentials);
  /// Whether the proof is still to come, and whether what came then was wrong.
  bool unproved() const noexcept { return check_->unproved(); }
  bool relayed_wrong() const noexcept { return check_->relayed_wrong(); }
  /// When it has come, or the server did without: the verdict, as of verify().
  Task<bool> confirm();
  const mysqlwire::LoginRequest& login() const noexcept { return role_.login(); }
  /// The client was heard to the end, and its user or password is wrong.
  bool wrong() const noexcept { return wrong_ != nullptr; }
  /// Tells it so.
  void deny();
  /// The end for a client that is who it says it is, and may not log in all the same.
  void refuse(mysqlwire::Bytes err_payload, std::string reason);
  /// The end, with a server's OK or somebody's ERR. What the OK says of the server's certificate is
  /// said of the listener's instead.
  void accept(mysqlwire::Bytes ok_payload);
  void reject(mysqlwire::Bytes err_payload);

  /// Both are `false` too when the dialog is over, and after a wrong password: when wrong() is true
  /// then, deny() is still to be called.
  Task<bool> obtain_password(Credentials& credentials, std::string& why_not) override;
  Task<bool> relay(std::string_view plugin, mysqlwire::Bytes data, mysqlwire::AuthSource source,
                   mysqlwire::Buffer& reply) override;

  const Ending& ending() const noexcept { return ending_; }
  bool spoke() const noexcept { return spoke_; }
  /// It was told that its user or password is wrong, or that it may not log in.
  bool denied() const noexcept { return denied_; }

 private:
  Task<bool> next_reply();
  Task<bool> secure();
  Task<bool> carry_out(mysqlwire::crypto::CheckAction& action);
  mysqlwire::crypto::StoredPassword stored_of(const Topology::User* user,
                                              const StoredHashes& usual);
  Task<bool> judge(mysqlwire::crypto::CheckAction action, Credentials& credentials);
  void learn(Credentials& credentials);
  bool expects_proof() const;
  mysqlwire::Buffer with_own_proof(mysqlwire::Bytes ok_payload) const;
  void end(EndedBy side, std::string reason);
  void send(const mysqlwire::Buffer& out);

  ClientSide side_;
  mysqlwire::ServerAuth& role_;
  Receive receive_;
  mysqlwire::FrameReader& reader_;
  std::optional<mysqlwire::crypto::PasswordCheck> check_;
  std::optional<StoredHashes> account_;  ///< none: of nobody, or not stored
  mysqlwire::ServerStep step_ = mysqlwire::ServerStep::need_more;
  Ending ending_;
  bool spoke_ = false;
  const char* wrong_ = nullptr;  ///< why, for the log
  bool denied_ = false;
};

}  // namespace mysqlproxy
