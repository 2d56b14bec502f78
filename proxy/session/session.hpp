// One client connection, from its greeting to its last byte.
#pragma once

#include "proxy/io/loop.hpp"
#include "proxy/io/task.hpp"
#include "proxy/lending/borrow.hpp"
#include "proxy/net/address.hpp"
#include "proxy/pool/common_ground.hpp"
#include "proxy/session/batch.hpp"
#include "proxy/session/borrowing.hpp"
#include "proxy/session/channel.hpp"
#include "proxy/session/connection_ids.hpp"
#include "proxy/session/ending.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/handshake_slot.hpp"
#include "proxy/session/kill_statement.hpp"
#include "proxy/session/origin.hpp"
#include "proxy/session/packet_io.hpp"
#include "proxy/session/relay.hpp"
#include "proxy/session/server_connection.hpp"
#include "proxy/session/services.hpp"
#include "proxy/session/side_connections.hpp"
#include "proxy/session/steering.hpp"

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/server_auth.hpp>
#include <mysqlwire/session/server_greeting.hpp>
#include <mysqlwire/wire/proxy_protocol.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

class LoginDialog;
class Worker;
struct ClientSide;
struct Claimant;

/// What the acceptor knows of a client.
struct Arrival {
  int descriptor = -1;
  std::string address;                       ///< "10.0.0.9:41234", "unix"
  std::string host;                          ///< as error messages name it: "10.0.0.9", "localhost"
  ClientHost from;                           ///< as accounts look at it
  std::string listener;                      ///< the name of the one that it came by
  std::shared_ptr<HandshakeSlot> handshake;  ///< held until it is logged in
  std::shared_ptr<const CommonGround> ground;  ///< what that listener shows
  std::shared_ptr<const TlsContext> tls;       ///< null: not offered
  bool tls_required = false;
  bool clear_password = false;  ///< mysql_clear_password may be used
  bool unix_socket = false;
  std::optional<PeerCredentials> peer;  ///< of a unix socket
  bool proxied = false;                 ///< a PROXY header comes first
  std::optional<Origin> origin;         ///< as that header has it
  std::shared_ptr<const CompressionConfig> compression;
};

/// Lives on one data thread. Logs the client in, then the client's server, then relays until one of
/// them leaves; what the proxy has to do itself (KILL, COM_CHANGE_USER) happens in between.
class Session {
 public:
  Session(Worker& worker, Arrival arrival);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Runs up to the first wait.
  void start();
  /// The worker drains: ends when nothing is under way. A client that has not said a word does not
  /// get to hold that up.
  void drain() noexcept;
  /// The session's server may be the wrong one now.
  void reconsider();
  /// Ends as soon as possible, whatever is under way.
  void cut() noexcept;
  /// Over and done; the worker may bury it.
  bool done() const noexcept { return task_.done(); }

 private:
  Task<void> run();

  // Login.
  Task<bool> hear_origin();
  void take_origin(const mysqlwire::ProxyHeader& origin);
  Task<bool> log_in();
  ClientSide client_side();
  Task<bool> authenticate(LoginDialog& dialog, const mysqlwire::LoginRequest& login,
                          bool proof_may_wait);
  Task<bool> judge_again(LoginDialog& dialog, std::optional<Topology::User>& user);
  Task<bool> confirm(LoginDialog& dialog);
  bool admit(LoginDialog& dialog, const UserConfig& user, const mysqlwire::LoginRequest& login);
  Task<void> deny(LoginDialog& dialog);
  Claimant claimant(const mysqlwire::LoginRequest& login) const;
  Task<void> penalize(const std::string& user);
  Task<void> note_verdict_of_server(bool good, mysqlwire::Bytes reply);
  Task<void> note_late_denial(LoginDialog& dialog);
  Task<void> refresh_accounts();
  /// How an attempt to serve a user ended: `refused` by the server in its own words, or the session
  /// is `over`.
  enum class Verdict : std::uint8_t { done, refused, over };
  Task<Verdict> connect_server(LoginDialog& dialog, const SessionWishes& wishes);
  bool borrows() const;
  bool lacks_tls() const noexcept;
  void reject_for_tls(LoginDialog& dialog);
  bool compression_fits(const mysqlwire::LoginRequest& login, LoginDialog& dialog);
  bool compress(const mysqlwire::LoginRequest& login, mysqlwire::Bytes early);
  mysqlwire::Context relay_context(const SessionWishes& wishes, mysqlwire::Flavor flavor) const;
  bool may_get_compressed() const;
  Origin origin() const;
  void begin_relay(mysqlwire::Bytes early);
  void steer();

