#include "proxy/lending/quota.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <vector>

using namespace mysqlproxy::lending;

namespace {

/// Writes down what it is told.
class Noted : public Quota::Party {
 public:
  void served() noexcept override { ++told; }
  void give_one_up() noexcept override { ++asked; }

  unsigned told = 0;
  unsigned asked = 0;
};

}  // namespace

TEST_CASE("a place that becomes free goes to who has waited longest", "[lending][quota]") {
  Quota quota(1);
  Noted one;
  Noted two;
  quota.join(one);
  quota.join(two);
  REQUIRE(quota.try_take());
  CHECK_FALSE(quota.try_take());
  Quota::Waiter first;
  Quota::Waiter second;
  Quota::Waiter third;
  CHECK(quota.waiting_since() == Quota::nobody);
  CHECK_FALSE(quota.enter(first, one, 3, 1000).place);
  CHECK_FALSE(quota.enter(second, two, 3, 1001).place);
  CHECK_FALSE(quota.enter(third, one, 3, 1002).place);
  CHECK(quota.waiting() == 3);
  CHECK(quota.waiting_since() == 1000);
  Quota::Waiter too_many;
  CHECK(quota.enter(too_many, two, 3, 1003).refusal == Refusal::queue_full);

  quota.release();
  CHECK(quota.taken() == 1);
  CHECK(one.told == 1);
  CHECK(quota.waiting_since() == 1001);
  CHECK(quota.collect(two) == nullptr);
  CHECK(quota.collect(one) == &first);
  CHECK(quota.collect(one) == nullptr);
  CHECK(quota.leave(first).place);

  // Who leaves is skipped.
  CHECK_FALSE(quota.leave(second).place);
  quota.release();
  CHECK(two.told == 0);
  CHECK(quota.collect(one) == &third);
  CHECK(quota.leave(third).place);
  CHECK(quota.waiting_since() == Quota::nobody);
  quota.release();
  CHECK(quota.taken() == 0);
  // Who has left already has nothing.
  CHECK_FALSE(quota.leave(third).place);
}

TEST_CASE("a place that was granted and not yet heard of is found by who leaves",
          "[lending][quota]") {
  Quota quota(1);
  Noted party;
  REQUIRE(quota.try_take());
  Quota::Waiter waiter;
  quota.enter(waiter, party, 0, 1);
  quota.release();
  CHECK(quota.leave(waiter).place);
  CHECK(quota.collect(party) == nullptr);
  quota.release();
  CHECK(quota.taken() == 0);
}

TEST_CASE("who has idle connections is asked for one", "[lending][quota]") {
  Quota quota(3);
  Noted few;
  Noted many;
  Noted none;
  few.idle = 1;
  many.idle = 2;
  for (Noted* party : {&few, &many, &none}) quota.join(*party);
  while (quota.try_take()) {
  }
  Quota::Waiter waiter;
  quota.enter(waiter, none, 0, 1);
  CHECK(many.asked == 1);
  CHECK(few.asked == 0);
  // It has lent them in the meantime.
  many.idle = 0;
  quota.ask_another();
  CHECK(few.asked == 1);
  few.idle = 0;
  quota.ask_another();
  CHECK(few.asked == 1);
  CHECK(none.asked == 0);
  quota.leave(waiter);
  few.idle = 1;
  quota.ask_another();
  CHECK(few.asked == 1);
  quota.part(few);
}

TEST_CASE("nobody waits for a server that is down", "[lending][quota]") {
  Quota quota(1);
  Noted party;
  REQUIRE(quota.try_take());
  Quota::Waiter before;
  quota.enter(before, party, 0, 1);
  quota.set_down(true);
  CHECK(party.told == 1);
  CHECK(quota.waiting() == 0);
  REQUIRE(quota.collect(party) == &before);
  CHECK(quota.leave(before).refusal == Refusal::server_down);
  Quota::Waiter after;
  CHECK(quota.enter(after, party, 0, 1).refusal == Refusal::server_down);
  quota.set_down(false);
  CHECK(quota.enter(after, party, 0, 1).refusal == Refusal::none);
  quota.leave(after);
}

