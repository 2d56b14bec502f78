#include "proxy/session/server_connection.hpp"

#include "proxy/net/descriptor.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/packet_io.hpp"
#include "proxy/session/tls_handshake.hpp"

#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/err_packet.hpp>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::Capabilities;
using mysqlwire::Capability;
using mysqlwire::ClientHandshake;
using mysqlwire::ClientStep;

namespace {

/// Named where nothing is known of the password: no account has it, so the server asks for what it
/// really wants, and the client is asked only once.
constexpr std::string_view undecided_plugin = "undecided";
/// How often a login that waits for a primary looks whether there is one.
constexpr std::chrono::milliseconds primary_poll{100};

/// Bits that say how to log in or how bytes travel, on this link only, and nothing about what they
/// mean.
constexpr Capabilities link_bits{Capability::plugin_auth,
                                 Capability::plugin_auth_lenenc_client_data,
                                 Capability::connect_attrs,
                                 Capability::connect_with_db,
                                 Capability::long_password,
                                 Capability::secure_connection,
                                 Capability::reserved,
                                 Capability::remember_options,
                                 Capability::ignore_sigpipe,
                                 Capability::odbc,
                                 Capability::no_schema,
                                 Capability::can_handle_expired_passwords,
                                 Capability::ssl,
                                 Capability::compress,
                                 Capability::zstd_compression_algorithm};

/// True for errors of connect() that say nothing about the server: this machine, or this process,
/// has no more of something.
bool is_own_shortage(int error) noexcept {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC:
    case EADDRNOTAVAIL:
    case EAGAIN: return true;
    default: return false;
  }
}

std::string what_failed(const mysqlwire::Error& error) {
  if (error.code == mysqlwire::errc::unsupported && error.field == std::string_view("CLIENT_SSL"))
    return "it offers no TLS, without which its configuration does not allow it to be used";
  return to_string(error);
}

int new_socket(const SocketAddress& address) {
  const int family = address.storage.ss_family;
  const int descriptor = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor >= 0 && family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  return descriptor;
}

/// 0 when the connection stands or is under way, else an errno.
int begin_connecting(int descriptor, const SocketAddress& address) noexcept {
  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(descriptor, raw, address.size) == 0 || errno == EINPROGRESS) return 0;
  return errno;
}

/// What the server said of itself, when it is not what was known of it.
void note_greeting(Server& server, const mysqlwire::ServerGreeting& greeting) {
  ServerFacts facts{greeting.server_version, greeting.flavor(), greeting.capabilities,
                    greeting.collation};
  const auto known = server.facts();
  if (!known || *known != facts) server.set_facts(std::move(facts));
}

/// The headers' names of some capabilities, for a message.
std::string names(Capabilities capabilities) {
  std::string text;
  for (const Capability one : mysqlwire::all_capabilities()) {
    if (capabilities.has(one))
      text += fmt::format("{}{}", text.empty() ? "" : ", ", to_string(one));
  }
  return text;
}

/// The compression to ask this server for. Never two, since it would take zlib.
Compression choose_compression(const Server& server) {
  const auto& allowed = server.config().compression.allowed;
  const auto facts = server.facts();
  for (const Compression one : allowed) {
    const Capability bit =
        one == Compression::zlib ? Capability::compress : Capability::zstd_compression_algorithm;
    if (one == Compression::uncompressed || !facts || facts->capabilities.has(bit)) return one;
  }
  return allowed.front();
}

}  // namespace

mysqlwire::ClientLogin ServerConnector::login_for(const Server& server,
                                                  const Credentials& credentials,
                                                  const SessionWishes& wishes) const {
  const ServerConfig& config = server.config();
  mysqlwire::ClientLogin login;
  login.capabilities = wishes.capabilities;
  login.capabilities.clear(
      {Capability::ssl, Capability::compress, Capability::zstd_compression_algorithm});
  login.capabilities.set({Capability::plugin_auth, Capability::plugin_auth_lenenc_client_data});
  if (server.tls()) login.capabilities.set(Capability::ssl);
  const Compression compression =
      behalf_.compressors != nullptr ? choose_compression(server) : Compression::uncompressed;
  if (compression == Compression::zlib) login.capabilities.set(Capability::compress);
  if (compression == Compression::zstd)
    login.capabilities.set(Capability::zstd_compression_algorithm);
  login.zstd_compression_level = static_cast<std::uint8_t>(config.compression.zstd_level);
  login.tls_optional = config.tls.mode == TlsMode::preferred;
  login.max_packet_size = wishes.max_packet_size;
  login.collation = collation_for(server, wishes.collation);
  login.user = credentials.account();
  login.schema = wishes.schema;
  login.attributes = attributes_for(config, wishes.attributes, behalf_.address);
  if (!login.attributes.empty()) login.capabilities.set(Capability::connect_attrs);
  // To begin with what can be answered saves a round.
  const auto& secret = credentials.secret;
  const bool undecided = !secret.clear && !secret.sha1 && !secret.sha256;
  if (undecided)
    login.preferred_plugin = undecided_plugin;
  else if (secret.clear && secret.clear->empty())
    // Of an empty answer alone a server says "using password: NO".
    login.preferred_plugin = "mysql_native_password";
  else
    login.preferred_plugin = mysqlwire::crypto::preferred_plugin(secret);
  return login;
}

