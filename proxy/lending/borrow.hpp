// The whole way from a session that wants a server to a connection that it is lent.
#pragma once

#include "proxy/io/task.hpp"
#include "proxy/lending/lender.hpp"

#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace mysqlproxy::lending {

/// What a session says when it wants a connection. Outlives the task.
struct BorrowRequest {
  std::shared_ptr<Pool> pool;
  std::shared_ptr<const Borrower> who;
  Credentials& credentials;
  const SessionWishes& wishes;
  ServerConnector& connector;
  Waker& waker;        ///< the session's
  LastLoan& last;      ///< what it remembers
  SharedImage wanted;  ///< may be null
  /// Of the whole request; its `limit` is for the time in which all connections are lent, and 0
  /// is for the pool's queue_timeout.
  Patience patience;
};

struct BorrowOutcome {
  std::unique_ptr<LentConnection> connection;  ///< null when there is none
  bool fresh = false;                          ///< it was opened for this
  /// Payload of the OK of the login when it is `fresh`; else of the ERR that the client is to see.
  mysqlwire::Buffer reply;
  std::string reason;               ///< why there is none, for the log
  Refusal refusal = Refusal::none;  ///< because of the queue
  bool refused = false;             ///< the server can be reached and said no to this user
  bool client_gone = false;
};

/// Of the pool's servers in the order of its choice the first that has an idle connection, or room
/// and lets the account in. When all are full the first of them is waited for. When the pool has no
/// primary just now, one is waited for as a login does.
Task<BorrowOutcome> borrow(Lender& lender, const BorrowRequest& request);

}  // namespace mysqlproxy::lending
