#include "proxy/io/task.hpp"

#include "proxy/io/loop.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace mysqlproxy;

namespace {

/// Counts what is built and what is destroyed: a compiler that does one of them twice is caught.
struct Counted {
  explicit Counted(int& balance) : balance_(&balance) { ++*balance_; }
  Counted(const Counted& other) : balance_(other.balance_) { ++*balance_; }
  Counted(Counted&& other) noexcept : balance_(other.balance_) { ++*balance_; }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) = default;
  ~Counted() { --*balance_; }

 private:
  int* balance_;
};

Task<int> number(Waker& waker, int value) {
  co_await waker.yield();
  co_return value;
}

Task<std::unique_ptr<int>> owned(Waker& waker, int value) {
  co_await waker.yield();
  co_return std::make_unique<int>(value);
}

Task<int> with_locals(Waker& waker, int& balance, Counted by_value) {
  const Counted local(balance);
  co_await waker.yield();
  const Counted later = by_value;
  co_await waker.yield();
  co_return balance;
}

/// Every shape that the data path uses.
Task<void> shapes(Waker& waker, Loop& loop, int& balance, std::vector<int>& got) {
  const int initialised = co_await number(waker, 1);
  got.push_back(initialised);
  int assigned = 0;
  assigned = co_await number(waker, 2);
  got.push_back(assigned);
  bool goes_on = true;
  while (goes_on) goes_on = co_await number(waker, 0) != 0;
  if (!goes_on) co_await number(waker, 3);
  for (int i = 4; i < 7; ++i) {
    const auto one = co_await owned(waker, i);
    got.push_back(*one);
  }
  const int seen = co_await with_locals(waker, balance, Counted(balance));
  got.push_back(seen);
  loop.stop();
}

/// Sleeps for ever, with something in its frame.
Task<void> sleeper(Waker& waker, Counted) { co_await waker; }
Task<void> nested(Waker& waker, int& balance) {
  const Counted local(balance);
  co_await sleeper(waker, Counted(balance));
}

Task<void> count_wakes(Waker& waker, int& wakes) {
  for (;;) {
    co_await waker;
    ++wakes;
  }
}

}  // namespace

TEST_CASE("tasks hand back what they return, in every shape in use", "[task]") {
  Loop loop;
  Waker waker(loop);
  int balance = 0;
  std::vector<int> got;
  {
    const Task<void> task = shapes(waker, loop, balance, got);
    CHECK(got.empty());  // not before it is started
    task.start();
    loop.run();
    CHECK(task.done());
  }
  // The parameter's argument, the parameter, the local and its copy, at most; and none is left.
  REQUIRE(got.size() == 6);
  CHECK((got[0] == 1 && got[1] == 2 && got[2] == 4 && got[3] == 5 && got[4] == 6));
  CHECK(got[5] >= 3);
  CHECK(balance == 0);
}

TEST_CASE("a task that is destroyed while it sleeps takes all below it along", "[task]") {
  Loop loop;
  Waker waker(loop);
  int balance = 0;
  {
    const Task<void> task = nested(waker, balance);
    task.start();
    CHECK(balance >= 2);
    CHECK_FALSE(task.done());
  }
  CHECK(balance == 0);
}

TEST_CASE("a moved task is the same task", "[task]") {
  Loop loop;
  Waker waker(loop);
  int balance = 0;
  Task<void> first = nested(waker, balance);
  first.start();
  Task<void> second(std::move(first));
  CHECK_FALSE(second.done());
  second = nested(waker, balance);  // the old one ends here
  second.start();
  CHECK(balance >= 2);
}

TEST_CASE("a waker that is told twice wakes once, and forgets nothing", "[waker]") {
  Loop loop;
  Waker waker(loop);
  int wakes = 0;
  waker.notify();  // before anybody sleeps: the first sleep does not last
  const Task<void> task = count_wakes(waker, wakes);
  task.start();
  CHECK(wakes == 1);
  waker.notify();
  waker.notify();
  CHECK(wakes == 1);  // never from inside notify()
  loop.post([&] { loop.stop(); });
  loop.run();
  CHECK(wakes == 2);
}

TEST_CASE("what is buried is destroyed behind the batch, and a queued waker with it", "[loop]") {
  struct Sleeping {
    explicit Sleeping(Loop& loop, int& count) : waker(loop), counted(count) {}
    Waker waker;
    Counted counted;
  };
  Loop loop;
  int balance = 0;
  loop.post([&] {
    auto owned_here = std::make_unique<Sleeping>(loop, balance);
    owned_here->waker.notify();
    loop.bury(std::move(owned_here));
    CHECK(balance == 1);
  });
  loop.post([&] { loop.stop(); });
  loop.run();
  CHECK(balance == 0);
}
