// Session: who a client is, and whether it may log in.
#include "proxy/app/worker.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/login_dialog.hpp"
#include "proxy/session/session.hpp"
#include "proxy/users/account_loader.hpp"
#include "proxy/users/admission.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mysqlproxy {

/// Has the client prove who it says it is, and looks whether that account may be used. Fills
/// `pool_` and `credentials_`. False when the dialog is over. Where the server's login is going to
/// bring the proof, and `proof_may_wait`, the account waits in `unproved_` for confirm().
Task<bool> Session::authenticate(LoginDialog& dialog, const mysqlwire::LoginRequest& login,
                                 bool proof_may_wait) {
  const auto topology = services_.topology();
  const Directory& directory = services_.directory;
  const auto usual = directory.usual(*topology);
  auto user = directory.find(*topology, login.user, arrival_.from);
  // The server of a user who is mapped to another account asks for that one's proof.
  const bool may_wait = proof_may_wait && !(user && user->config.server.secret);
  bool right =
      co_await dialog.verify(user ? &*user : nullptr, usual.stored, credentials_, may_wait);
  if (dialog.wrong()) right = co_await judge_again(dialog, user);
  if (dialog.wrong()) {
    co_await deny(dialog);
    co_return false;
  }
  if (!right) co_return false;
  passthrough_ = user->config.passthrough;
  if (!dialog.unproved() && !admit(dialog, user->config, login)) co_return false;
  pool_ = user->pool;
  user_pooling_ = user->config.pooling;
  user_causal_reads_ = user->config.causal_reads;
  credentials_.server_user = user->config.server.user;
  if (user->config.server.secret) {
    credentials_.secret = user->config.server.secret->clone();
    credentials_.foreign = true;
  }
  if (dialog.unproved()) unproved_ = std::make_unique<UserConfig>(std::move(user->config));
  const bool admitted = co_await obey_connection_rules(dialog);
  co_return admitted;
}

/// After a wrong password: it may be that the servers have another account by now, which `user` is
/// then. Names that they are not asked for wait too, or else they could be told by that.
Task<bool> Session::judge_again(LoginDialog& dialog, std::optional<Topology::User>& user) {
  AccountLoader* loader = services_.account_loader;
  if (loader == nullptr || !loader->active()) co_return false;
  co_await loader->refresh(worker_.loop(), waker_);
  const auto topology = services_.topology();
  auto newer = services_.directory.find(*topology, dialog.login().user, arrival_.from);
  const bool changed = newer && (!user || newer->config.hashes != user->config.hashes);
  user = std::move(newer);
  if (!changed) co_return false;
  const bool right = co_await dialog.verify_again(*user, credentials_);
  co_return right;
}

/// The server has let in whom authenticate() could not judge. False when the dialog is over.
Task<bool> Session::confirm(LoginDialog& dialog) {
  if (!unproved_) co_return true;
  std::optional<Topology::User> user{{std::move(*unproved_), pool_}};
  unproved_.reset();
  bool right = co_await dialog.confirm();
  if (dialog.wrong()) right = co_await judge_again(dialog, user);
  if (dialog.wrong()) {
    co_await deny(dialog);
    co_return false;
  }
  co_return right&& admit(dialog, user->config, dialog.login());
}

/// Whether a client that has proved who it is may use its account; with its ERR, if not.
bool Session::admit(LoginDialog& dialog, const UserConfig& user,
                    const mysqlwire::LoginRequest& login) {
  if (!user.passthrough) services_.failed_logins.note_success(arrival_.from);
  // Behind the password and before the schema, as in servers; so where the server checks the
  // password, it comes first.
  if (!user.passthrough && lacks_tls()) {
    reject_for_tls(dialog);
    return false;
  }
  auto denial = denial_of(user, claimant(login));
  if (!denial) return true;
  services_.counters.refused_logins.fetch_add(1, std::memory_order_relaxed);
  dialog.refuse(denial->payload, std::move(denial->reason));
  return false;
}

/// A wrong password, or an unknown user.
Task<void> Session::deny(LoginDialog& dialog) {
  co_await penalize(dialog.login().user);
  dialog.deny();
}

Claimant Session::claimant(const mysqlwire::LoginRequest& login) const {
  Claimant claimant{.user = login.user, .host = arrival_.host};
  claimant.capabilities = login.capabilities;
  claimant.flavor = arrival_.ground->flavor;
  claimant.using_password = login.auth_response.size() > 1;
  if (const TlsStream* tls = client_.tls()) {
    claimant.tls = true;
    claimant.cipher = tls->cipher();
    if (auto names = tls->verified_peer()) {
      claimant.certified = true;
      claimant.subject = std::move(names->subject);
      claimant.issuer = std::move(names->issuer);
    }
  }
  return claimant;
}

/// Counts a failed login, and waits with the answer, unless the client leaves first.
Task<void> Session::penalize(const std::string& user) {
  const std::uint64_t now = worker_.loop().now();
  const auto delay = services_.failed_logins.note_failure(arrival_.from, now);
  if (services_.failed_logins.blocked(arrival_.from, now))
    services_.log.warn("too many failed logins: the host is blocked",
                       {{"host", arrival_.host}, {"last_user", user}});
  if (delay.count() == 0) co_return;
  Deadline until(worker_.loop(), waker_);
  until.set(delay);
  while (!until.passed() && !cut_ && !client_.socket.peer_closed()) co_await waker_;
}

/// Where the server finds out who the client is, what it says counts as our own word does. A server
/// that denies whom we have let in has another account by now. `reply` is its ERR.
Task<void> Session::note_verdict_of_server(bool good, mysqlwire::Bytes reply) {
  if (good && passthrough_) services_.failed_logins.note_success(arrival_.from);
  constexpr std::uint8_t denied[] = {0xff, access_denied.code & 0xff, access_denied.code >> 8};
  const bool wrong = reply.size() > std::size(denied) &&
                     std::equal(std::begin(denied), std::end(denied), reply.begin());
  if (good || !wrong) co_return;
  if (passthrough_)
    co_await penalize(credentials_.user);
  else
    co_await refresh_accounts();
}

/// The client was asked for its password on behalf of a server, and gave a wrong one.
Task<void> Session::note_late_denial(LoginDialog& dialog) {
  co_await deny(dialog);
  co_await refresh_accounts();
}

/// For the next login.
Task<void> Session::refresh_accounts() {
  AccountLoader* loader = services_.account_loader;
  if (loader != nullptr && loader->active()) co_await loader->refresh(worker_.loop(), waker_);
}

}  // namespace mysqlproxy
