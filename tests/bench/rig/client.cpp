// The rig's client: point selects in a closed loop, by turns through each of several programs.
//
// All connections are made before anything is measured. Then each program has a slice of some ten
// milliseconds in each round, in an order of chance, so that what else the machine does hits all of
// them alike. Prints a line of JSON for each slice: queries, CPU time of the program by the
// scheduler's clock, and latencies.
#include "session.hpp"

#include <CLI/CLI.hpp>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <vector>

namespace mysqlwire::rig {
namespace {

struct Options {
  Account account;
  std::vector<std::string> targets;
  std::size_t clients = 16;
  std::size_t rounds = 20;
  std::uint64_t seed = 1;
  int slice = 80;  // ms
  bool prepared = false;
};

/// Nanoseconds of CPU that all threads of a process have had; 0 without a process.
std::uint64_t cpu_of(int process) {
  std::uint64_t total = 0;
  if (process == 0) return total;
  const std::filesystem::path tasks = "/proc/" + std::to_string(process) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::uint64_t spent = 0;
    std::ifstream(task.path() / "schedstat") >> spent;
    total += spent;
  }
  return total;
}

/// One of the programs, and the connections through it.
class Target {
 public:
  /// "NAME=PORT:PID"; the process is 0 where there is none to measure.
  Target(const std::string& text, const Options& options)
      : name_(text.substr(0, text.find('='))), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    std::istringstream rest(text.substr(name_.size() + 1));
    std::uint16_t port = 0;
    char colon = 0;
    rest >> port >> colon >> process_;
    for (std::size_t i = 0; i < options.clients; ++i) {
      sessions_.push_back(std::make_unique<Session>(port, options.account));
      Session& session = *sessions_.back();
      session.use_point_select(options.prepared);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &session;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, session.socket(), &event);
    }
  }

  void warm_up() { drive(Clock::now() + std::chrono::milliseconds(50)); }

  void run_slice(std::size_t round, std::chrono::milliseconds length) {
    const std::uint64_t cpu = cpu_of(process_);
    const Clock::time_point start = Clock::now();
    drive(start + length);
    const std::chrono::nanoseconds spent = Clock::now() - start;
    report(round, cpu_of(process_) - cpu, spent);
  }

 private:
  void drive(Clock::time_point end) {
    latencies_.clear();
    for (const auto& session : sessions_) session->send_command();
    std::array<epoll_event, 64> events;
    for (std::size_t open = sessions_.size(); open != 0;) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 10000);
      if (count <= 0) throw std::runtime_error("no answer within ten seconds");
      for (int i = 0; i < count; ++i) {
        Session& session = *static_cast<Session*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (!session.receive()) continue;
        const Clock::time_point now = Clock::now();
        latencies_.push_back(std::chrono::nanoseconds(now - session.sent).count());
        if (now < end)
          session.send_command();
        else
          --open;
      }
    }
  }

  void report(std::size_t round, std::uint64_t cpu, std::chrono::nanoseconds spent) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto percentile = [&](std::size_t percent) {
      return static_cast<double>(latencies_[(latencies_.size() - 1) * percent / 100]) / 1000;
    };
    std::printf(
        "{\"round\": %zu, \"name\": \"%s\", \"queries\": %zu, \"cpu_ns\": %llu, \"wall_ns\": %lld, "
        "\"p50_us\": %.2f, \"p95_us\": %.2f, \"p99_us\": %.2f}\n",
        round, name_.c_str(), latencies_.size(), static_cast<unsigned long long>(cpu),
        static_cast<long long>(spent.count()), percentile(50), percentile(95), percentile(99));
  }

  std::string name_;
  int epoll_;
  int process_ = 0;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<std::int64_t> latencies_;  // ns
};

void run(const Options& options) {
  std::vector<std::unique_ptr<Target>> targets;
  for (const std::string& text : options.targets)
    targets.push_back(std::make_unique<Target>(text, options));
  // Before anything counts, whatever is set up by need is there.
  for (const auto& target : targets) target->warm_up();
  std::mt19937_64 chance(options.seed);
  for (std::size_t round = 0; round < options.rounds; ++round) {
    std::shuffle(targets.begin(), targets.end(), chance);
    for (const auto& target : targets)
      target->run_slice(round, std::chrono::milliseconds(options.slice));
  }
}

}  // namespace
}  // namespace mysqlwire::rig

int main(int count, char** arguments) {
  mysqlwire::rig::Options options;
  CLI::App app("Point selects in a closed loop, by turns through several programs.");
  app.add_option("targets", options.targets, "NAME=PORT:PID of each program")->required();
  app.add_option("--user", options.account.user)->required();
  app.add_option("--password", options.account.password)->envname("RIG_PASSWORD");
  app.add_option("--schema", options.account.schema)->required();
  app.add_option("--clients", options.clients);
  app.add_option("--rounds", options.rounds);
  app.add_option("--slice", options.slice, "milliseconds");
  app.add_option("--seed", options.seed);
  app.add_flag("--prepared", options.prepared);
  CLI11_PARSE(app, count, arguments);
  try {
    mysqlwire::rig::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rig_client: %s\n", error.what());
    return 1;
  }
}