TEST_CASE("without a limit everybody has a place", "[lending][quota]") {
  Quota quota(0);
  for (int i = 0; i < 1000; ++i) REQUIRE(quota.try_take());
  Noted party;
  Quota::Waiter waiter;
  CHECK(quota.enter(waiter, party, 1, 0).place);
  CHECK(quota.taken() == 1001);
}

namespace {

/// Threads, connections and sessions that wait, step by step in any order; what is posted arrives
/// whenever it likes. Each connection is idle at its thread, or lent.
class Simulation {
 public:
  explicit Simulation(unsigned seed)
      : random_(seed), quota_(1 + static_cast<std::uint32_t>(pick(6))) {
    const std::size_t threads = 1 + pick(4);
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.push_back(std::make_unique<Thread>(*this));
      quota_.join(*threads_.back());
    }
  }

  void step() {
    ++now_;
    Thread& thread = *threads_[pick(threads_.size())];
    switch (pick(9)) {
      case 0:
      case 1: want(thread); break;
      case 2:
      case 3: give_back(thread); break;
      case 4: leave(thread); break;
      case 5: close_lent(thread); break;
      case 6: thread.deliver(); break;
      case 7: close_idle(thread); break;
      default:
        if (pick(40) == 0) quota_.set_down(!quota_.down());
    }
    check();
  }

  /// Everything comes back and all waits end: nothing may be left over.
  void end() {
    quota_.set_down(false);
    // With nobody giving up, every wait has to end by a place as long as connections come back.
    for (int round = 0; round < 10'000 && anybody_waits(); ++round) {
      ++now_;
      for (const auto& thread : threads_) {
        thread->deliver();
        give_back(*thread);
      }
      check();
    }
    REQUIRE_FALSE(anybody_waits());
    for (const auto& thread : threads_) {
      thread->deliver();
      while (thread->lent != 0) close_lent(*thread);
      while (thread->idle != 0) close_idle(*thread);
      quota_.part(*thread);
    }
    CHECK(quota_.taken() == 0);
    CHECK(quota_.waiting() == 0);
  }

  unsigned places_granted = 0;
  unsigned refused = 0;

 private:
  struct Session : Quota::Waiter {
    bool waits = true;
  };
  struct Thread : Quota::Party {
    explicit Thread(Simulation& owner) : simulation(owner) {}
    void served() noexcept override { inbox.push_back(true); }
    void give_one_up() noexcept override { inbox.push_back(false); }

    void deliver() {
      while (!inbox.empty()) {
        const bool is_served = inbox.front();
        inbox.pop_front();
        if (is_served)
          simulation.collect(*this);
        else if (simulation.quota_.waiting() != 0)
          simulation.give_one_up(*this);
      }
    }

    Simulation& simulation;
    std::deque<bool> inbox;
    unsigned lent = 0;
    std::deque<std::unique_ptr<Session>> waiting;  // in the order in which they came
  };

