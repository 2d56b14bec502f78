// One session's connection to a database server, and how it is made.
#pragma once

#include "proxy/io/task.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/channel.hpp"
#include "proxy/session/credentials.hpp"
#include "proxy/session/origin.hpp"
#include "proxy/session/server_proof.hpp"

#include <mysqlwire/session/client_handshake.hpp>
#include <mysqlwire/session/server_handshake.hpp>
#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

/// The collation to ask this server for where a client wants `wanted`. utf8mb4_0900_ai_ci, the
/// default of MySQL 8's clients, is no collation of MariaDB's, which would silently take latin1 in
/// its place.
std::uint16_t collation_for(const Server& server, std::uint16_t wanted);

/// The connection attributes that this server is to get of a client.
mysqlwire::Buffer attributes_for(const ServerConfig& server, mysqlwire::Bytes attributes,
                                 std::string_view client_address);

/// How a client wants its session to be, as it said at login.
struct SessionWishes {
  mysqlwire::Capabilities capabilities;  ///< agreed on with the client
  std::uint32_t max_packet_size = 0;
  std::uint16_t collation = 0;
  std::string schema;
  mysqlwire::Buffer attributes;  ///< connection attributes, as they came
};

/// A server connection that is logged in.
struct ServerConnection {
  ServerConnection(Loop& loop, Waker& waker, int descriptor, ServerSlot owned_slot)
      : channel(loop, waker, descriptor, false), slot(std::move(owned_slot)) {}

  Channel channel;
  ServerSlot slot;
  mysqlwire::ServerGreeting greeting;
  mysqlwire::Capabilities capabilities;  ///< agreed on with the server
  bool proved_by_client = false;  ///< what is known of the password does not suffice for another

  const std::shared_ptr<Server>& server() const noexcept { return slot.server(); }
  /// What may cross it in a login.
  mysqlwire::crypto::PasswordAnswerOptions link() const;
};

/// Why a server's request for proof was declined, in words for the client and the log.
std::string no_proof_reason(const std::string& server, const std::string& user,
                            const ServerProof& proof);

/// How an attempt to get a server connection ended.
struct ConnectOutcome {
  std::unique_ptr<ServerConnection> connection;  ///< null when there is none
  mysqlwire::Buffer
      reply;           ///< payload of the server's own OK, or of the ERR that the client is to see
  std::string reason;  ///< why there is none, for the log
  bool refused = false;      ///< the server can be reached and said no to this user
  bool unfinished = false;   ///< the server greeted, but the login came to no end
  bool unreachable = false;  ///< of connecting to one server: it can't be used by anybody
  bool client_gone = false;  ///< the client left while it waited
  bool spent = false;        ///< the client's own proof was for this attempt, and answers no other
  bool agreed = false;  ///< the server has agreed, now or not long ago, and `connection` is null
};

/// On whose behalf a connection is made. Nothing of it is there for the proxy's own ones.
struct OnBehalf {
  /// Watched while a connection is made, so that nobody connects for one who has left.
  const Socket* client = nullptr;
  /// Among the server's connections those of clients count, but for one that frees another.
  bool counts = true;
  /// Is asked when a server wants more than the credentials have.
  ProofSource* source = nullptr;
  /// For servers that are to be compressed; null: none is.
  Compressors* compressors = nullptr;
  /// For servers that are to be told.
  const Origin* origin = nullptr;
  std::string_view address;  ///< the client's, as the log has it
  /// Whether the server can be reached is told to it; a health check has more to say than that.
  bool tells_server = true;
};

/// Makes server connections on one data thread, for one session at a time.
class ServerConnector {
 public:
  ServerConnector(Loop& loop, Waker& waker, std::chrono::milliseconds timeout, OnBehalf behalf)
      : loop_(loop), waker_(waker), behalf_(behalf), timeout_(timeout) {}

  /// Logs in to the first of the pool's servers that can be had. One that can't be reached, or has
  /// no room, is skipped; what a server says of the user or the schema is final and goes to the
  /// client as it is.
  Task<ConnectOutcome> connect(Pool& pool, Credentials& credentials, const SessionWishes& wishes);
  /// Logs in to this server and no other.
  Task<ConnectOutcome> connect(std::shared_ptr<Server> server, Credentials& credentials,
                               const SessionWishes& wishes);

  /// The same with a place among the server's connections that the caller has.
  Task<ConnectOutcome> connect(ServerSlot place, Credentials& credentials,
                               const SessionWishes& wishes);

 private:
  struct Attempt;

  static ConnectOutcome outcome_of(Attempt& attempt);
  Task<ConnectOutcome> try_all(Pool& pool, Credentials& credentials, const SessionWishes& wishes);
  Task<void> attempt(Attempt& attempt, Credentials& credentials, const SessionWishes& wishes);
  bool client_left() const noexcept {
    return behalf_.client != nullptr && behalf_.client->peer_closed();
  }
  mysqlwire::ClientLogin login_for(const Server& server, const Credentials& credentials,
                                   const SessionWishes& wishes) const;
  bool compress(Attempt& attempt, mysqlwire::Bytes early);
  Task<int> open(const SocketAddress& address, Attempt& attempt, ServerSlot& slot,
                 Deadline& deadline);
  Task<void> log_in(Attempt& attempt, Credentials& credentials, const SessionWishes& wishes,
                    Deadline& deadline);
  Task<mysqlwire::ClientStep> answer(Attempt& attempt, mysqlwire::ClientHandshake& handshake,
                                     ServerProof& proof, const Credentials& credentials,
                                     mysqlwire::Buffer& out);
  static void fail(Attempt& attempt, std::string_view why);
  void describe_refusal(Attempt& attempt, mysqlwire::Bytes err_payload, bool greeted) const;

  Loop& loop_;
  Waker& waker_;
  OnBehalf behalf_;
  std::chrono::milliseconds timeout_;
};

}  // namespace mysqlproxy
