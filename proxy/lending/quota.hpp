// How many connections to one server there may be, and who is next when there are no more.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

namespace mysqlproxy::lending {

/// Why somebody who wanted a connection gets none.
enum class Refusal : std::uint8_t {
  none,
  queue_full,
  timed_out,
  server_down,
  server_gone,  ///< a reload took it away, or it is not the primary any more
  client_left,
  given_up,  ///< by the session itself
};
inline constexpr std::size_t refusals = 7;
std::string_view to_string(Refusal refusal) noexcept;

/// The places of one server's connections, over all threads. Any thread, but for what is said of a
/// Waiter. Takes a lock when a connection is opened or closed and when somebody waits, and never
/// when one is lent or returned in between.
///
/// A place that becomes free while somebody waits goes to who has waited longest and is never free
/// for others in between.
class Quota {
 public:
  /// How much longer than one's own sessions somebody else may have waited before a connection that
  /// comes back is closed for his sake.
  static constexpr std::uint64_t patience_ms = 100;
  static constexpr std::uint64_t nobody = UINT64_MAX;

  class Waiter;

  /// One data thread, as the others see it. Its functions are called with the quota's lock held, by
  /// any thread: they may only pass the word on.
  class Party {
   public:
    Party() = default;
    Party(const Party&) = delete;
    Party& operator=(const Party&) = delete;
    virtual ~Party() = default;

    /// One or more of its waiters have been served: see collect().
    virtual void served() noexcept = 0;
    /// Somebody waits while it has idle connections: it should close one, or when it has none left
    /// call ask_another().
    virtual void give_one_up() noexcept = 0;

    /// How many idle connections it has. Set by its own thread, before it looks at waiting().
    std::atomic<std::uint32_t> idle = 0;

   private:
    friend class Quota;
    Waiter* first_served_ = nullptr;
    Waiter* last_served_ = nullptr;
  };

  /// Somebody who wants a place. Lives where it waits, on one thread; leave() before it goes.
  class Waiter {
   public:
    Waiter() = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    /// By the coarse monotonic clock, in milliseconds.
    std::uint64_t since() const noexcept { return since_; }

   private:
    friend class Quota;
    enum class State : std::uint8_t { out, queued, granted, refused };
    Party* party_ = nullptr;
    Waiter* next_ = nullptr;
    Waiter* previous_ = nullptr;
    std::uint64_t since_ = 0;
    State state_ = State::out;
    Refusal refusal_ = Refusal::none;
  };

  /// What came of a waiter.
  struct Outcome {
    bool place = false;  ///< it has one, which release() gives back
    Refusal refusal = Refusal::none;
  };

  /// `most` places; 0: as many as anybody wants.
  explicit Quota(std::uint32_t most) noexcept : most_(most) {}
  Quota(const Quota&) = delete;
  Quota& operator=(const Quota&) = delete;

  /// A place, if there is one.
  bool try_take();
  /// Gives a place back.
  void release() noexcept;

  std::uint32_t most() const noexcept { return most_; }
  std::uint32_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }
  /// How many wait. A party that has told of its idle ones before it asks misses nobody.
  std::uint32_t waiting() const noexcept { return waiting_.load(); }
  /// Since when who has waited longest does; `nobody`.
  std::uint64_t waiting_since() const noexcept {
    return waiting_since_.load(std::memory_order_relaxed);
  }

  void join(Party& party);
  /// Nothing of `party` is called any more. Its waiters have left before.
  void part(Party& party) noexcept;

  /// Begins to wait, at the end of the queue, when nothing is said to the contrary at once: a place
  /// that is free, or a refusal. Neither: `waiter` is queued, and a party with idle connections has
  /// been asked for one. `queue_limit` 0: any number may wait.
  Outcome enter(Waiter& waiter, Party& party, std::uint32_t queue_limit, std::uint64_t now);
  /// Ends the wait, whatever has come of it: a place that was granted meanwhile is the caller's.
  Outcome leave(Waiter& waiter) noexcept;
  /// The next of the party's waiters that has been served, or null. It has to leave() then.
  Waiter* collect(Party& party) noexcept;
  /// For who was asked to give one up and has none: somebody else is asked, if need be.
  void ask_another();

  /// Says that the server is down, which all who wait are told, or that it is not.
  void set_down(bool down) noexcept;
  bool down() const noexcept { return down_.load(std::memory_order_relaxed); }

 private:
  struct List {
    Waiter* first = nullptr;
    Waiter* last = nullptr;
  };
  void append(Waiter*& first, Waiter*& last, Waiter& waiter) noexcept;
  void remove(Waiter*& first, Waiter*& last, Waiter& waiter) noexcept;
  void queue_changed() noexcept;
  void serve(Waiter& waiter, Outcome outcome) noexcept;
  void ask() noexcept;

  const std::uint32_t most_;
  std::atomic<std::uint32_t> taken_ = 0;
  std::atomic<std::uint32_t> waiting_ = 0;
  std::atomic<std::uint64_t> waiting_since_ = nobody;
  std::atomic<bool> down_ = false;
  std::mutex mutex_;
  List queue_;
  std::vector<Party*> parties_;
};

}  // namespace mysqlproxy::lending