  // Commands.
  Task<void> serve();
  bool outlives(Relay::State state);
  bool leave_if_asked();
  bool may_have_to_leave() const noexcept;
  bool may_rest() const noexcept;
  bool has_idled();
  bool server_is_silent() const;
  bool passed(const Deadline& deadline) const noexcept {
    return waker_.alarmed() && deadline.passed();
  }
  bool up_to_client() const;
  std::chrono::milliseconds shorter_timeout() const;
  void rest_deadline();
  std::optional<bool> act_at_once();
  Task<bool> act_on_command();
  Task<bool> act_on_own_command();
  Task<bool> obey_gate();
  // Rules.
  enum class Ruled : std::uint8_t { goes_on, settled, over };
  Task<bool> obey_connection_rules(LoginDialog& dialog);
  Task<Ruled> obey_rules();
  Task<bool> pass_limits(const rules::Decision& ruling, const ConnectionFacts& facts,
                         std::vector<rules::Permit>& permits, std::string& refusal);
  Task<bool> wait_for(const rules::Permit* permit, std::chrono::milliseconds longest);
  void log_rules(const rules::Decision& ruling, std::string_view digest);
  std::function<void()> wake_from_anywhere();
  Task<bool> obey_with_borrowed(const rules::Decision& ruling);
  void answer_by_rule(const RuleAnswer& answer);
  std::optional<mysqlwire::Buffer> rewritten(const std::string& text);
  void mirror(const rules::Decision& ruling);
  Task<bool> go_aside(const rules::Decision& ruling);
  bool may_go_aside() const;
  void leave_side();
  void follow_topology();
  // Borrowed connections.
  bool answer_itself();
  std::optional<bool> serve_at_once();
  Task<bool> serve_borrowed(std::shared_ptr<Pool> pool, std::optional<mysqlwire::Buffer>& instead);
  const std::shared_ptr<Pool>& pool_for_statement();
  CausalReads causal_reads() const;
  bool must_catch_up() const;
  Task<bool> catch_up();
  bool caught_up() const;
  Task<std::string> position_to_reach();
  bool attach_at_once(const std::shared_ptr<Pool>& pool);
  void note_strangeness();
  Task<bool> attach(std::shared_ptr<Pool> pool, bool anew = false);
  Task<lending::BorrowOutcome> borrow(std::shared_ptr<Pool> pool, const SessionWishes& of_client,
                                      ProofSource* source, lending::LastLoan& last);
  std::shared_ptr<const ServerFacts> server_facts() const;
  std::unique_ptr<Borrowing> new_borrowing(const SessionWishes& wishes);
  bool can_borrow_later() const;
  Task<ConnectOutcome> borrow_for_login(LoginDialog& dialog, const SessionWishes& wishes);
  void take(std::unique_ptr<lending::LentConnection> lent);
  Task<BatchOutcome> make_alike();
  /// What came of something that has to be done on a connection before a command.
  enum class Readiness : std::uint8_t {
    ready,
    over,   ///< the client has been told, or the session is over
    again,  ///< the connection was of no use and is gone; nothing of the session went with it
  };
  Task<Readiness> make_ready(std::shared_ptr<Pool> pool, bool by_rule, bool anew);
  Task<Readiness> prepare_here();
  bool is_strange() const;
  Task<Readiness> forget_last_statement();
  Readiness lose_connection(const BatchOutcome& outcome, std::string client_left);
  bool refused_by_cluster(const BatchOutcome& outcome);
  bool schema_is_gone(const BatchOutcome& outcome);
  void note_own_statement();
  Task<bool> ask_last_statement();
  Task<bool> dispel_doubt();
  void close_statement(std::uint32_t server_id);
  void refuse_command(mysqlwire::Bytes err_payload);
  bool settle_due() const;
  bool settle_at_once();
  Task<void> settle();
  bool outlives_lost_server(const Loss& loss);
  void repeat_command();
  void do_elsewhere();
  void forget_connection();
  const std::shared_ptr<Pool>& pool_of_server() const noexcept;
  bool may_be_done_elsewhere() const;
  BatchMeans own_batch();
  void give_back();
  void stop_lingering() noexcept;
  void discard();
  void part();
  void note_pins();
  void let_be_killed();
  Task<void> hand_back();
  Task<bool> cut_answer();
  Task<bool> kill();
  void note_own_end(std::uint64_t id);
  bool killed_unattached(std::uint64_t id, KillStatement::Scope scope);
  Task<bool> kill_elsewhere(ServerConnectionId where, KillStatement::Scope scope);
  struct KillOutcome;
  Task<KillOutcome> kill_on_server(ServerConnectionId where, KillStatement::Scope scope);
  Task<bool> change_user();
  void set_wiping(bool on) noexcept;
  Task<Verdict> change_user_on_server(LoginDialog& dialog, const SessionWishes& wishes);

