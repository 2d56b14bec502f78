#include "cli/mysqlprobe/commands.hpp"
#include "cli/mysqlprobe/options.hpp"
#include "cli/mysqlprobe/password_input.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace mysqlprobe {

namespace {

using Command = std::function<Report(const Target&, const Options&)>;

const std::map<std::string, Command>& commands() {
  static const std::map<std::string, Command> table{
      {"conform", conform}, {"greet", greet}, {"hash", hash}, {"login", log_in},  {"ping", ping},
      {"matrix", matrix},   {"storm", storm}, {"tls", tls},   {"verify", verify},
  };
  return table;
}

Report run_one(const Target& target, const Options& options) {
  Report report;
  try {
    report = commands().at(options.command)(target, options);
    report.command = options.command;
    report.target = target.text;
    expect(report, options.expectations);
  } catch (const ProbeError& error) {
    report.fail(error.failure, LoginFacts{});
  } catch (const std::exception& error) {
    report.exit = ExitCode::usage;
    report.failure = Failure{FailureKind::system, options.command, 0, "", error.what()};
  }
  report.command = options.command;
  report.target = target.text;
  return report;
}

int fail(const Options& options, std::string_view why) {
  fmt::print(stderr, "mysqlprobe: {}\n", printable(why));
  return options.style.nagios ? 3 : static_cast<int>(ExitCode::usage);
}

// False, errno saying why, when it did not get out.
bool print(const std::string& text) {
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

int fail_output(const Options& options) {
  return fail(options, fmt::format("standard output: {}", std::strerror(errno)));
}

// Several at a time, printed in the order in which they were given.
class Runner {
 public:
  explicit Runner(const Options& options) : options_(options), done_(options.targets.size()) {}

  int run() {
    const std::size_t workers = std::min<std::size_t>(options_.parallel, options_.targets.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < workers; ++i) threads.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : threads) thread.join();
    return code_;
  }

 private:
  void work() {
    for (;;) {
      const std::size_t i = next_++;
      if (i >= options_.targets.size()) return;
      Report report = run_one(options_.targets[i], options_);
      const std::lock_guard lock(mutex_);
      code_ = std::max(code_,
                       options_.style.nagios ? nagios_code(report) : static_cast<int>(report.exit));
      done_[i] = render(report, options_.style);
      // With --json the packets go where they are in nobody's way.
      if (options_.style.json || options_.style.nagios) std::fputs(report.trace.c_str(), stderr);
      while (printed_ < done_.size() && done_[printed_]) {
        if (!is_cut_ && !print(*done_[printed_])) {
          is_cut_ = true;
          code_ = std::max(code_, fail_output(options_));
        }
        done_[printed_++].emplace();
      }
    }
  }

  const Options& options_;
  std::vector<std::optional<std::string>> done_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  std::size_t printed_ = 0;
  bool is_cut_ = false;
  int code_ = 0;
};

}  // namespace

int run(int argc, char** argv) {
  CommandLine line = parse_command_line(argc, argv);
  Options& options = line.options;
  std::fputs(line.err.c_str(), stderr);
  if (!print(line.out)) return fail_output(options);
  if (line.exit) return static_cast<int>(*line.exit);
  try {
    if (options.asks_password)
      options.password =
          std::make_shared<mysqlwire::crypto::SecretBytes>(password_from_terminal("Password: "));
  } catch (const PasswordError& error) {
    return fail(options, error.what());
  }
  if (!options.password) options.password = std::make_shared<mysqlwire::crypto::SecretBytes>();
  if (options.colour_auto) options.style.colour = ::isatty(STDOUT_FILENO) != 0;
  if (options.command == "verify" || options.command == "hash" || options.list_checks)
    options.targets = {Target{}};
  arm_interrupts();
  return Runner(options).run();
}

}  // namespace mysqlprobe

int main(int argc, char** argv) { return mysqlprobe::run(argc, argv); }
