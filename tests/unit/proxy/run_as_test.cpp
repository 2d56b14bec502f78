#include "proxy/app/run_as.hpp"

#include <catch2/catch.hpp>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

using namespace mysqlproxy;

namespace {

/// What `check` says in a process of its own, since there is no way back.
bool in_child(const std::function<bool()>& check) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(check() ? 0 : 1);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("who is not there nobody becomes, and root is nobody to become") {
  CHECK(run_as("no such user") == "there is no user \"no such user\"");
  CHECK(run_as("root") == "user \"root\" is root");
}

TEST_CASE("root becomes another user for good, and others can't") {
  const passwd* const nobody = ::getpwnam("nobody");
  if (nobody == nullptr) return;
  const uid_t user = nobody->pw_uid;
  const gid_t group = nobody->pw_gid;
  if (::getuid() != 0) {
    CHECK(run_as("nobody").starts_with("can't become user \"nobody\": "));
    return;
  }
  CHECK(in_child([&] {
    if (!run_as("nobody").empty()) return false;
    if (::getuid() != user || ::geteuid() != user || ::getgid() != group) return false;
    gid_t groups[64];
    const int count = ::getgroups(64, groups);
    for (int i = 0; i < count; ++i)
      if (groups[i] == 0) return false;
    // Again changes nothing, and there is no way back or on.
    return run_as("nobody").empty() && ::setuid(0) != 0 && !run_as("root").empty();
  }));
  CHECK(::getuid() == 0);
}
