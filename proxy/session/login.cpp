// Session: logging the client in, and its server.
#include "proxy/app/worker.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/session.hpp"
#include "proxy/session/tls_handshake.hpp"

#include <mysqlwire/crypto/native_password.hpp>
#include <mysqlwire/crypto/salt.hpp>
#include <mysqlwire/session/server_change_user.hpp>
#include <mysqlwire/session/server_handshake.hpp>

#include <fmt/format.h>

#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::Capability;
using mysqlwire::ServerStep;

namespace {

/// An SSLRequest with its header: what may be read before it is known whether TLS follows.
constexpr std::size_t ssl_request_size = 36;

constexpr std::string_view native_plugin = "mysql_native_password";

mysqlwire::ServerGreeting greeting_of(const CommonGround& ground, bool tls, std::uint32_t id,
                                      const mysqlwire::Salt& salt) {
  mysqlwire::ServerGreeting greeting;
  greeting.server_version = ground.version;
  greeting.connection_id = id;
  greeting.capabilities = ground.capabilities;
  if (tls) greeting.capabilities.set(Capability::ssl);
  greeting.collation = ground.collation;
  greeting.status = mysqlwire::ServerStatus::autocommit;
  greeting.auth_plugin = native_plugin;
  greeting.salt = salt;
  return greeting;
}

/// What an unknown user's answer is checked against, so that it takes as long as a known one's.
const mysqlwire::crypto::Sha1& decoy_hash() {
  static const mysqlwire::crypto::Sha1 hash = [] {
    const auto noise = mysqlwire::crypto::random_salt();
    return mysqlwire::crypto::native_hash(mysqlwire::as_text(noise));
  }();
  return hash;
}

/// What is stored for a user without a password.
const mysqlwire::crypto::Sha1& empty_hash() {
  static const mysqlwire::crypto::Sha1 hash = mysqlwire::crypto::native_hash("");
  return hash;
}

bool must_switch(const mysqlwire::ServerHandshake&) noexcept { return false; }
bool must_switch(const mysqlwire::ServerChangeUser& role) noexcept {
  return role.switch_required();
}

}  // namespace

Task<bool> Session::log_in() {
  const auto topology = services_.topology();
  const auto& settings = topology->config().proxy;
  deadline_.set(settings.handshake_timeout);
  salt_ = mysqlwire::crypto::random_salt();
  mysqlwire::ServerHandshake handshake(
      greeting_of(*arrival_.ground, arrival_.tls != nullptr, id_, salt_));
  mysqlwire::Buffer out;
  handshake.start(out);
  client_.send(out);
  mysqlwire::FrameReader reader;
  const bool authentic = co_await authenticate(handshake, reader);
  if (!authentic) co_return false;
  if (arrival_.tls_required && client_.tls() == nullptr) {
    const std::string_view reason =
        "Connections using insecure transport are prohibited while --require_secure_transport=ON.";
    out.clear();
    handshake.reject(error_payload(insecure_transport, reason), out);
    client_.send(out);
    end(EndedBy::proxy, "login without TLS, which the listener requires");
    co_return false;
  }

  const auto& login = handshake.login();
  wishes_ = {login.capabilities, login.max_packet_size, login.collation, login.schema,
             login.attributes};
  deadline_.clear();
  ServerConnector connector(worker_.loop(), waker_, &client_.socket, settings.connect_timeout);
  ConnectOutcome outcome = co_await connector.connect(*pool_, credentials_, wishes_);
  if (outcome.client_gone) {
    end(EndedBy::client, "left while a server was looked for");
    co_return false;
  }
  out.clear();
  if (!outcome.connection) {
    services_.log.warn(outcome.reason, {{"client", arrival_.address}, {"user", credentials_.user}});
    handshake.reject(outcome.reply, out);
    client_.send(out);
    end(EndedBy::server, outcome.reason);
    co_return false;
  }
  handshake.accept(outcome.reply, out);
  client_.send(out);
  server_ = std::move(outcome.connection);
  begin_relay(reader.unread());
  co_return true;
}

void Session::begin_relay(Bytes early) {
  mysqlwire::Context context;
  context.capabilities = wishes_.capabilities;
  context.flavor = server_->greeting.flavor();
  context.limits.max_payload = services_.topology()->config().proxy.max_allowed_packet;
  if (relay_)
    relay_->restart(context, early);
  else
    relay_.emplace(context, early);
  server_name_ = server_->server()->name();
  services_.ids.attach(id_, {server_->server(), server_->greeting.connection_id});
}

