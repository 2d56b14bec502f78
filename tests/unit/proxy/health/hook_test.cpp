#include "proxy/health/hook.hpp"

#include "unit/proxy/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace mysqlproxy;
using namespace mysqlproxy::test;
using Catch::Contains;
using std::chrono::milliseconds;

namespace {

std::string run(const std::vector<std::string>& command,
                const std::vector<std::pair<std::string, std::string>>& variables = {},
                milliseconds longest = milliseconds(10'000)) {
  Loop loop;
  Waker waker(loop);
  std::string result = "nothing";
  const auto all = [&]() -> Task<void> {
    const std::string fault = co_await run_command(loop, waker, command, variables, longest);
    result = fault;
    loop.stop();
  };
  const Task<void> task = all();
  task.start();
  loop.run();
  return result;
}

}  // namespace

TEST_CASE("a program is run without a shell, with its variables", "[health][hook]") {
  const TemporaryFolder folder;
  const std::string out = folder / "out";
  CHECK(run({"/bin/sh", "-c", "printf '%s|%s|%s' \"$1\" \"$SAID\" \"$PATH\" > " + out, "x",
             "one $argument"},
            {{"SAID", "a; b"}, {"PATH", "/bin:/usr/bin"}}) == "");
  CHECK(read_file(out) == "one $argument|a; b|/bin:/usr/bin");
}

TEST_CASE("what went wrong with a program is said", "[health][hook]") {
  CHECK_THAT(run({"/nowhere/program"}), Contains("/nowhere/program: No such file"));
  CHECK(run({"/bin/sh", "-c", "exit 7"}) == "/bin/sh ended with 7");
  CHECK(run({"/bin/sh", "-c", "kill -9 $$"}) == "/bin/sh was ended by signal 9");
  const auto before = std::chrono::steady_clock::now();
  CHECK_THAT(run({"/bin/sh", "-c", "sleep 30 & sleep 30"}, {}, milliseconds(300)),
             Contains("did not end in time"));
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(20));
}