mysqlwire::Buffer attributes_for(const ServerConfig& server, Bytes attributes,
                                 std::string_view client_address) {
  if (server.client_address_attribute.empty() || client_address.empty())
    return {attributes.begin(), attributes.end()};
  return add_client_address(attributes, server.client_address_attribute, client_address);
}

mysqlwire::crypto::PasswordAnswerOptions ServerConnection::link() const {
  const ServerConfig& config = server()->config();
  mysqlwire::crypto::PasswordAnswerOptions link;
  link.channel.tls = channel.tls() != nullptr;
  link.channel.unix_socket = config.address.kind == Endpoint::Kind::unix_socket;
  link.allow_clear_password = config.mysql_clear_password;
  // Nobody is in between on a unix socket.
  link.request_public_key = config.get_server_public_key || link.channel.unix_socket;
  return link;
}

std::string no_proof_reason(const std::string& server, const std::string& user,
                            const ServerProof& proof) {
  return fmt::format("user '{}' can't be logged in to server {}: {}", user, server, proof.reason());
}

std::uint16_t collation_for(const Server& server, std::uint16_t wanted) {
  constexpr std::uint16_t utf8mb4_0900_ai_ci = 255;
  constexpr std::uint16_t utf8mb4_general_ci = 45;
  const auto facts = server.facts();
  const bool mariadb = facts && facts->flavor == mysqlwire::Flavor::mariadb;
  return mariadb && wanted == utf8mb4_0900_ai_ci ? utf8mb4_general_ci : wanted;
}

/// One server, one try.
struct ServerConnector::Attempt {
  enum class Result : std::uint8_t {
    connected,
    final,        ///< the client has to be told `reply`
    no_room,      ///< up, but full, or it refuses this host: `reply` where it said so itself
    unreachable,  ///< it can't be used by anybody just now
    unfinished,   ///< it greeted, but this login came to no end; others may fare better
    short_of,     ///< the proxy has no more descriptors, ports or memory for it
    unsuitable,   ///< up, but it can't do what was agreed on with the client
    abandoned,    ///< the client has left
  };

  explicit Attempt(std::shared_ptr<Server> one) : server(std::move(one)) {}

  std::shared_ptr<Server> server;
  ServerSlot place;  ///< where the caller has one already
  Result result = Result::unreachable;
  std::unique_ptr<ServerConnection> connection;
  mysqlwire::Buffer reply;
  std::string reason;
  bool spent = false;     ///< the proof that was given answers no other challenge
  bool declined = false;  ///< the server wants a proof that can't be given; `reply` says so
};

Task<ConnectOutcome> ServerConnector::connect(Pool& pool, Credentials& credentials,
                                              const SessionWishes& wishes) {
  Deadline patience(loop_, waker_);
  if (pool.config().primary_wait.count() != 0) patience.set(pool.config().primary_wait);
  ConnectOutcome outcome = co_await try_all(pool, credentials, wishes);
  // A primary may be on its way. Servers are asked anew each time, so that it is found at once.
  while (pool.config().role == PoolRole::primary && !outcome.connection && !outcome.refused &&
         !outcome.client_gone && pool.config().primary_wait.count() != 0 && !patience.passed()) {
    Deadline pause(loop_, waker_);
    pause.set(primary_poll);
    while (!pause.passed() && !client_left()) co_await waker_;
    outcome.client_gone = client_left();
    if (outcome.client_gone) break;
    outcome = co_await try_all(pool, credentials, wishes);
  }
  co_return outcome;
}

