// What full authentications have taught: the twin of a server's caching_sha2_password cache.
#pragma once

#include "proxy/config/config.hpp"

#include <mysqlwire/crypto/caching_sha2_password.hpp>

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace mysqlproxy {

/// SHA256(SHA256(password)) by user, in memory only, so that the next login of a user of whom only
/// the slow hash is stored is a fast one. Any thread.
class LearntHashes {
 public:
  static constexpr std::size_t most_users = 100'000;

  /// What was learnt of a user whose account is still the same.
  std::optional<mysqlwire::crypto::Sha256> find(const std::string& user,
                                                const StoredHashes& account) const;
  /// At most_users everything is forgotten first.
  void learn(const std::string& user, const StoredHashes& account,
             const mysqlwire::crypto::Sha256& hash);

 private:
  struct Entry {
    StoredHashes account;
    mysqlwire::crypto::Sha256Secret hash;  ///< wiped when it goes
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace mysqlproxy
