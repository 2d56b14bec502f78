#include "proxy/lending/known_logins.hpp"

#include <utility>

namespace mysqlproxy::lending {

mysqlwire::Bytes KnownLogins::find(const Pool& pool, const Borrower& who, std::string_view schema,
                                   std::uint64_t now) const {
  const auto [first, last] = logins_.equal_range(who.hash());
  for (auto it = first; it != last; ++it) {
    const Login& login = it->second;
    if (login.until > now && login.schema == schema && login.pool == pool.name() &&
        login.who->same_login(who))
      return login.ok_payload;
  }
  return {};
}

void KnownLogins::note(const Pool& pool, std::shared_ptr<const Borrower> who,
                       std::string_view schema, mysqlwire::Bytes ok_payload, std::uint64_t now) {
  if (!who->shareable()) return;
  if (logins_.size() >= most) logins_.clear();
  const auto until = now + static_cast<std::uint64_t>(lifetime.count());
  const auto [first, last] = logins_.equal_range(who->hash());
  for (auto it = first; it != last; ++it) {
    Login& login = it->second;
    if (login.schema != schema || login.pool != pool.name() || !login.who->same_login(*who))
      continue;
    login.ok_payload.assign(ok_payload.begin(), ok_payload.end());
    login.until = until;
    return;
  }
  const std::size_t hash = who->hash();
  logins_.emplace(hash, Login{pool.name(),
                              std::move(who),
                              std::string(schema),
                              {ok_payload.begin(), ok_payload.end()},
                              until});
}

}  // namespace mysqlproxy::lending