/// Each of the servers that the pool would use now, once.
Task<ConnectOutcome> ServerConnector::try_all(Pool& pool, Credentials& credentials,
                                              const SessionWishes& wishes) {
  ConnectOutcome outcome;
  std::string reasons;
  mysqlwire::Buffer only_reply;
  unsigned tried = 0;
  const auto candidates = pool.candidates();
  for (const auto& server : candidates) {
    Attempt one(server);
    co_await attempt(one, credentials, wishes);
    ++tried;
    if (one.result == Attempt::Result::connected || one.result == Attempt::Result::final) {
      outcome.connection = std::move(one.connection);
      outcome.reply = std::move(one.reply);
      outcome.reason = std::move(one.reason);
      outcome.refused = one.result == Attempt::Result::final;
      co_return outcome;
    }
    if (one.result == Attempt::Result::abandoned) {
      outcome.client_gone = true;
      co_return outcome;
    }
    only_reply = std::move(one.reply);
    reasons += fmt::format("{}{}", reasons.empty() ? "" : "; ", one.reason);
  }
  for (const auto& server : pool.servers()) {
    if (std::ranges::find(candidates, server) != candidates.end()) continue;
    reasons += fmt::format("{}{}", reasons.empty() ? "" : "; ", pool.describe(*server));
  }
  const bool primary = pool.config().role == PoolRole::primary;
  outcome.reason =
      fmt::format("no {} for pool {}: {}", primary && candidates.empty() ? "primary" : "server",
                  pool.name(), reasons);
  // What the only server of a pool says of itself is said in its own words.
  if (tried == 1 && pool.servers().size() == 1 && !only_reply.empty())
    outcome.reply = std::move(only_reply);
  else
    outcome.reply = error_payload(read_error, outcome.reason);
  co_return outcome;
}

Task<ConnectOutcome> ServerConnector::connect(std::shared_ptr<Server> server,
                                              Credentials& credentials,
                                              const SessionWishes& wishes) {
  Attempt one(std::move(server));
  co_await attempt(one, credentials, wishes);
  co_return outcome_of(one);
}

Task<ConnectOutcome> ServerConnector::connect(ServerSlot place, Credentials& credentials,
                                              const SessionWishes& wishes) {
  Attempt one(place.server());
  one.place = std::move(place);
  co_await attempt(one, credentials, wishes);
  co_return outcome_of(one);
}

ConnectOutcome ServerConnector::outcome_of(Attempt& one) {
  ConnectOutcome outcome;
  outcome.spent = one.spent;
  outcome.client_gone = one.result == Attempt::Result::abandoned;
  outcome.refused = one.result == Attempt::Result::final;
  outcome.unfinished = one.result == Attempt::Result::unfinished;
  outcome.unreachable = one.result == Attempt::Result::unreachable;
  outcome.connection = std::move(one.connection);
  outcome.reply = std::move(one.reply);
  outcome.reason = std::move(one.reason);
  if (!outcome.connection && outcome.reply.empty())
    outcome.reply = error_payload(read_error, outcome.reason);
  return outcome;
}

Task<void> ServerConnector::attempt(Attempt& attempt, Credentials& credentials,
                                    const SessionWishes& wishes) {
  const Server& server = *attempt.server;
  Deadline deadline(loop_, waker_);
  deadline.set(timeout_);
  ServerSlot slot = std::move(attempt.place);
  if (!slot.server())
    slot = behalf_.client != nullptr && behalf_.counts ? ServerSlot::take(attempt.server)
                                                       : ServerSlot::uncounted(attempt.server);
  if (!slot.server()) {
    attempt.result = Attempt::Result::no_room;
    attempt.reason =
        fmt::format("{} has all of its {} connections in use", server.name(), server.quota.most());
    co_return;
  }
  const auto addresses = server.addresses();
  if (addresses.empty()) {
    attempt.reason = fmt::format("{}: its address {} is unknown", server.name(),
                                 to_string(server.config().address));
  }
  for (const auto& address : addresses) {
    const int error = co_await open(address, attempt, slot, deadline);
    if (error == 0) {
      co_await log_in(attempt, credentials, wishes, deadline);
      break;
    }
    if (attempt.result == Attempt::Result::abandoned) co_return;
    attempt.reason = fmt::format("{}: {}", server.name(), std::strerror(error));
    if (is_own_shortage(error)) attempt.result = Attempt::Result::short_of;
    if (attempt.result == Attempt::Result::short_of || deadline.passed()) break;
  }
  if (attempt.result != Attempt::Result::connected) attempt.connection.reset();
  if (attempt.result == Attempt::Result::unreachable) {
    // The name stands in front of every reason; describe() puts it there itself.
    if (!behalf_.tells_server) co_return;
    attempt.server->unreachable(attempt.reason.substr(server.name().size() + 2));
    attempt.reason = server.describe();
  }
}

