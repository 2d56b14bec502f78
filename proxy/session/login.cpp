// Session: logging the client in, and its server.
#include "proxy/app/worker.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/login_dialog.hpp"
#include "proxy/session/session.hpp"

#include <mysqlwire/crypto/salt.hpp>
#include <mysqlwire/session/server_handshake.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::Capability;

namespace {

mysqlwire::ServerGreeting greeting_of(const Arrival& arrival, std::uint32_t id,
                                      const mysqlwire::Salt& salt, std::string_view plugin) {
  const CommonGround& ground = *arrival.ground;
  mysqlwire::ServerGreeting greeting;
  greeting.server_version = ground.version;
  greeting.connection_id = id;
  greeting.capabilities = ground.capabilities;
  if (arrival.tls != nullptr) greeting.capabilities.set(Capability::ssl);
  if (arrival.compression->allows(Compression::zlib))
    greeting.capabilities.set(Capability::compress);
  if (arrival.compression->allows(Compression::zstd))
    greeting.capabilities.set(Capability::zstd_compression_algorithm);
  greeting.collation = ground.collation;
  greeting.status = mysqlwire::ServerStatus::autocommit;
  greeting.auth_plugin = plugin;
  greeting.salt = salt;
  return greeting;
}

mysqlwire::ServerStep receive_login(mysqlwire::ServerAuth& role, const mysqlwire::Packet& packet,
                                    mysqlwire::Buffer& out) {
  return static_cast<mysqlwire::ServerHandshake&>(role).on_packet(packet, out);
}

}  // namespace

ClientSide Session::client_side() {
  return {worker_.loop(),
          waker_,
          client_,
          deadline_,
          services_,
          arrival_.tls,
          arrival_.host,
          arrival_.unix_socket,
          arrival_.clear_password,
          arrival_.ground->flavor,
          salt_};
}

Task<bool> Session::log_in() {
  const auto topology = services_.topology();
  const auto& settings = topology->config().proxy;
  deadline_.set(settings.handshake_timeout);
  if (arrival_.proxied) {
    const bool heard = co_await hear_origin();
    if (!heard) co_return false;
    if (services_.failed_logins.blocked(arrival_.from, worker_.loop().now())) {
      const auto message = host_blocked_message(arrival_.host, arrival_.ground->flavor);
      say(early_error_payload(host_blocked, message), 0);
      end(EndedBy::proxy, message);
      co_return false;
    }
  }
  salt_ = mysqlwire::crypto::random_salt();
  const auto usual = services_.directory.usual(*topology);
  mysqlwire::ServerHandshake handshake(greeting_of(arrival_, id_.id(), salt_, usual.plugin));
  mysqlwire::Buffer out;
  handshake.start(out);
  client_.send(out);
  mysqlwire::FrameReader reader;
  reader.set_wiping(true);
  LoginDialog dialog(client_side(), handshake, receive_login, reader);
  bool authentic = co_await dialog.hear();
  if (authentic) authentic = co_await authenticate(dialog, handshake.login(), true);
  spoke_ = dialog.spoke();
  if (!authentic) {
    pool_.reset();
    credentials_.user = handshake.login().user;
    if (ending_.reason.empty()) ending_ = dialog.ending();
    if (worker_.draining() && client_.bytes_in == 0) ending_ = {EndedBy::proxy, "shutdown"};
    co_return false;
  }
  const auto& login = handshake.login();
  if (!compression_fits(login, dialog)) co_return false;
  wishes_ = {login.capabilities, login.max_packet_size, login.collation, login.schema,
             login.attributes};
  const Verdict verdict = co_await connect_server(dialog, wishes_);
  if (verdict != Verdict::done) co_return false;
  const Bytes early = reader.unread();
  const bool compressed = compress(login, early);
  begin_relay(compressed ? Bytes() : early);
  co_return true;
}

/// Its user's sessions have no connections of their own.
bool Session::borrows() const {
  return user_pooling_.value_or(pool_->config().pooling) == Pooling::transaction;
}

