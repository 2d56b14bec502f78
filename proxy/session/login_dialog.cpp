#include "proxy/session/login_dialog.hpp"

#include "proxy/session/errors.hpp"
#include "proxy/session/packet_io.hpp"
#include "proxy/session/tls_handshake.hpp"

#include <mysqlwire/crypto/certificate_proof.hpp>
#include <mysqlwire/wire/connection_attributes.hpp>
#include <mysqlwire/wire/ok_packet.hpp>

#include <fmt/format.h>

#include <utility>

namespace mysqlproxy {

using mysqlwire::AuthSource;
using mysqlwire::Bytes;
using mysqlwire::ServerStep;
namespace crypto = mysqlwire::crypto;
using crypto::CheckAction;
using crypto::CheckStep;

namespace {

/// An SSLRequest with its header: what may be read before it is known whether TLS follows.
constexpr std::size_t ssl_request_size = 36;

}  // namespace

void LoginDialog::end(EndedBy side, std::string reason) {
  if (ending_.reason.empty()) ending_ = {side, std::move(reason)};
}

void LoginDialog::send(const mysqlwire::Buffer& out) {
  if (!out.empty()) side_.channel.send(out);
}

Task<bool> LoginDialog::hear() {
  bool goes_on = true;
  step_ = ServerStep::need_more;
  while (goes_on && step_ == ServerStep::need_more) goes_on = co_await next_reply();
  co_return goes_on;
}

/// Waits for the client's next packet and gives it to the role.
Task<bool> LoginDialog::next_reply() {
  reader_.set_max_payload(role_.max_payload());
  const std::size_t careful = side_.tls && side_.channel.tls() == nullptr ? ssl_request_size : 0;
  const Reception got = co_await receive_packet(side_.loop, side_.waker, side_.channel, reader_,
                                                side_.deadline, nullptr, careful);
  mysqlwire::Buffer out;
  switch (got.kind) {
    case Reception::Kind::packet: break;
    case Reception::Kind::abandoned:
    case Reception::Kind::closed:
      spoke_ = side_.channel.bytes_in != 0;
      end(EndedBy::client, "left during the login");
      co_return false;
    case Reception::Kind::timed_out:
      spoke_ = true;
      role_.reject(error_payload(read_timeout, "Got timeout reading communication packets"), out);
      send(out);
      end(EndedBy::proxy, "handshake_timeout");
      co_return false;
    case Reception::Kind::malformed:
      spoke_ = true;
      role_.refuse(got.error, out);
      send(out);
      end(EndedBy::proxy, fmt::format("malformed login: {}", to_string(got.error)));
      co_return false;
  }
  step_ = receive_(role_, got.packet, out);
  spoke_ = step_ != ServerStep::quit;
  send(out);
  if (step_ == ServerStep::quit) end(EndedBy::client, "quit before login");
  if (step_ == ServerStep::refused)
    end(EndedBy::proxy, fmt::format("login refused: {}", to_string(role_.error())));
  bool goes_on = step_ != ServerStep::quit && step_ != ServerStep::refused;
  if (step_ == ServerStep::start_tls) {
    step_ = ServerStep::need_more;
    goes_on = co_await secure();
  }
  co_return goes_on;
}

/// The client has asked for TLS. What came behind the request in clear was not sent by it.
Task<bool> LoginDialog::secure() {
  std::string reason = "bytes in clear behind the SSLRequest";
  if (reader_.buffered() == 0) {
    auto tls = std::make_unique<TlsStream>(side_.tls, side_.tls->accept(), side_.channel.socket);
    reason =
        co_await start_tls(side_.waker, side_.channel, std::move(tls), side_.deadline, nullptr);
  }
  if (reason.empty()) co_return true;
  mysqlwire::Buffer out;
  role_.reject(error_payload(bad_handshake, "Bad handshake"), out);
  send(out);
  end(EndedBy::proxy, fmt::format("TLS with the client: {}", reason));
  co_return false;
}

/// Sends what `action` says and hears the client, until it is something that the caller acts on.
Task<bool> LoginDialog::carry_out(CheckAction& action) {
  for (;;) {
    mysqlwire::Buffer out;
    action = crypto::carry_out(action, role_, out);
    send(out);
    if (action.step == CheckStep::refused) {
      end(EndedBy::proxy, fmt::format("login refused: {}", to_string(role_.error())));
      co_return false;
    }
    if (action.step != CheckStep::need_more) co_return true;
    const bool goes_on = co_await hear();
    if (!goes_on) co_return false;
    action = check_->on_response(role_.plugin(), role_.salt(), role_.auth_response(),
                                 role_.switch_required());
  }
}

/// What an answer is checked against. Nobody's is made up like that of a typical user.
crypto::StoredPassword LoginDialog::stored_of(const Topology::User* user,
                                              const StoredHashes& usual) {
  const std::string& name = role_.login().user;
  if (user == nullptr)
    return crypto::StoredPassword::make_decoy(name, side_.services.decoy_key, usual);
  crypto::StoredPassword stored = user->config.hashes;
  if (user->config.passthrough) return stored;
  account_ = user->config.hashes;
  // Where only the slow hash is known, the fast path works by what a full authentication taught.
  if (!stored.sha2 && stored.caching_sha2) stored.sha2 = side_.services.learnt.find(name, stored);
  return stored;
}

Task<bool> LoginDialog::verify(const Topology::User* user, const StoredHashes& usual,
                               Credentials& credentials, bool proof_may_wait) {
  credentials.user = role_.login().user;
  crypto::PasswordCheckOptions options;
  options.channel = {side_.channel.tls() != nullptr, side_.unix_socket};
  options.rsa = side_.services.rsa_key.get();
  options.allow_clear_password = side_.clear_password;
  options.judge_again = side_.services.account_loader != nullptr;
  options.unchecked = user != nullptr && user->config.passthrough;
  // Who knows no plugins can't be asked for one.
  options.proof_is_relayed =
      proof_may_wait && role_.login().capabilities.has(mysqlwire::Capability::plugin_auth);
  check_.emplace(stored_of(user, usual), options);
  const CheckAction action = check_->on_response(role_.plugin(), role_.salt(),
                                                 role_.auth_response(), role_.switch_required());
  const bool right = co_await judge(action, credentials);
  co_return right;
}

Task<bool> LoginDialog::verify_again(const Topology::User& user, Credentials& credentials) {
  wrong_ = nullptr;
  const CheckAction action = check_->judge_again(stored_of(&user, {}), role_.plugin(), role_.salt(),
                                                 role_.auth_response());
  const bool right = co_await judge(action, credentials);
  co_return right;
}

/// Carries out what the check says to its verdict.
Task<bool> LoginDialog::judge(CheckAction action, Credentials& credentials) {
  const bool goes_on = co_await carry_out(action);
  if (!goes_on) co_return false;
  if (action.step != CheckStep::accepted) {
    wrong_ = action.reason;
    co_return false;
  }
  learn(credentials);
  co_return true;
}

Task<bool> LoginDialog::confirm() {
  CheckAction action = check_->confirm();
  const bool goes_on = co_await carry_out(action);
  if (goes_on && action.step != CheckStep::accepted) wrong_ = action.reason;
  co_return goes_on&& wrong_ == nullptr;
}

/// Takes over what the login told, for the server, and for the next login.
void LoginDialog::learn(Credentials& credentials) {
  credentials.secret = std::move(check_->learnt());
  if (!account_ || !credentials.secret.clear || credentials.secret.clear->empty()) return;
  const auto text = mysqlwire::as_text(credentials.secret.clear->bytes());
  side_.services.learnt.learn(credentials.user, *account_, crypto::sha2_hash(text));
}

/// The same words for an unknown user and a wrong password; why, only the log says.
void LoginDialog::deny() {
  const std::string& user = role_.login().user;
  side_.services.counters.refused_logins.fetch_add(1, std::memory_order_relaxed);
  const std::string message = access_denied_message(user, side_.host, check_->used_password());
  side_.services.log.debug("login denied", {{"user", user}, {"host", side_.host}, {"why", wrong_}});
  refuse(error_payload(access_denied, message), message);
}

void LoginDialog::refuse(Bytes err_payload, std::string reason) {
  reject(err_payload);
  denied_ = true;
  end(EndedBy::proxy, std::move(reason));
}

Task<bool> LoginDialog::obtain_password(Credentials& credentials, std::string& why_not) {
  if (!ending_.reason.empty() || wrong()) co_return false;
  why_not = "the client knows no plugins";
  if (!role_.login().capabilities.has(mysqlwire::Capability::plugin_auth)) co_return false;
  CheckAction action = check_->ask_for_clear();
  const bool goes_on = co_await carry_out(action);
  if (!goes_on) co_return false;
  why_not = fmt::format("the client logged in by {}, and: {}", to_string(check_->plugin()),
                        action.reason);
  if (action.step == CheckStep::denied) wrong_ = action.reason;
  if (action.step != CheckStep::accepted) co_return false;
  learn(credentials);
  co_return true;
}

Task<bool> LoginDialog::relay(std::string_view plugin, Bytes data, AuthSource source,
                              mysqlwire::Buffer& reply) {
  if (!ending_.reason.empty() || wrong()) co_return false;
  if (!role_.login().capabilities.has(mysqlwire::Capability::plugin_auth)) co_return false;
  CheckAction action = check_->relay(plugin, data, source);
  const bool goes_on = co_await carry_out(action);
  if (!goes_on || action.step != CheckStep::relayed) co_return false;
  reply.assign(action.data.begin(), action.data.end());
  co_return true;
}

/// MariaDB's clients verify certificates by passwords. Others would show the proof to people.
bool LoginDialog::expects_proof() const {
  if (side_.shown == mysqlwire::Flavor::mariadb) return true;
  const mysqlwire::ConnectionAttributes attributes{role_.login().attributes};
  const std::string_view name = attributes.find("_client_name").value_or("");
  return name == "libmariadb" || name.starts_with("MariaDB");
}

/// The OK with a proof for the certificate that this client has seen, where one can be made. A
/// proof of the server's, for its own certificate, would look like somebody in between.
mysqlwire::Buffer LoginDialog::with_own_proof(Bytes ok_payload) const {
  mysqlwire::Context context;
  context.capabilities = role_.login().capabilities;
  const auto decoded = mysqlwire::OkPacket::decode(ok_payload, context);
  std::string proof;
  const auto fingerprint = side_.channel.tls() != nullptr ? side_.channel.tls()->own_fingerprint()
                                                          : std::optional<crypto::Sha256>();
  const mysqlwire::Buffer hash = check_->password_hash();
  if (fingerprint && !hash.empty() && expects_proof())
    proof = crypto::certificate_proof(hash, side_.salt, *fingerprint);
  const bool replaced =
      decoded &&
      (decoded->info.empty() ? !proof.empty() : crypto::is_certificate_proof(decoded->info));
  if (!replaced) return {ok_payload.begin(), ok_payload.end()};
  mysqlwire::OkPacket ok = *decoded;
  ok.info = proof;
  mysqlwire::Buffer payload;
  mysqlwire::Writer writer(payload);
  ok.encode(writer, context);
  return payload;
}

void LoginDialog::accept(Bytes ok_payload) {
  mysqlwire::Buffer out;
  crypto::accept(*check_, role_, with_own_proof(ok_payload), out);
  send(out);
}

void LoginDialog::reject(Bytes err_payload) {
  mysqlwire::Buffer out;
  role_.reject(err_payload, out);
  send(out);
}

}  // namespace mysqlproxy
