// All of a lender's that have one key, and what a lender has of one server.
#pragma once

#include "proxy/lending/idle_list.hpp"
#include "proxy/lending/lender.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace mysqlproxy::lending {

/// A lender's place among those who have connections to one server.
class Lender::Desk : public Quota::Party, public std::enable_shared_from_this<Desk> {
 public:
  Desk(Lender& owner, std::shared_ptr<Server> its_server)
      : lender(owner), server(std::move(its_server)) {}

  // By any thread, with the quota's lock held.
  void served() noexcept override;
  void give_one_up() noexcept override;

  Lender& lender;
  const std::shared_ptr<Server> server;
  std::vector<LoanGroup*> groups;
  std::uint32_t lent = 0;      ///< now
  std::uint32_t borrowed = 0;  ///< lately
  bool retired = false;        ///< the configuration does not have the server any more
};

/// A session that waits.
class Lender::Ticket : public Quota::Waiter {
 public:
  Ticket(Lender& lender, LoanGroup& group, const std::shared_ptr<Pool>& pool, Waker& waker,
         LastLoan& last);
  ~Ticket();

  /// Begins; may be done at once.
  void enter();
  /// The connection of its thread comes to it.
  void hand(std::unique_ptr<LentConnection> lent);
  /// The quota has decided.
  void collect();
  /// Ends the wait, unless there is a place by now.
  void refuse(Refusal refusal);

  bool done() const noexcept { return done_; }
  LastLoan& last() const noexcept { return last_; }
  const std::shared_ptr<Pool>& pool() const noexcept { return pool_; }
  Turn take() noexcept;

  Ticket* next = nullptr;
  Ticket* previous = nullptr;

 private:
  void leave(Refusal refusal);
  void unlink() noexcept;

  Lender& lender_;
  LoanGroup& group_;
  const std::shared_ptr<Pool>& pool_;
  Waker& waker_;
  LastLoan& last_;
  std::uint64_t began_ = 0;
  Turn turn_;
  bool linked_ = false;
  bool done_ = false;
};

/// What it takes to open one more without a session.
struct WarmMeans {
  Credentials credentials;
  SessionWishes wishes;
};

struct LoanGroup {
  LoanGroup(Lender& owner, LoanKey its_key) : lender(owner), key(std::move(its_key)) {}

  Lender& lender;
  const LoanKey key;
  std::shared_ptr<Lender::Desk> desk;
  std::shared_ptr<Pool> pool;  ///< through which somebody borrowed last
  IdleList<std::unique_ptr<LentConnection>> idle;
  std::uint32_t lent = 0;
  bool left = false;  ///< the server is not its pool's primary any more
  Lender::Ticket* first_waiting = nullptr;
  Lender::Ticket* last_waiting = nullptr;
  std::uint64_t used_at = 0;  ///< the loop's clock
  /// The fewest that were idle since `window_began`: so many were not needed.
  std::size_t fewest_idle = 0;
  std::uint64_t window_began = 0;
  /// Only while min_idle asks for it and somebody has borrowed not too long ago.
  std::unique_ptr<WarmMeans> warm;
  bool warming = false;          ///< one is being opened
  std::uint64_t warm_again = 0;  ///< not before, by the loop's clock
};

}  // namespace mysqlproxy::lending
