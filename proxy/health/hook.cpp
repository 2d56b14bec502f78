#include "proxy/health/hook.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace mysqlproxy {

namespace {

/// A child that does not outlive this.
struct Child {
  pid_t pid = -1;

  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { kill(); }

  void kill() noexcept {
    if (pid <= 0) return;
    ::kill(-pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid = -1;
  }
};

/// Ours, with those in the place of the same names.
std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> all;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view text(*one);
    const auto same = [&](const auto& variable) {
      return text.starts_with(variable.first) &&
             text.substr(variable.first.size()).starts_with('=');
    };
    if (std::ranges::none_of(variables, same)) all.emplace_back(text);
  }
  for (const auto& [name, value] : variables) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

/// 0 or an errno.
int spawn(Child& child, std::vector<std::string> command, std::vector<std::string> environment) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  ::posix_spawnattr_setsigmask(&attributes, &defaults);
  ::sigaddset(&defaults, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  const auto arguments = pointers(command);
  const auto variables = pointers(environment);
  const int error = ::posix_spawn(&child.pid, command[0].c_str(), &files, &attributes,
                                  arguments.data(), variables.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  if (error != 0) child.pid = -1;
  return error;
}

}  // namespace

Task<std::string> run_command(Loop& loop, Waker& waker, const std::vector<std::string>& command,
                              const std::vector<std::pair<std::string, std::string>>& variables,
                              std::chrono::milliseconds longest) {
  Child child;
  const int error = spawn(child, command, environment_with(variables));
  if (error != 0) co_return fmt::format("{}: {}", command[0], std::strerror(error));
  Deadline deadline(loop, waker);
  deadline.set(longest);
  int status = 0;
  while (::waitpid(child.pid, &status, WNOHANG) == 0) {
    if (deadline.passed()) {
      child.kill();
      co_return fmt::format("{} did not end in time and was killed", command[0]);
    }
    Deadline pause(loop, waker);
    pause.set(Loop::tick);
    while (!pause.passed() && !deadline.passed()) co_await waker;
  }
  child.pid = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) co_return std::string();
  if (WIFEXITED(status)) co_return fmt::format("{} ended with {}", command[0], WEXITSTATUS(status));
  co_return fmt::format("{} was ended by signal {}", command[0], WTERMSIG(status));
}

}  // namespace mysqlproxy