/// Connects: 0 when the connection stands, else the errno of why it does not.
Task<int> ServerConnector::open(const SocketAddress& address, Attempt& attempt, ServerSlot& slot,
                                Deadline& deadline) {
  Descriptor descriptor(new_socket(address));
  if (descriptor.get() < 0) co_return errno;
  int error = begin_connecting(descriptor.get(), address);
  // A unix socket whose queue is full does not wait for room as TCP does.
  while (error == EAGAIN && !deadline.passed() && !client_left()) {
    Deadline pause(loop_, waker_);
    pause.set(Loop::tick);
    while (!pause.passed()) co_await waker_;
    error = begin_connecting(descriptor.get(), address);
  }
  if (client_left()) attempt.result = Attempt::Result::abandoned;
  if (error != 0) co_return error;
  // Watched only now: a socket that is not connecting yet would look as if its peer had left.
  try {
    attempt.connection =
        std::make_unique<ServerConnection>(loop_, waker_, descriptor.get(), std::move(slot));
  } catch (const std::system_error& failure) {
    co_return failure.code().value();
  }
  descriptor.release();
  const Socket& socket = attempt.connection->channel.socket;
  while (!socket.writable() && error == 0) {
    co_await waker_;
    if (deadline.passed()) error = ETIMEDOUT;
    if (client_left()) {
      attempt.result = Attempt::Result::abandoned;
      error = ECANCELED;
    }
  }
  if (error == 0) error = socket.connect_error();
  if (error != 0) {
    slot = std::move(attempt.connection->slot);
    attempt.connection.reset();
    co_return error;
  }
  const ProxyProtocol version = attempt.server->config().proxy_protocol;
  if (version != ProxyProtocol::disabled)
    attempt.connection->channel.send(proxy_header(version, behalf_.origin));
  co_return error;
}

Task<void> ServerConnector::log_in(Attempt& attempt, Credentials& credentials,
                                   const SessionWishes& wishes, Deadline& deadline) {
  using Result = Attempt::Result;
  Server& server = *attempt.server;
  Channel& channel = attempt.connection->channel;
  mysqlwire::FrameReader reader;
  reader.set_max_payload(ClientHandshake::max_payload);
  ClientHandshake handshake(login_for(server, credentials, wishes));
  SecretBuffer secret_out;
  mysqlwire::Buffer& out = secret_out.bytes();
  ClientStep step = ClientStep::need_more;
  bool greeted = false;
  std::optional<ServerProof> proof;
  for (;;) {
    const Reception got =
        co_await receive_packet(loop_, waker_, channel, reader, deadline, behalf_.client);
    switch (got.kind) {
      case Reception::Kind::packet: break;
      case Reception::Kind::abandoned: attempt.result = Result::abandoned; co_return;
      case Reception::Kind::timed_out:
        fail(attempt, greeted ? "no answer to the login within the connect_timeout"
                              : "no greeting within the connect_timeout");
        co_return;
      case Reception::Kind::closed:
        fail(attempt, greeted ? "it closed the connection during the login"
                              : "it closed the connection without a greeting");
        co_return;
      case Reception::Kind::malformed: fail(attempt, to_string(got.error)); co_return;
    }
    step = handshake.on_packet(got.packet, out);
    if (step == ClientStep::refused) {
      attempt.spent = proof && proof->unrepeatable();
      describe_refusal(attempt, handshake.err_payload(), greeted);
      co_return;
    }
    if (!greeted && (step == ClientStep::need_auth || step == ClientStep::start_tls)) {
      greeted = true;
      attempt.result = Result::unfinished;
      note_greeting(server, handshake.greeting());
      Capabilities missing = wishes.capabilities;
      missing.clear(handshake.capabilities() | link_bits);
      if (!missing.empty()) {
        attempt.result = Result::unsuitable;
        attempt.reason = fmt::format("{} lacks {} that clients of its pool rely on", server.name(),
                                     names(missing));
        co_return;
      }
    }
    if (step == ClientStep::start_tls) {
      channel.send(out);
      secret_out.clear();
      const std::string& name = server.config().tls.name;
      const auto tls = server.tls();
      auto stream = std::make_unique<TlsStream>(
          tls, tls->connect(name.empty() ? server.config().address.host : name), channel.socket);
      const std::string reason =
          co_await start_tls(waker_, channel, std::move(stream), deadline, behalf_.client);
      if (!reason.empty()) {
        fail(attempt, fmt::format("TLS: {}", reason));
        if (client_left()) attempt.result = Result::abandoned;
        co_return;
      }
      step = handshake.tls_established();
    }
    if (step == ClientStep::need_auth) {
      if (!proof) proof.emplace(credentials, behalf_.source, attempt.connection->link());
      step = co_await answer(attempt, handshake, *proof, credentials, out);
    }
    if (attempt.declined && step == ClientStep::ready) {
      attempt.result = Result::final;
      co_return;
    }
    if (step == ClientStep::failed) {
      if (handshake.error().message == mysqlwire::OldAuthSwitchRequest::name) {
        // That is about the account: others can use the server.
        attempt.declined = true;
        attempt.reason = fmt::format(
            "user '{}' can't be logged in to server {}: the server wants mysql_old_password",
            credentials.account(), server.name());
        attempt.reply = error_payload(auth_not_supported, attempt.reason);
      }
      fail(attempt, what_failed(handshake.error()));
      co_return;
    }
    if (step == ClientStep::ready) break;
    channel.send(out);  // whether it arrives, the answer tells
    secret_out.clear();
  }
  if (behalf_.tells_server) server.reached();
  attempt.connection->capabilities = handshake.capabilities();
  if (!compress(attempt, reader.unread())) co_return;
  const Bytes ok = handshake.ok_payload();
  attempt.reply.assign(ok.begin(), ok.end());
  attempt.connection->greeting = handshake.greeting();
  attempt.connection->proved_by_client = proof && proof->unrepeatable();
  attempt.result = Result::connected;
}

