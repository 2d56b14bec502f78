// A login, or a change of user, as it runs with the client.
#pragma once

#include "proxy/io/loop.hpp"
#include "proxy/pool/topology.hpp"
#include "proxy/session/channel.hpp"
#include "proxy/session/credentials.hpp"
#include "proxy/session/ending.hpp"
#include "proxy/session/services.hpp"

#include <mysqlwire/crypto/secret.hpp>
#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/server_auth.hpp>
#include <mysqlwire/wire/bytes.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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
};

/// Hears who the client is, has it prove that, and asks it for more when a server wants more. Every
/// function that returns Task<bool> says false when the dialog is over: the client has its ERR, and
/// ending() says why.
class LoginDialog final : public ProofSource {
 public:
  using Receive = mysqlwire::ServerStep (*)(mysqlwire::ServerAuth&, const mysqlwire::Packet&,
                                            mysqlwire::Buffer&);

  /// `receive` is on_packet() of what `role` really is. `must_switch`: clients expect to be asked
  /// for a plugin, whatever they sent. `salt` is the greeting's.
  LoginDialog(ClientSide side, mysqlwire::ServerAuth& role, Receive receive, bool must_switch,
              mysqlwire::FrameReader& reader, const mysqlwire::Salt& salt)
      : side_(side),
        role_(role),
        receive_(receive),
        reader_(reader),
        salt_(salt),
        must_switch_(must_switch) {}

  /// Waits for the claim: role's login() is there then.
  Task<bool> hear();
  /// Has it proved. `user` is null for an unknown one, which is treated like any other.
  Task<bool> verify(const Topology::User* user, std::string_view usual_plugin,
                    Credentials& credentials);
  /// The end, with a server's OK or somebody's ERR.
  void accept(mysqlwire::Bytes ok_payload);
  void reject(mysqlwire::Bytes err_payload);

  Task<bool> obtain_password(Credentials& credentials) override;
  Task<bool> relay(std::string_view plugin, mysqlwire::Bytes data, mysqlwire::AuthSource source,
                   mysqlwire::Buffer& reply) override;

  const Ending& ending() const noexcept { return ending_; }
  bool spoke() const noexcept { return spoke_; }
  /// The client was heard to the end, and its user or password is wrong.
  bool denied() const noexcept { return denied_; }

 private:
  Task<bool> next_reply();
  Task<bool> secure();
  Task<bool> switch_to(std::string_view plugin, mysqlwire::Bytes data);
  Task<bool> switch_to(std::string_view plugin);
  Task<bool> more(mysqlwire::Bytes data);
  Task<bool> prove(std::string_view plugin, Credentials& credentials);
  Task<bool> prove_caching_sha2(Credentials& credentials);
  Task<bool> prove_sha256(Credentials& credentials);
  Task<bool> prove_ed25519();
  Task<bool> prove_parsec();
  Task<bool> full_password(Credentials& credentials);
  Task<bool> password_by_key(std::uint8_t key_request, Credentials& credentials);
  bool prove_native(Credentials& credentials);
  bool take_password(mysqlwire::Bytes clear_with_nul, Credentials& credentials);
  bool check_password(mysqlwire::crypto::SecretBytes password, Credentials& credentials);
  bool secure_link() const noexcept { return side_.channel.tls() != nullptr || side_.unix_socket; }
  void end(EndedBy side, std::string reason);
  void send(const mysqlwire::Buffer& out);

  ClientSide side_;
  mysqlwire::ServerAuth& role_;
  Receive receive_;
  mysqlwire::FrameReader& reader_;
  mysqlwire::Salt salt_;
  StoredHashes hashes_;
  mysqlwire::ServerStep step_ = mysqlwire::ServerStep::need_more;
  Ending ending_;
  bool must_switch_;
  bool spoke_ = false;
  bool denied_ = false;
  bool fast_ = false;  ///< caching_sha2's fast path: the client waits to be told that it is enough
};

}  // namespace mysqlproxy
