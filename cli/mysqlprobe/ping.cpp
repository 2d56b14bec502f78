// ping: how long answers take.
#include "cli/mysqlprobe/commands.hpp"
#include "cli/mysqlprobe/query.hpp"

#include <fmt/format.h>

#include <optional>

namespace mysqlprobe {

namespace {

// COM_PING needs a login. Without a user a login is tried and refused: the server answers, and does
// not count it against max_connect_errors, as it does with connections that just go away.
class Pinger {
 public:
  Pinger(const Target& target, const Options& options, Recorder* recorder)
      : target_(target),
        options_(options),
        settings_(settings_for(target, options)),
        anonymous_(!options.has_user && !target.user) {
    settings_.connection.recorder = recorder;
    if (anonymous_) settings_.plan.user = nobody;
  }

  /// One round; its time in ms. Throws ProbeError.
  double round() {
    const Clock::time_point begin = Clock::now();
    if (anonymous_ || options_.by_login) {
      try {
        open();
        login_->connection().quit();
      } catch (const ProbeError& error) {
        if (!anonymous_ || error.failure.kind != FailureKind::err_packet || !facts.responded) throw;
      }
      const double ms = to_ms(Clock::now() - begin);
      login_.reset();
      return ms;
    }
    if (!login_) open();
    const Clock::time_point sent = Clock::now();
    try {
      mysqlprobe::ping(login_->connection(), login_->context());
    } catch (ProbeError& error) {
      error.failure.step = "ping";
      login_.reset();
      throw;
    }
    return to_ms(Clock::now() - sent);
  }

  const char* measured() const {
    return anonymous_ ? "answer" : options_.by_login ? "login" : "ping";
  }

  void end() {
    if (login_) login_->connection().quit();
  }

  LoginFacts facts;
  std::vector<Step> steps;

 private:
  void open() {
    login_.emplace(target_, settings_);
    try {
      login_->run();
    } catch (const ProbeError&) {
      facts = login_->facts();
      steps = login_->steps();
      login_.reset();
      throw;
    }
    facts = login_->facts();
    if (steps.empty()) steps = login_->steps();
    settings_.connection.recorder = nullptr;
  }

  const Target& target_;
  const Options& options_;
  LoginSettings settings_;
  bool anonymous_;
  std::optional<Login> login_;
};

}  // namespace

Report ping(const Target& target, const Options& options) {
  Report report;
  Recorder recorder(options.recorder);
  const bool traced =
      options.recorder.trace || options.recorder.explain || options.recorder.capture;
  Pinger pinger(target, options, traced ? &recorder : nullptr);
  const std::uint64_t count = options.count == 0 ? 1 : options.count;
  std::vector<double> times;
  std::uint64_t sent = 0, lost = 0;
  std::optional<Failure> failure;
  for (std::uint64_t i = 0; i < count && !interrupted(); ++i) {
    if (i != 0 && wait_for(options.interval)) break;
    ++sent;
    try {
      times.push_back(pinger.round());
    } catch (const ProbeError& error) {
      ++lost;
      failure = error.failure;
      if (error.failure.kind == FailureKind::interrupted) break;
    }
  }
  pinger.end();
  report.trace = recorder.text();
  if (!options.write.empty()) recorder.write(options.write);
  report.steps = pinger.steps;
  report.step = "ping";
  if (failure) report.fail(*failure, pinger.facts);

  const Spread all = spread(times);
  const double loss = sent == 0 ? 0 : 100.0 * static_cast<double>(lost) / static_cast<double>(sent);
  Json& found = report.found;
  found["measured"] = pinger.measured();
  found["sent"] = sent;
  found["lost"] = lost;
  found["loss_percent"] = loss;
  if (!times.empty()) {
    found["min_ms"] = all.least;
    found["mean_ms"] = all.mean;
    found["p95_ms"] = all.p95;
    found["max_ms"] = all.most;
    report.lines.push_back(fmt::format("{}  min {:.3f}  mean {:.3f}  p95 {:.3f}  max {:.3f} ms",
                                       pinger.measured(), all.least, all.mean, all.p95, all.most));
  }
  report.lines.push_back(fmt::format("{} sent, {} lost ({:.0f} %)", sent, lost, loss));
  report.summary = times.empty() ? "no answer" : fmt::format("answers in {:.3f} ms", all.mean);
  report.performance = {fmt::format("time={:.3f}ms", all.mean), fmt::format("loss={:.0f}%", loss)};
  return report;
}

}  // namespace mysqlprobe
