// Which sessions may have the same server connection, one after the other.
#pragma once

#include "proxy/pool/server.hpp"
#include "proxy/session/credentials.hpp"
#include "proxy/session/origin.hpp"
#include "proxy/session/server_connection.hpp"

#include <mysqlwire/wire/capabilities.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace mysqlproxy::lending {

/// Who borrows, as far as a login fixes it for good: what no command can change afterwards. A
/// session makes one when it has logged in, and keeps it.
///
/// Connection attributes are not part of it: of a connection that is lent they are those of the
/// session that it was opened for. Nor is max_packet_size, which no server heeds.
class Borrower {
 public:
  using Fingerprint = std::array<std::uint8_t, 32>;

  /// `wishes` as servers are to be asked. `origin` for servers that are told whose connection it
  /// is; may be null. Where nothing is known of the password nobody else is alike.
  static std::shared_ptr<const Borrower> make(const Credentials& credentials,
                                              const SessionWishes& wishes, const Origin* origin);

  const std::string& account() const noexcept { return account_; }
  /// Another session can be the same.
  bool shareable() const noexcept { return shareable_; }
  /// Without what only servers that are told the address are concerned with.
  std::size_t hash() const noexcept { return hash_; }
  bool same_login(const Borrower& other) const noexcept;
  bool same_address(const Borrower& other) const noexcept { return address_ == other.address_; }

 private:
  std::string account_;
  /// HMAC with a key of this process over what is known of the secret: one user's wrong password
  /// never gets on a connection that another's right one has opened, and no secret is kept.
  Fingerprint fingerprint_{};
  mysqlwire::Capabilities capabilities_;
  std::string address_;  ///< the client's, without its port
  bool shareable_ = true;
  std::size_t hash_ = 0;
};

/// Borrowers of one thread's sessions that are the same are one object: they are compared by
/// address then, and cost an idle session nothing.
class Borrowers {
 public:
  /// One that is the same as `made`, or that itself.
  std::shared_ptr<const Borrower> find(std::shared_ptr<const Borrower> made);
  std::size_t size() const noexcept { return known_.size(); }

 private:
  std::unordered_multimap<std::size_t, std::weak_ptr<const Borrower>> known_;
  std::size_t sweep_at_ = 64;
};

/// Connections with equal keys can stand in for each other, once their sessions' images are alike.
struct LoanKey {
  std::shared_ptr<Server> server;
  std::shared_ptr<const Borrower> who;

  friend bool operator==(const LoanKey& a, const LoanKey& b) noexcept;
};

struct LoanKeyHash {
  std::size_t operator()(const LoanKey& key) const noexcept {
    return key.who->hash() ^ (std::hash<const void*>()(key.server.get()) << 1);
  }
};

}  // namespace mysqlproxy::lending