/// Compresses from here on, where that was agreed on. False when it had to be and was not.
bool ServerConnector::compress(Attempt& attempt, Bytes early) {
  if (behalf_.compressors == nullptr) return true;
  namespace compress = mysqlwire::compress;
  const CompressionConfig& wanted = attempt.server->config().compression;
  const auto algorithm = compress::agreed_algorithm(attempt.connection->capabilities);
  if (!algorithm) {
    if (wanted.allows(Compression::uncompressed)) return true;
    attempt.result = Attempt::Result::unsuitable;
    attempt.reason = fmt::format("{} offers no compression that its configuration allows",
                                 attempt.server->name());
    return false;
  }
  const auto level =
      *algorithm == compress::Algorithm::zlib ? wanted.zlib_level : wanted.zstd_level;
  attempt.connection->channel.compress(
      std::make_unique<CompressedLink>(CompressedLink::Peer::server, *algorithm,
                                       static_cast<int>(level), *behalf_.compressors),
      early);
  return true;
}

/// The login has come to no end. Before the greeting that is for anybody's login to the server, and
/// behind it for this one; where we had no proof to give, that is why.
void ServerConnector::fail(Attempt& attempt, std::string_view why) {
  if (attempt.declined)
    attempt.result = Attempt::Result::final;
  else
    attempt.reason = fmt::format("{}: {}", attempt.server->name(), why);
}

/// Answers a request for proof. One that can't be answered is, by an empty password: the server
/// then says no by itself, where a dropped connection would count against this host.
Task<ClientStep> ServerConnector::answer(Attempt& attempt, ClientHandshake& handshake,
                                         ServerProof& proof, const Credentials& credentials,
                                         mysqlwire::Buffer& out) {
  if (attempt.declined) co_return ClientStep::need_more;
  const ServerProof::Answer answer = co_await proof.answer(handshake);
  if (answer == ServerProof::Answer::nothing) co_return ClientStep::need_more;
  if (answer == ServerProof::Answer::reply) co_return handshake.respond(proof.reply(), out);
  attempt.declined = true;
  attempt.reason = no_proof_reason(attempt.server->name(), credentials.account(), proof);
  attempt.reply = error_payload(auth_not_supported, attempt.reason);
  constexpr std::uint8_t empty_password[] = {0};
  co_return handshake.respond(empty_password, out);
}

/// The server has said no: to this host before it greeted, or to this user.
void ServerConnector::describe_refusal(Attempt& attempt, Bytes err_payload, bool greeted) const {
  const auto err = mysqlwire::ErrPacket::decode(err_payload, {});
  const std::string said =
      err ? fmt::format("{} {}", err->code, err->message) : "an unreadable error";
  if (greeted) {
    if (behalf_.tells_server) attempt.server->reached();
    attempt.result = Attempt::Result::final;
    if (attempt.declined) return;  // the reason and the reply are there
    attempt.reason = fmt::format("{} refused login {}", attempt.server->name(), said);
    attempt.reply.assign(err_payload.begin(), err_payload.end());
    return;
  }
  attempt.result = Attempt::Result::no_room;
  attempt.reason = fmt::format("{} refused the connection: {}", attempt.server->name(), said);
  // Before the greeting there is no SQLSTATE; our client is past its own.
  if (err) attempt.reply = error_payload({err->code, "08004"}, err->message);
}

}  // namespace mysqlproxy
