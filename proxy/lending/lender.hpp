// The server connections of one data thread that are lent to its sessions.
#pragma once

#include "proxy/io/loop.hpp"
#include "proxy/io/task.hpp"
#include "proxy/lending/figures.hpp"
#include "proxy/lending/lent_connection.hpp"
#include "proxy/lending/loan_key.hpp"
#include "proxy/lending/quota.hpp"
#include "proxy/session/services.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

namespace mysqlproxy::lending {

/// How long somebody waits for a connection, and what ends the wait before. All of it is looked at
/// whenever the waiting session's Waker is notified.
struct Patience {
  std::chrono::milliseconds limit{0};  ///< 0: for ever
  const Socket* client = nullptr;      ///< may be null: it leaves
  const Deadline* deadline = nullptr;  ///< may be null: it passes
  const bool* given_up = nullptr;      ///< may be null: it becomes true
};

/// What a wait comes to: exactly one of the three.
struct Turn {
  std::unique_ptr<LentConnection> connection;
  ServerSlot place;  ///< room for one more, which the session opens itself
  Refusal refusal = Refusal::none;
};

/// One a data thread, as are all calls. Outlives the sessions of its thread.
class Lender {
 public:
  class Desk;
  class Ticket;

  /// The thread is the `index`th of `threads`, from 0. `compressors` may be null: connections that
  /// are kept ready are not compressed.
  Lender(Loop& loop, Services& services, Compressors* compressors, unsigned index = 0,
         unsigned threads = 1);
  ~Lender();
  Lender(const Lender&) = delete;
  Lender& operator=(const Lender&) = delete;

  /// An idle connection, or null. The one that this session had last; else one that is already as
  /// `wanted` (may be null) is, by its address; else the one that has been idle longest, whose
  /// session will least likely come back for it. `last` is the session's, here and below.
  std::unique_ptr<LentConnection> take(const LoanKey& key, const std::shared_ptr<Pool>& pool,
                                       LastLoan& last, const SharedImage& wanted);
  /// The same from the server that is to be preferred now, and from no other: the common case of
  /// borrow(), which is for when this gives nothing.
  std::unique_ptr<LentConnection> take(const std::shared_ptr<Pool>& pool,
                                       const std::shared_ptr<const Borrower>& who, LastLoan& last,
                                       const SharedImage& wanted);
  /// There is such a connection, idle or lent.
  bool has_any(const LoanKey& key) const;
  /// The pool's servers to use now, the preferred one first. Its balance counts what this thread
  /// has lent and lends, which is what keeps servers busy, rather than what is open. What is known
  /// of the servers may be a tick old, unless `anew`. Valid until the next call.
  const std::vector<std::shared_ptr<Server>>& candidates(const std::shared_ptr<Pool>& pool,
                                                         bool anew = false);
  /// Room for one more connection; without a server when there is none.
  static ServerSlot room(const LoanKey& key) { return ServerSlot::take(key.server); }
  /// Waits for whichever comes first: a connection that comes back, or room for a new one. In the
  /// order in which sessions have begun to wait, over all threads. The arguments outlive the task.
  Task<Turn> wait_turn(Waker& waker, const LoanKey& key, const std::shared_ptr<Pool>& pool,
                       LastLoan& last, const Patience& patience);
  /// Takes over what a session has opened in its place of the quota, and lends it to that session.
  /// With min_idle a copy of the credentials is kept, without the password itself.
  std::unique_ptr<LentConnection> lend_new(const LoanKey& key, const std::shared_ptr<Pool>& pool,
                                           LastLoan& last,
                                           std::unique_ptr<ServerConnection> connection,
                                           const Credentials& credentials,
                                           const SessionWishes& wishes);

  /// Nothing is under way on it, and `image` says how its session is. It goes to who waits, becomes
  /// idle, or is closed; its Waker is the lender's from here on.
  void give_back(std::unique_ptr<LentConnection> lent);
  /// It is in doubt: closed without a word.
  void discard(std::unique_ptr<LentConnection> lent);

  /// What is known of the servers has changed, or the topology has.
  void reconsider();
  /// No connection is kept from here on; who waits is still served.
  void drain();
  /// Lets all idle connections go, without a word. For the end of the thread.
  void clear() noexcept;

  Loop& loop() noexcept { return loop_; }
  /// May be read by any thread.
  const Figures& figures() const noexcept { return figures_; }
  Figures& figures() noexcept { return figures_; }

 private:
  friend class LentConnection;
  friend struct LoanGroup;

  /// The servers of a pool, as they were found when somebody looked.
  struct Lineup {
    std::shared_ptr<Pool> pool;
    std::vector<std::shared_ptr<Server>> servers;
    std::uint64_t found_at = 0;  ///< the loop's clock
    bool changes = true;         ///< which one is first, with what is lent
  };
  const std::vector<std::shared_ptr<Server>>& look_up(const std::shared_ptr<Pool>& pool, bool anew);
  void order(Lineup& lineup);

  LoanGroup& group_of(const LoanKey& key, const std::shared_ptr<Pool>& pool);
  std::shared_ptr<Desk> desk_of(const std::shared_ptr<Server>& server);
  std::unique_ptr<LentConnection> take_own(LoanGroup& group, LastLoan& last);
  std::unique_ptr<LentConnection> lend(LoanGroup& group, std::unique_ptr<LentConnection> lent,
                                       LastLoan& last);
  std::unique_ptr<LentConnection> take_over(LoanGroup& group,
                                            std::unique_ptr<ServerConnection> connection,
                                            const SessionWishes& wishes);
  std::unique_ptr<LentConnection> remove_idle(LoanGroup& group, std::size_t at);
  void put_idle(std::unique_ptr<LentConnection> lent);
  bool unfit(LentConnection& lent, CloseReason& why);
  static bool silent(LentConnection& lent);
  static bool still_silent(LentConnection& lent);
  void close(std::unique_ptr<LentConnection> lent, CloseReason why);
  void serve(Desk& desk);
  void give_one_up(Desk& desk);
  std::uint32_t share(std::uint32_t of_all, bool at_least_one) const noexcept;

  // What is done from time to time.
  Task<void> watch();
  void look_at_sockets();
  void maintain();
  void maintain(LoanGroup& group);
  bool judge(LoanGroup& group);
  void close_unneeded(LoanGroup& group);
  bool is_over(const LoanGroup& group) const;
  void follow_topology();
  Task<void> warm();
  LoanGroup* find_cold();
  Task<void> open_one(LoanGroup& group);

  Loop& loop_;
  Services& services_;
  Compressors* compressors_;
  unsigned index_;
  unsigned threads_;
  Figures figures_;
  std::minstd_rand random_;
  bool draining_ = false;
  std::uint64_t topology_version_ = 0;
  std::unordered_map<const Server*, std::shared_ptr<Desk>> desks_;
  std::unordered_map<const Pool*, Lineup> lineups_;
  Lineup* lineup_ = nullptr;  ///< of these the one that was asked for last, most likely the next
  std::unordered_map<LoanKey, std::unique_ptr<LoanGroup>, LoanKeyHash> groups_;
  Waker waker_;       ///< of watch(), and of the idle connections
  Deadline tick_;     ///< of watch()
  Waker warm_waker_;  ///< of warm()
  Task<void> watch_task_;
  Task<void> warm_task_;
};

/// Nothing has come of the server, which has nothing to say between commands: an ERR, or its end.
inline bool Lender::silent(LentConnection& lent) {
  Channel& channel = lent.channel();
  return (!channel.socket.peer_closed() && !channel.readable()) || still_silent(lent);
}

}  // namespace mysqlproxy::lending
