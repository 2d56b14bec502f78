#include "proxy/session/server_proof.hpp"

#include <mysqlwire/crypto/password.hpp>
#include <mysqlwire/wire/wipe.hpp>

#include <fmt/format.h>

#include <string_view>

namespace mysqlproxy {

using mysqlwire::crypto::AnswerAction;
using mysqlwire::crypto::AnswerStep;

namespace {

/// It is answered by a hash of the password. caching_sha2_password wants the password itself of who
/// comes first, and no more of it then.
bool takes_hashes(std::string_view plugin) noexcept {
  using mysqlwire::crypto::AuthPlugin;
  const AuthPlugin found = mysqlwire::crypto::find_auth_plugin(plugin);
  return found == AuthPlugin::mysql_native_password || found == AuthPlugin::caching_sha2_password;
}

}  // namespace

ServerProof::~ServerProof() { mysqlwire::wipe(relayed_); }

Task<ServerProof::Answer> ServerProof::answer(const mysqlwire::ClientAuth& auth) {
  mysqlwire::wipe(relayed_);
  AnswerAction action = answer_.on_auth(auth.plugin(), auth.auth_data(), auth.auth_source());
  // A client that answers by itself need not say more; one that can't may give its password.
  if (action.step == AnswerStep::need_secret && action.can_be_relayed && source_ != nullptr) {
    const bool answered =
        co_await source_->relay(auth.plugin(), auth.auth_data(), auth.auth_source(), relayed_);
    if (answered) {
      reply_ = relayed_;
      unrepeatable_ = true;
      co_return Answer::reply;
    }
  }
  if (action.step == AnswerStep::need_secret) {
    const bool known = co_await know_password(action.reason);
    if (!known) co_return Answer::declined;
    action = answer_.supply(credentials_.secret.clone());
  }
  reply_ = action.data;
  if (action.step == AnswerStep::reply) {
    unrepeatable_ = unrepeatable_ || !takes_hashes(auth.plugin());
    co_return Answer::reply;
  }
  if (action.step == AnswerStep::wait) co_return Answer::nothing;
  reason_ = action.reason;
  co_return Answer::declined;
}

Task<bool> ServerProof::know_password(const char* lacking) {
  reason_ = lacking;
  if (source_ == nullptr || credentials_.secret.clear) co_return false;
  std::string why_not;
  const bool obtained = co_await source_->obtain_password(credentials_, why_not);
  if (!obtained) reason_ = fmt::format("{}; {}", lacking, why_not);
  co_return obtained;
}

}  // namespace mysqlproxy
