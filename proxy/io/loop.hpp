// One data thread's event loop: an edge-triggered epoll set, a coarse clock and an inbox.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace mysqlproxy {

class Loop;
class Socket;

/// Where one coroutine sleeps until any of the things that it cares about happens: a socket of
/// its own became ready, its deadline passed, somebody called notify(). It says that something
/// happened, not what: the coroutine looks at its flags again after each wake-up.
class Waker {
 public:
  explicit Waker(Loop& loop) noexcept : loop_(loop) {}
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  /// Lets the coroutine go on, soon and never from inside this call. Only from the loop's thread.
  void notify() noexcept;

  /// co_await waker.yield(): lets the others on this thread run first.
  class Yield {
   public:
    explicit Yield(Waker& waker) noexcept : waker_(waker) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept {
      waker_.sleeper_ = handle;
      waker_.notify();
    }
    void await_resume() const noexcept {}

   private:
    Waker& waker_;
  };
  Yield yield() noexcept { return Yield(*this); }

  bool await_ready() noexcept {
    const bool pending = pending_;
    pending_ = false;
    return pending;
  }
  void await_suspend(std::coroutine_handle<> handle) noexcept { sleeper_ = handle; }
  void await_resume() const noexcept {}

  /// A deadline of this waker's has passed(): one look, where there are several that seldom do.
  bool alarmed() const noexcept { return alarms_ != 0; }

 private:
  friend class Loop;
  friend class Deadline;
  void resume() noexcept;

  Loop& loop_;
  std::coroutine_handle<> sleeper_;
  bool pending_ = false;
  bool queued_ = false;
  std::uint32_t alarms_ = 0;  ///< deadlines that have passed and are left so
};

/// A point in coarse time at which a Waker, which outlives it, is notified. Setting and clearing
/// cost a few instructions and no system call; precision is the loop's. One that is set and cleared
/// for each command stays where it hangs meanwhile, and is moved once its time there comes: its
/// neighbours, in other sessions' memory, are left alone.
class Deadline {
 public:
  Deadline(Loop& loop, Waker& waker) noexcept : loop_(loop), waker_(waker) {}
  ~Deadline() {
    unlink();
    forget();
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void set(std::chrono::milliseconds from_now) noexcept;
  void clear() noexcept;
  bool is_set() const noexcept { return due_ != 0; }
  /// True from the moment it passed until the next set() or clear().
  bool passed() const noexcept { return passed_; }
  Loop& loop() const noexcept { return loop_; }

 private:
  friend class Loop;
  Deadline*& bucket() const noexcept;
  void link() noexcept;
  void unlink() noexcept;
  void check(std::uint64_t tick) noexcept;
  void forget() noexcept {
    if (std::exchange(passed_, false)) --waker_.alarms_;
  }

  bool passed_ = false;
  std::uint64_t due_ = 0;  ///< coarse milliseconds; 0: not set
  std::uint64_t at_ = 0;   ///< where it hangs in the wheel, never behind `due_`; 0: nowhere
  Loop& loop_;
  Waker& waker_;
  Deadline* next_ = nullptr;
  Deadline* previous_ = nullptr;
};

/// The event loop of one data thread. Everything that belongs to it is touched by its thread only,
/// except post() and stop().
class Loop {
 public:
  static constexpr std::size_t scratch_size = 64 * 1024;
  static constexpr std::chrono::milliseconds tick{100};

  /// Deadlines pass up to `precision` late.
  explicit Loop(std::chrono::milliseconds precision = tick);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop().
  void run();
  /// Ends run() after the batch under way. Any thread.
  void stop();
  /// Runs `work` on the loop's thread. Any thread.
  void post(std::function<void()> work);

  /// The thread's buffer for reading. What is in it is gone after the next suspension.
  std::span<std::uint8_t> scratch() noexcept { return *scratch_; }
  /// Milliseconds of the monotonic clock, as of the start of this batch of events.
  std::uint64_t now() const noexcept { return now_; }
  /// Nanoseconds of the monotonic clock. Read once for all that happens in one batch: what came
  /// with it came at the same time, whoever has its turn first.
  std::int64_t precise_now() noexcept {
    if (precise_now_ == 0) read_precise_clock();
    return precise_now_;
  }

  /// Destroys `owned` after the batch of events under way, when no event can still name it.
  template <class T>
  void bury(std::unique_ptr<T> owned) {
    graves_.push_back(std::shared_ptr<void>(std::move(owned)));
  }

 private:
  friend class Waker;
  friend class Deadline;
  friend class Socket;

  void watch(Socket& socket);
  int patience() noexcept;
  void look_for_due_tick() noexcept;
  void run_ready();
  void run_posted();
  void check_deadlines();
  void refresh_clock() noexcept;
  void read_precise_clock() noexcept;
  std::uint64_t current_tick() const noexcept { return now_ / precision_; }

  const std::uint64_t precision_;  ///< how many milliseconds a tick has
  int epoll_ = -1;
  int event_ = -1;  ///< eventfd that post() and stop() write
  std::unique_ptr<std::array<std::uint8_t, scratch_size>> scratch_;
  std::vector<Waker*> ready_;
  std::vector<Waker*> running_;
  std::vector<std::shared_ptr<void>> graves_;
  /// Deadlines by the tick that they fall in, modulo the wheel's size.
  std::array<Deadline*, 1024> wheel_{};
  std::size_t deadlines_ = 0;  ///< how many hang there
  /// By so many milliseconds now_ may lag behind the time by which the kernel wakes: waking earlier
  /// would be in vain.
  std::uint64_t coarseness_ = 0;
  std::uint64_t now_ = 0;
  std::int64_t precise_now_ = 0;  ///< 0: not read yet for this batch
  std::uint64_t tick_ = 0;        ///< the last one that was checked
  /// Before this one no deadline falls; looked for anew when it has come.
  std::uint64_t due_tick_ = 0;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace mysqlproxy
