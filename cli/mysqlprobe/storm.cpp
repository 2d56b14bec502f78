// storm: many logins at once, within the limits that were given.
#include "cli/mysqlprobe/commands.hpp"
#include "cli/mysqlprobe/query.hpp"

#include <fmt/format.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

namespace mysqlprobe {

namespace {

constexpr std::size_t most_times = 1'000'000;  // kept for percentiles

class Storm {
 public:
  Storm(const Target& target, const Options& options)
      : target_(target), options_(options), settings_(settings_for(target, options)) {}

  void run() {
    begin_ = Clock::now();
    end_ = options_.duration.count() > 0 ? begin_ + options_.duration
                                         : begin_ + std::chrono::hours(24);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < options_.connections; ++i) threads.emplace_back([this] { work(); });
    for (std::thread& thread : threads) thread.join();
    seconds_ = to_ms(Clock::now() - begin_) / 1e3;
  }

  void tell(Report& report) const {
    const Spread all = spread(times_);
    const std::uint64_t done = good_ + bad_;
    Json& found = report.found;
    found["logins"] = done;
    found["good"] = good_;
    found["bad"] = bad_;
    found["seconds"] = seconds_;
    found["rate"] = seconds_ > 0 ? static_cast<double>(good_) / seconds_ : 0;
    found["ms"] = {{"min", all.least}, {"mean", all.mean}, {"p50", all.median},
                   {"p95", all.p95},   {"p99", all.p99},   {"max", all.most}};
    found["errors"] = Json::array();
    for (const auto& [kind, count] : errors_)
      found["errors"].push_back({{"step", kind.first}, {"message", kind.second}, {"count", count}});
    const double rate = seconds_ > 0 ? static_cast<double>(good_) / seconds_ : 0;
    report.summary = fmt::format("{} logins in {:.1f} s, {:.0f} a second", good_, seconds_, rate);
    report.lines.push_back(
        fmt::format("min {:.2f}  mean {:.2f}  p50 {:.2f}  p95 {:.2f}  p99 {:.2f}  max {:.2f} ms",
                    all.least, all.mean, all.median, all.p95, all.p99, all.most));
    for (const auto& [kind, count] : errors_)
      report.lines.push_back(fmt::format("{} times: {}: {}", count, kind.first, kind.second));
    report.performance = {fmt::format("rate={:.1f}", rate), fmt::format("p95={:.3f}ms", all.p95),
                          fmt::format("errors={}", bad_)};
    report.step = "storm";
    if (first_) report.fail(*first_, first_facts_);
  }

 private:
  // Waits for this login's turn; false when there is none.
  bool take_turn() {
    const std::uint64_t number = next_++;
    if (options_.count != 0 && number >= options_.count) return false;
    if (interrupted() || Clock::now() >= end_) return false;
    if (options_.rate <= 0) return true;
    const auto turn =
        begin_ + std::chrono::duration_cast<Clock::duration>(
                     std::chrono::duration<double>(static_cast<double>(number) / options_.rate));
    if (turn >= end_) return false;
    return !wait_for(turn - Clock::now());
  }

  void work() {
    while (take_turn()) {
      Login login(target_, settings_);
      const Clock::time_point begin = Clock::now();
      std::optional<Failure> failure;
      try {
        login.run();
      } catch (const ProbeError& error) {
        failure = error.failure;
      } catch (const std::exception& error) {
        failure = Failure{FailureKind::system, "login", 0, "", error.what()};
      }
      const double ms = to_ms(Clock::now() - begin);
      if (!failure) login.connection().quit();
      const std::lock_guard lock(mutex_);
      if (!failure) {
        ++good_;
        if (times_.size() < most_times) times_.push_back(ms);
      } else if (failure->kind != FailureKind::interrupted) {
        ++bad_;
        note(*failure, login.facts());
      }
    }
  }

  void note(const Failure& failure, const LoginFacts& facts) {
    constexpr std::size_t most_kinds = 100;
    // Numbers and addresses in messages would make each error a kind of its own.
    std::string kind = failure.kind == FailureKind::err_packet
                           ? fmt::format("ERROR {} ({})", failure.code, failure.sql_state)
                           : failure.message;
    if (errors_.size() >= most_kinds) kind = "others";
    ++errors_[{failure.step, kind}];
    if (first_) return;
    first_ = failure;
    first_facts_ = facts;
  }

  const Target& target_;
  const Options& options_;
  LoginSettings settings_;
  Clock::time_point begin_;
  Clock::time_point end_;
  double seconds_ = 0;
  std::atomic<std::uint64_t> next_{0};
  std::mutex mutex_;
  std::uint64_t good_ = 0;
  std::uint64_t bad_ = 0;
  std::vector<double> times_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> errors_;
  std::optional<Failure> first_;
  LoginFacts first_facts_;
};

}  // namespace

Report storm(const Target& target, const Options& options) {
  Report report;
  Storm storm(target, options);
  storm.run();
  storm.tell(report);
  return report;
}

}  // namespace mysqlprobe
