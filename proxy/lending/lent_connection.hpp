// A server connection that goes from session to session.
#pragma once

#include "proxy/lending/figures.hpp"
#include "proxy/lending/session_image.hpp"
#include "proxy/lending/statements.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/server_connection.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace mysqlproxy::lending {

struct LoanGroup;

/// Belongs to the session that has borrowed it, or to the lender, of one thread. A session that is
/// done with it gives it to Lender::give_back() or discard(); one that is merely destroyed counts
/// as discarded.
class LentConnection {
 public:
  LentConnection(LoanGroup& group, std::unique_ptr<ServerConnection> owned) noexcept;
  ~LentConnection();
  LentConnection(const LentConnection&) = delete;
  LentConnection& operator=(const LentConnection&) = delete;

  Channel& channel() noexcept { return connection->channel; }
  const std::shared_ptr<Server>& server() const noexcept { return connection->server(); }

  std::unique_ptr<ServerConnection> connection;  ///< null while a session has it
  std::shared_ptr<Pool> pool;                    ///< that it was borrowed through last
  /// How its session is now. Null: as its login has left it, by the next two.
  SharedImage image;
  std::string login_schema;
  std::uint16_t login_collation = 0;
  PreparedHere prepared;           ///< what of clients' statements is prepared on it
  bool trackers = false;           ///< the server tells of what changes
  std::uint64_t last_session = 0;  ///< who has it, or had it last; 0: nobody yet
  std::uint32_t uses = 0;          ///< how often it was borrowed
  std::uint64_t born = 0;          ///< the loop's clock
  std::uint64_t idle_since = 0;    ///< the same

 private:
  friend class Lender;
  LoanGroup& group_;
  std::uint64_t expires_ = UINT64_MAX;  ///< the loop's clock
  CloseReason why_closed_ = CloseReason::discarded;
};

}  // namespace mysqlproxy::lending
