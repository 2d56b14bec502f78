// Session: who a client is, and whether it may log in.
#include "proxy/app/worker.hpp"
#include "proxy/session/errors.hpp"
#include "proxy/session/login_dialog.hpp"
#include "proxy/session/session.hpp"
#include "proxy/users/account_loader.hpp"
#include "proxy/users/admission.hpp"

#include <fmt/format.h>

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
  AccountLoader* loader = services_.account_loader;
  if (dialog.wrong() && loader != nullptr && loader->active() &&
      !topology->accounts().has(login.user)) {
    // It may be that the servers have another account by now.
    co_await loader->refresh(worker_.loop(), waker_);
    auto newer = directory.find(*topology, login.user, arrival_.from);
    const bool changed = newer && (!user || newer->config.hashes != user->config.hashes);
    user = std::move(newer);
    if (changed) right = co_await dialog.verify_again(*user, credentials_);
  }
  if (dialog.wrong()) {
    co_await deny(dialog);
    co_return false;
  }
  if (!right) co_return false;
  if (!dialog.unproved() && !admit(dialog, user->config, login)) co_return false;
  pool_ = user->pool;
  credentials_.server_user = user->config.server.user;
  if (user->config.server.secret) {
    credentials_.secret = user->config.server.secret->clone();
    credentials_.foreign = true;
  }
  if (dialog.unproved()) unproved_ = std::move(user->config);
  co_return true;
}

/// The server has let in whom authenticate() could not judge. False when the dialog is over.
Task<bool> Session::confirm(LoginDialog& dialog) {
  if (!unproved_) co_return true;
  const UserConfig user = *std::exchange(unproved_, {});
  const bool right = co_await dialog.confirm();
  if (dialog.wrong()) {
    co_await deny(dialog);
    co_return false;
  }
  co_return right&& admit(dialog, user, dialog.login());
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
  const auto delay = services_.failed_logins.note_failure(arrival_.from, worker_.loop().now());
  co_await hold_back(delay);
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

/// Waits, unless the client leaves first.
Task<void> Session::hold_back(std::chrono::milliseconds delay) {
  if (delay.count() == 0) co_return;
  Deadline until(worker_.loop(), waker_);
  until.set(delay);
  while (!until.passed() && !cut_ && !client_.socket.peer_closed()) co_await waker_;
}

}  // namespace mysqlproxy