  // Ends.
  void answer_client_fault();
  void answer_server_fault();
  Loss lost_connection() const;
  void tell_of_lost_server(const Loss& loss);
  void end(EndedBy side, std::string reason);
  void say(mysqlwire::Bytes payload, std::uint8_t sequence_id);
  void answer(mysqlwire::Bytes payload);
  void release_server();
  Task<void> hang_up();
  void record();

  Worker& worker_;
  Services& services_;
  Waker waker_;
  // What every turn looks at stands together, since the memory of many sessions is slow to get at.
  bool cut_ = false;
  bool half_closed_ = false;          ///< the client will send no more
  bool misplaced_ = false;            ///< its server is not the pool's primary any more
  bool servers_changed_ = false;      ///< what is under way may be done elsewhere
  bool spoke_ = false;                ///< the client has sent something
  bool killed_ = false;               ///< by KILL, while it has no server connection
  ServerConnection* side_ = nullptr;  ///< one of sides_ that has the command under way
  std::uint64_t topology_version_ = 0;
  std::uint64_t last_activity_;  ///< the loop's clock
  std::unique_ptr<ServerConnection> server_;
  std::unique_ptr<Steering> steering_;  ///< when somebody wants to know of commands
  /// For a session that borrows its server connections; server_ is only there while it has one.
  std::unique_ptr<Borrowing> borrowing_;
  std::unique_ptr<lending::LentConnection> lent_;  ///< what belongs to server_ then
  lending::LastLoan last_loan_;
  std::uint64_t settled_ = 0;       ///< so many commands had been answered when that was looked at
  std::uint32_t noted_pins_ = 0;    ///< that were logged
  bool last_is_elsewhere_ = false;  ///< its last statement, or its answer, is not from there
  bool asked_here_ = false;         ///< the proxy itself has run a statement since
  bool fitted_ = false;             ///< the connection has been made like the session
  bool strange_ = false;            ///< it did not run on the connection that the session has now
  bool lingers_ = false;            ///< linger_ was set
  Channel client_;
  std::optional<Relay> relay_;
  // Of these it is known by waker_ whether they have passed.
  Deadline deadline_;
  Deadline command_deadline_;  ///< of the command under way, where the guard limits its time
  Deadline linger_;            ///< of a connection that is kept for the next statement's sake
  /// A server that is known to have this transaction of the session's.
  const Server* caught_up_server_ = nullptr;
  std::string caught_up_to_;
  SideConnections sides_;
  std::vector<rules::Permit> connection_permits_;
  std::shared_ptr<Waker*> self_;  ///< for other threads; null when the session is gone
  Task<void> task_;

  Arrival arrival_;
  ConnectionIds::Ticket id_;
  mysqlwire::Salt salt_{};
  std::shared_ptr<Pool> pool_;
  /// The pool that has the reads of `of`.
  struct ReadPool {
    std::shared_ptr<Pool> pool;  ///< null: the topology of that version has none
    const Pool* of = nullptr;
    std::uint64_t version = 0;
  };
  ReadPool reads_;
  Credentials credentials_;
  std::unique_ptr<UserConfig> unproved_;          ///< null: none
  std::optional<Pooling> user_pooling_;           ///< nothing: the pool's
  std::optional<CausalReads> user_causal_reads_;  ///< nothing: the pool's
  bool passthrough_ = false;  ///< the server finds out whether the user is who it says it is
  SessionWishes wishes_;
  Ending ending_;
  std::chrono::system_clock::time_point began_;
  std::uint64_t began_at_;  ///< the loop's clock
  std::chrono::milliseconds idle_timeout_{0};
  std::chrono::milliseconds server_timeout_{0};
  std::string_view server_tls_;  ///< version and cipher of the last one's connection
  std::string_view server_tls_cipher_;
  std::string server_name_;  ///< the last one, for the access log
  Straggler straggler_;      ///< while it has that server nevertheless
};

}  // namespace mysqlproxy
