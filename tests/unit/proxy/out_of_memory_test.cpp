#include "proxy/app/out_of_memory.hpp"

#include "proxy/cli.hpp"

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>

using namespace mysqlproxy;

namespace {

struct End {
  int status = 0;
  std::string said;  ///< on standard error

  bool is_exit(ExitCode code) const {
    return WIFEXITED(status) && WEXITSTATUS(status) == static_cast<int>(code);
  }
};

/// How a process ends that comes to `event`.
End end_of(const std::function<void()>& event) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    std::set_terminate([] { ::_exit(77); });
    end_when_out_of_memory();
    event();
    ::_exit(78);
  }
  ::close(ends[1]);
  End end;
  std::array<char, 256> buffer{};
  for (ssize_t got = 0; (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    end.said.append(buffer.data(), static_cast<std::size_t>(got));
  ::close(ends[0]);
  REQUIRE(::waitpid(child, &end.status, 0) == child);
  return end;
}

/// Nobody catches what it throws.
void do_uncaught(const std::function<void()>& event) noexcept { event(); }

}  // namespace

TEST_CASE("an allocation that fails ends the process with a line") {
  const End end = end_of([] { std::get_new_handler()(); });
  CHECK(end.is_exit(ExitCode::failure));
  CHECK(end.said == "mysqlproxy: out of memory\n");
}

TEST_CASE("an allocation that fails in a library of C ends it in the same way") {
  const End end = end_of([] { do_uncaught([] { throw std::bad_alloc(); }); });
  CHECK(end.is_exit(ExitCode::failure));
  CHECK(end.said == "mysqlproxy: out of memory\n");
}

TEST_CASE("what else nobody catches ends it as it would without") {
  const End end = end_of([] { do_uncaught([] { throw std::runtime_error("something else"); }); });
  CHECK((WIFEXITED(end.status) && WEXITSTATUS(end.status) == 77));
}