/// Waits for the client's next packet and gives it to `role`. False when the login is over by that.
template <class Role>
Task<bool> Session::next_reply(Role& role, mysqlwire::FrameReader& reader, ServerStep& step) {
  reader.set_max_payload(role.max_payload());
  const std::size_t careful = arrival_.tls && client_.tls() == nullptr ? ssl_request_size : 0;
  const Reception got =
      co_await receive_packet(worker_.loop(), waker_, client_, reader, deadline_, nullptr, careful);
  mysqlwire::Buffer out;
  switch (got.kind) {
    case Reception::Kind::packet: break;
    case Reception::Kind::abandoned:
    case Reception::Kind::closed:
      spoke_ = client_.bytes_in != 0;
      end(EndedBy::client, "left during the login");
      co_return false;
    case Reception::Kind::timed_out:
      spoke_ = true;
      role.reject(error_payload(read_timeout, "Got timeout reading communication packets"), out);
      client_.send(out);
      end(EndedBy::proxy, "handshake_timeout");
      co_return false;
    case Reception::Kind::malformed:
      spoke_ = true;
      role.refuse(got.error, out);
      client_.send(out);
      end(EndedBy::proxy, fmt::format("malformed login: {}", to_string(got.error)));
      co_return false;
  }
  step = role.on_packet(got.packet, out);
  spoke_ = step != ServerStep::quit;
  if (!out.empty()) client_.send(out);
  if (step == ServerStep::quit) end(EndedBy::client, "quit before login");
  if (step == ServerStep::refused) {
    credentials_.user = role.login().user;
    end(EndedBy::proxy, fmt::format("login refused: {}", to_string(role.error())));
  }
  bool goes_on = step != ServerStep::quit && step != ServerStep::refused;
  if (step == ServerStep::start_tls) {
    step = ServerStep::need_more;
    goes_on = co_await secure_client(reader, role);
  }
  co_return goes_on;
}

/// The client has asked for TLS. What came behind the request in clear was not sent by it.
Task<bool> Session::secure_client(mysqlwire::FrameReader& reader, mysqlwire::ServerAuth& role) {
  std::string reason = "bytes in clear behind the SSLRequest";
  if (reader.buffered() == 0) {
    auto tls = std::make_unique<TlsStream>(arrival_.tls, arrival_.tls->accept(), client_.socket);
    reason = co_await start_tls(waker_, client_, std::move(tls), deadline_, nullptr);
  }
  if (reason.empty()) co_return true;
  mysqlwire::Buffer out;
  role.reject(error_payload(bad_handshake, "Bad handshake"), out);
  client_.send(out);
  end(EndedBy::proxy, fmt::format("TLS with the client: {}", reason));
  co_return false;
}

/// Finds out who the client is: on success credentials_ and pool_ are set. On failure the client
/// has its ERR and the session has its end.
template <class Role>
Task<bool> Session::authenticate(Role& role, mysqlwire::FrameReader& reader) {
  ServerStep step = ServerStep::need_more;
  bool goes_on = true;
  while (step == ServerStep::need_more) {
    goes_on = co_await next_reply(role, reader, step);
    if (!goes_on) co_return false;
  }
  const auto length = role.auth_response().size();
  const bool plausible = length == 0 || length == mysqlwire::salt_size;
  if (role.plugin() != native_plugin || must_switch(role) || !plausible) {
    mysqlwire::Buffer out;
    step = role.switch_plugin(native_plugin, salt_, out);
    client_.send(out);
    if (step == ServerStep::refused) {
      credentials_.user = role.login().user;
      end(EndedBy::proxy, fmt::format("login refused: {}", to_string(role.error())));
      co_return false;
    }
    while (step == ServerStep::need_more) {
      goes_on = co_await next_reply(role, reader, step);
      if (!goes_on) co_return false;
    }
  }
  if (verify(role)) co_return true;
  denied_ = true;
  services_.counters.refused_logins.fetch_add(1, std::memory_order_relaxed);
  const std::string message =
      access_denied_message(role.login().user, arrival_.host, !role.auth_response().empty());
  services_.log.info(message, {{"client", arrival_.address}});
  mysqlwire::Buffer out;
  role.reject(error_payload(access_denied, message), out);
  client_.send(out);
  end(EndedBy::proxy, message);
  co_return false;
}

template Task<bool> Session::authenticate(mysqlwire::ServerChangeUser&, mysqlwire::FrameReader&);

/// Whether the client's answer is the right one. Unknown users and wrong passwords take the same
/// path and the same time.
bool Session::verify(const mysqlwire::ServerAuth& role) {
  const auto topology = services_.topology();
  const auto& login = role.login();
  const Topology::User* user = topology->find_user(login.user);
  const bool has_password = user == nullptr || user->config.native_hash != empty_hash();
  const auto& hash = user != nullptr && has_password ? user->config.native_hash : decoy_hash();
  auto stage1 = mysqlwire::crypto::recover_stage1(role.auth_response(), role.salt(), hash);
  const bool right = has_password ? stage1.has_value() : role.auth_response().empty();
  if (!right || user == nullptr) {
    if (credentials_.user.empty()) credentials_.user = login.user;
    return false;
  }
  credentials_.user = login.user;
  credentials_.has_password = has_password;
  if (stage1) credentials_.stage1 = std::move(*stage1);
  pool_ = user->pool;
  return true;
}

}  // namespace mysqlproxy