  std::size_t pick(std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_);
  }
  bool anybody_waits() const {
    return std::ranges::any_of(threads_, [](const auto& one) { return !one->waiting.empty(); });
  }

  void want(Thread& thread) {
    if (thread.idle != 0) {
      --thread.idle;
      ++thread.lent;
      return;
    }
    auto session = std::make_unique<Session>();
    const auto outcome = quota_.enter(*session, thread, 12, now_);
    if (outcome.place) {
      ++thread.lent;
    } else if (outcome.refusal == Refusal::none) {
      thread.waiting.push_back(std::move(session));
    } else {
      ++refused;
    }
  }

  /// As a lender does.
  void give_back(Thread& thread) {
    if (thread.lent == 0) return;
    if (!thread.waiting.empty()) {
      Session& next = *thread.waiting.front();
      const auto oldest = quota_.waiting_since();
      if (oldest != Quota::nobody && oldest + Quota::patience_ms < next.since())
        return close_lent(thread);
      if (quota_.leave(next).place) quota_.release();
      thread.waiting.pop_front();
      return;  // lent again
    }
    --thread.lent;
    ++thread.idle;
    if (quota_.waiting() != 0) give_one_up(thread);
  }

  void give_one_up(Thread& thread) {
    if (thread.idle == 0) return quota_.ask_another();
    close_idle(thread);
  }
  void close_idle(Thread& thread) {
    if (thread.idle == 0) return;
    --thread.idle;
    quota_.release();
  }
  void close_lent(Thread& thread) {
    if (thread.lent == 0) return;
    --thread.lent;
    quota_.release();
  }

  void leave(Thread& thread) {
    if (thread.waiting.empty()) return;
    const auto at =
        thread.waiting.begin() + static_cast<std::ptrdiff_t>(pick(thread.waiting.size()));
    if (quota_.leave(**at).place) quota_.release();
    thread.waiting.erase(at);
  }

  void collect(Thread& thread) {
    while (Quota::Waiter* const waiter = quota_.collect(thread)) {
      const auto at = std::ranges::find_if(thread.waiting,
                                           [&](const auto& one) { return one.get() == waiter; });
      REQUIRE(at != thread.waiting.end());
      const auto outcome = quota_.leave(*waiter);
      CHECK(outcome.place != (outcome.refusal != Refusal::none));
      if (outcome.place) ++thread.lent;
      (outcome.place ? places_granted : refused) += 1;
      thread.waiting.erase(at);
    }
  }

  void check() {
    unsigned connections = 0;
    std::size_t waiting = 0;
    bool told = false;
    for (const auto& thread : threads_) {
      connections += thread->lent + thread->idle;
      waiting += thread->waiting.size();
      told = told || !thread->inbox.empty();
    }
    REQUIRE(connections <= quota_.most());
    REQUIRE(connections <= quota_.taken());
    REQUIRE(quota_.taken() <= quota_.most());
    REQUIRE(quota_.waiting() <= waiting);
    // Those that nobody will wake: idle connections, somebody who waits, and no word on its way.
    const bool idle = std::ranges::any_of(threads_, [](const auto& one) { return one->idle != 0; });
    if (quota_.waiting() != 0 && idle) REQUIRE(told);
  }

  std::mt19937 random_;
  Quota quota_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::uint64_t now_ = 1;
};

}  // namespace

TEST_CASE("a quota in any order of events: no place is lost, none is made, nobody is forgotten",
          "[lending][quota]") {
  unsigned granted = 0;
  unsigned refused = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Simulation simulation(seed);
    for (int i = 0; i < 400; ++i) simulation.step();
    simulation.end();
    granted += simulation.places_granted;
    refused += simulation.refused;
  }
  CHECK(granted > 200);
  CHECK(refused > 200);
}

namespace {

/// A data thread reduced to its inbox.
class Worker : public Quota::Party {
 public:
  explicit Worker(Quota& quota) : quota_(quota) { quota_.join(*this); }
  ~Worker() override { quota_.part(*this); }

  void served() noexcept override {
    const std::lock_guard lock(mutex_);
    news_ = true;
    wake_.notify_one();
  }
  void give_one_up() noexcept override {}

  /// Takes places and gives them back, `rounds` times; `open` counts those of all threads.
  void work(int rounds, std::atomic<int>& open, std::atomic<int>& most_open) {
    for (int i = 0; i < rounds; ++i) {
      Quota::Waiter waiter;
      bool place = quota_.enter(waiter, *this, 0, static_cast<std::uint64_t>(i)).place;
      if (!place) {
        // Every third one is impatient.
        if (i % 3 != 0) wait();
        place = quota_.leave(waiter).place;
        while (quota_.collect(*this) != nullptr) {
        }
      }
      if (!place) continue;
      const int now = ++open;
      int seen = most_open;
      while (now > seen && !most_open.compare_exchange_weak(seen, now)) {
      }
      --open;
      quota_.release();
    }
  }

 private:
  void wait() {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, std::chrono::seconds(5), [this] { return news_; });
    news_ = false;
  }

  Quota& quota_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool news_ = false;
};

}  // namespace

TEST_CASE("threads that share a quota", "[lending][quota]") {
  Quota quota(2);
  std::atomic<int> open = 0;
  std::atomic<int> most_open = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { Worker(quota).work(500, open, most_open); });
  for (auto& thread : threads) thread.join();
  CHECK(most_open <= 2);
  CHECK(most_open >= 1);
  CHECK(quota.taken() == 0);
  CHECK(quota.waiting() == 0);
}