/// A server connection for a client that has proved who it is; its login ends by what the server
/// says.
Task<Session::Verdict> Session::connect_server(LoginDialog& dialog, const SessionWishes& wishes) {
  const auto topology = services_.topology();
  const Origin origin = this->origin();
  ServerConnector connector(worker_.loop(), waker_, topology->config().proxy.connect_timeout,
                            {.client = &client_.socket,
                             .source = &dialog,
                             .compressors = &worker_.compressors(),
                             .origin = &origin,
                             .address = arrival_.address});
  ConnectOutcome outcome;
  if (borrows()) {
    outcome = co_await borrow_for_login(dialog, wishes);
    // Only a session that has begun before changes its user.
    if (outcome.agreed && relay_) outcome.reply = borrowing_->shown(borrowing_->login_ok());
  } else {
    outcome = co_await connector.connect(*pool_, credentials_, wishes);
  }
  // Nobody gets around that by leaving early.
  if (dialog.wrong()) co_await note_late_denial(dialog);
  if (outcome.client_gone) {
    end(EndedBy::client, "left while a server was looked for");
    co_return Verdict::over;
  }
  if (!dialog.ending().reason.empty()) {
    ending_ = dialog.ending();
    co_return Verdict::over;
  }
  // In the words that a wrong password has everywhere.
  if (outcome.refused && unproved_ && dialog.relayed_wrong()) {
    [[maybe_unused]] const bool right = co_await confirm(dialog);
    ending_ = dialog.ending();
    co_return Verdict::refused;
  }
  if (!outcome.connection && !outcome.agreed) {
    services_.log.warn(outcome.reason, {{"client", arrival_.address}, {"user", credentials_.user}});
    co_await note_verdict_of_server(false, outcome.reply);
    dialog.reject(outcome.reply);
    end(EndedBy::server, outcome.reason);
    co_return outcome.refused ? Verdict::refused : Verdict::over;
  }
  co_await note_verdict_of_server(true, {});
  const bool confirmed = co_await confirm(dialog);
  if (!confirmed) {
    if (ending_.reason.empty()) ending_ = dialog.ending();
    co_return Verdict::over;
  }
  if (lacks_tls()) {
    reject_for_tls(dialog);
    co_return Verdict::over;
  }
  if (outcome.connection) release_server();
  arrival_.handshake.reset();  // before the client knows
  dialog.accept(outcome.reply);
  if (outcome.connection) server_ = std::move(outcome.connection);
  co_return Verdict::done;
}

bool Session::lacks_tls() const noexcept {
  return arrival_.tls_required && client_.tls() == nullptr;
}

/// In the words of the servers that are shown.
void Session::reject_for_tls(LoginDialog& dialog) {
  if (arrival_.ground->flavor == mysqlwire::Flavor::mariadb)
    dialog.reject(error_payload(access_denied,
                                access_denied_message(credentials_.user, arrival_.host, true)));
  else
    dialog.reject(error_payload(insecure_transport,
                                "Connections using insecure transport are prohibited while "
                                "--require_secure_transport=ON."));
  end(EndedBy::proxy, "login without TLS, which the listener requires");
}

/// False, with the client told, when it has not the compression that the listener wants.
bool Session::compression_fits(const mysqlwire::LoginRequest& login, LoginDialog& dialog) {
  namespace compress = mysqlwire::compress;
  const auto algorithm = compress::agreed_algorithm(login.capabilities);
  if (!algorithm && !arrival_.compression->allows(Compression::uncompressed)) {
    dialog.reject(error_payload(compression_refused,
                                "Invalid compression algorithm 'uncompressed': this listener "
                                "takes compressed connections only."));
    end(EndedBy::proxy, "login without compression, which the listener requires");
    return false;
  }
  const int level = login.zstd_compression_level;
  if (algorithm == compress::Algorithm::zstd &&
      (level < 1 || level > max_level(compress::Algorithm::zstd))) {
    dialog.reject(error_payload(compression_level_refused,
                                fmt::format("Invalid zstd compression level {}.", level)));
    end(EndedBy::proxy, "login with a compression level that zstd has not");
    return false;
  }
  return true;
}

