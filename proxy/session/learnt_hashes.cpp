#include "proxy/session/learnt_hashes.hpp"

#include <algorithm>

namespace mysqlproxy {

std::optional<mysqlwire::crypto::Sha256> LearntHashes::find(const std::string& user,
                                                            const StoredHashes& account) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(user);
  if (found == entries_.end() || found->second.account != account) return std::nullopt;
  mysqlwire::crypto::Sha256 hash{};
  std::ranges::copy(found->second.hash.bytes(), hash.begin());
  return hash;
}

void LearntHashes::learn(const std::string& user, const StoredHashes& account,
                         const mysqlwire::crypto::Sha256& hash) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= most_users && entries_.find(user) == entries_.end()) entries_.clear();
  entries_[user] = {account, mysqlwire::crypto::Sha256Secret(hash)};
}

}  // namespace mysqlproxy
