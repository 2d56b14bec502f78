#include "proxy/io/loop.hpp"

#include "proxy/io/task.hpp"

#include <catch2/catch.hpp>
#include <sys/resource.h>

#include <chrono>

using namespace mysqlproxy;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

Task<void> wait_for(Loop& loop, Waker& waker, Deadline& deadline) {
  while (!deadline.passed()) co_await waker;
  loop.stop();
}

/// How long a loop takes that has nothing but this deadline.
Clock::duration time_of(std::chrono::milliseconds from_now) {
  Loop loop;
  Waker waker(loop);
  Deadline deadline(loop, waker);
  const auto begin = Clock::now();
  deadline.set(from_now);
  const Task<void> task = wait_for(loop, waker, deadline);
  task.start();
  loop.run();
  CHECK(deadline.passed());
  CHECK_FALSE(deadline.is_set());
  return Clock::now() - begin;
}

long context_switches() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

}  // namespace

TEST_CASE("a deadline passes in its time, near or further than a look ahead", "[loop]") {
  for (const auto wanted : {0ms, 250ms, 1700ms}) {
    const auto before = context_switches();
    const auto taken = time_of(wanted);
    // By the coarse clock, which is some milliseconds behind.
    CHECK(taken >= wanted - 20ms);
    CHECK(taken < wanted + 1000ms);
    // A sleeping loop is asleep, and does not look at the clock at every tick.
    CHECK(context_switches() - before < 10);
  }
}

TEST_CASE("a deadline can be put off and called off", "[loop]") {
  Loop loop;
  Waker waker(loop);
  Deadline early(loop, waker);
  Deadline late(loop, waker);
  early.set(100ms);
  late.set(300ms);
  early.set(60000ms);
  CHECK(early.is_set());
  const Task<void> task = wait_for(loop, waker, late);
  task.start();
  loop.run();
  CHECK_FALSE(early.passed());
  early.clear();
  CHECK_FALSE(early.is_set());
}

TEST_CASE("what is posted runs on the loop, in order, and a stop is heeded", "[loop]") {
  Loop loop;
  int order = 0;
  loop.post([&] { CHECK(++order == 1); });
  loop.post([&] { CHECK(++order == 2); });
  loop.post([&] { loop.stop(); });
  loop.run();
  CHECK(order == 2);
}