/// Compresses from here on, where that was agreed on; `early` came behind the login. False where it
/// was not.
bool Session::compress(const mysqlwire::LoginRequest& login, Bytes early) {
  namespace compress = mysqlwire::compress;
  const auto algorithm = compress::agreed_algorithm(login.capabilities);
  if (!algorithm) return false;
  const int level = *algorithm == compress::Algorithm::zlib
                        ? static_cast<int>(arrival_.compression->zlib_level)
                        : login.zstd_compression_level;
  client_.compress(std::make_unique<CompressedLink>(CompressedLink::Peer::client, *algorithm, level,
                                                    worker_.compressors()),
                   early);
  return true;
}

/// A load balancer may have said whose connection it is; else it is whose it looks to be.
Origin Session::origin() const {
  return arrival_.origin ? *arrival_.origin : origin_of(client_.socket.descriptor());
}

mysqlwire::Context Session::relay_context(const SessionWishes& wishes,
                                          mysqlwire::Flavor flavor) const {
  mysqlwire::Context context;
  context.capabilities = wishes.capabilities;
  context.flavor = flavor;
  context.limits.max_payload = services_.topology()->config().proxy.max_allowed_packet;
  // Columns are counted, not kept: as many as a server sends. MariaDB has no limit without a table.
  context.limits.max_columns = std::numeric_limits<std::uint32_t>::max();
  return context;
}

void Session::begin_relay(Bytes early) {
  const mysqlwire::Context context =
      relay_context(wishes_, server_ ? server_->greeting.flavor() : borrowing_->server().flavor);
  const bool compressed = client_.compressed() || may_get_compressed();
  if (relay_)
    relay_->restart(context, compressed, early);
  else
    relay_.emplace(context, compressed, early);
  if (server_) {
    server_name_ = server_->server()->name();
    const TlsStream* const tls = server_->channel.tls();
    server_tls_ = tls != nullptr ? tls->version() : std::string_view();
    server_tls_cipher_ = tls != nullptr ? tls->cipher() : std::string_view();
  }
  steer();
  // From here on it is the client's data that passes. What was learnt is as good as the password
  // for another login of this session, and not the password.
  set_wiping(false);
  credentials_.secret.forget_clear();
  if (server_) id_.attach(server_->server(), server_->greeting.connection_id);
  if (borrowing_) let_be_killed();
}

/// A connection to a server of this session may be a compressed one.
bool Session::may_get_compressed() const {
  if (!borrowing_) return server_->channel.compressed();
  const auto compresses = [](const auto& server) {
    const auto& allowed = server->config().compression.allowed;
    return std::ranges::any_of(allowed,
                               [](Compression one) { return one != Compression::uncompressed; });
  };
  return std::ranges::any_of(services_.topology()->servers(), compresses);
}

/// Has the commands from here on looked at, where anybody wants to.
void Session::steer() {
  const auto topology = services_.topology();
  topology_version_ = services_.topology_version();
  leave_side();
  sides_.clear();
  if (!topology->looks_at_statements() && !borrowing_) {
    relay_->set_gate(nullptr);
    steering_.reset();
    return;
  }
  ConnectionFacts facts;
  facts.user = credentials_.user;
  facts.schema = wishes_.schema;
  facts.address = arrival_.address;
  facts.host = arrival_.from;
  facts.listener = arrival_.listener;
  facts.pool = pool_->name();
  facts.server = server_name_;
  mysqlwire::sql::SessionDialect dialect;
  if (server_) {
    dialect.set_server(server_->greeting.server_version);
    dialect.begin(collation_for(*server_->server(), wishes_.collation));
  } else {
    dialect.set_server(server_facts()->version);
    dialect.begin(collation_for(*pool_->servers().front(), wishes_.collation));
  }
  if (steering_)
    steering_->restart(std::move(facts), dialect);
  else
    steering_ = std::make_unique<Steering>(std::move(facts), dialect, worker_.shapes());
  steering_->use(topology->rules());
  command_deadline_.clear();
  steering_->set_watch(Watch::make(services_, worker_.statistics(), command_deadline_, id_.id(),
                                   topology, credentials_.user));
  steering_->set_borrowing(borrowing_.get());
  relay_->set_gate(steering_.get());
}

}  // namespace mysqlproxy
