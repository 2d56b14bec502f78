#include "cli/pcapdecode/decoding.hpp"

#include "cli/common/text.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>

namespace pcapdecode {

using namespace mysqlwire::capture;
using namespace cli;

namespace {

const Captures* waiting = nullptr;

// Those that come to an end by themselves are read to it.
void interrupt(int) {
  if (waiting == nullptr) return;
  for (const auto& capture : waiting->all())
    if (capture->waits()) capture->interrupt();
}

// While a capture that may have no end is read, an interrupt is its end.
class Interruption {
 public:
  explicit Interruption(const Captures& captures)
      : on_(std::ranges::any_of(captures.all(), [](const auto& one) { return one->waits(); })) {
    if (!on_) return;
    waiting = &captures;
    struct sigaction action{};
    action.sa_handler = interrupt;
    action.sa_flags = SA_RESETHAND;  // a second one ends the program; no restart of what waits
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
  }
  ~Interruption() {
    if (!on_) return;
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    waiting = nullptr;
  }
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

 private:
  bool on_;
};

// How far a long file has been read, on a terminal's standard error.
class ProgressBar {
 public:
  explicit ProgressBar(const Captures& captures)
      : captures_(captures), on_(::isatty(STDERR_FILENO) != 0 && ::isatty(STDOUT_FILENO) == 0) {}
  ~ProgressBar() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
  }
  void update(std::uint64_t frame) {
    constexpr std::uint64_t every = 1 << 16;
    if (!on_ || frame % every != 0) return;
    double done = 0;
    for (const auto& capture : captures_.all()) {
      if (capture->progress() < 0) return;
      done += capture->progress() / static_cast<double>(captures_.all().size());
    }
    shown_ = true;
    constexpr int width = 40;
    const int filled = static_cast<int>(done * width);
    fmt::print(stderr, "\r[{:#>{}}{:>{}}] {:3.0f}%", "", filled, "", width - filled, done * 100);
  }

 private:
  const Captures& captures_;
  bool on_;
  bool shown_ = false;
};

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  try {
    if (file) return std::string(std::istreambuf_iterator<char>(file), {});
  } catch (const std::ios_base::failure&) {  // a folder opens, but can't be read
  }
  throw InputError(path + ": can't be read");
}

}  // namespace

Decoding::Decoding(const Options& options) : options_(options) {
  for (const std::string& path : options.files) captures_.add(Capture::open_file(path));
  if (!options.interface.empty()) captures_.add(Capture::open_interface(options.interface));
  for (const auto& capture : captures_.all()) {
    if (!options.capture_filter.empty()) capture->set_filter(options.capture_filter);
    digits_ = std::max(digits_, capture->digits());
  }
  for (const std::string& path : options.key_logs) {
    key_log_ += text_of(path);
    key_log_ += '\n';
  }
  tools_.key_log().add(key_log_);
}

void Decoding::on_wait(const std::function<void()>& call) {
  for (const auto& capture : captures_.all()) capture->on_wait(call);
}

void Decoding::take_secrets(PacketWriter* packets) {
  for (const auto& capture : captures_.all()) {
    const std::string secrets = capture->take_secrets();
    if (secrets.empty()) continue;
    tools_.key_log().add(secrets);
    if (packets != nullptr && options_.format.redact == Redact::none) packets->add_secrets(secrets);
  }
}

void Decoding::run(Observer& observer, bool expand_parameters,
                   const std::function<bool()>& is_enough, PacketWriter* packets) {
  Onlooker::Options onlooker_options;
  onlooker_options.ports = options_.ports;
  onlooker_options.any_port = options_.any_port;
  onlooker_options.conversation.expand_parameters = expand_parameters;
  Onlooker onlooker(onlooker_options, observer, tools_);
  const Interruption interruption(captures_);
  ProgressBar bar(captures_);
  const Filter& filter = options_.filter;
  std::uint64_t number = 0;
  for (Frame frame; !is_enough() && captures_.next(frame);) {
    ++number;
    take_secrets(packets);
    bar.update(number);
    if (number < filter.first_frame || (filter.from && frame.time < *filter.from) ||
        (filter.to && frame.time > *filter.to))
      continue;
    if (number > filter.last_frame) break;
    if (packets != nullptr) packets->add(frame, number);
    const auto id = onlooker.add(frame.link, frame.bytes, frame.length, {number, frame.time});
    if (packets != nullptr && !id) packets->on_unclaimed();
  }
  onlooker.finish();
  counters_ = onlooker.counters();
}

std::string Decoding::cuts() const {
  std::string text;
  for (const auto& capture : captures_.all()) {
    if (capture->cut().empty()) continue;
    text += fmt::format("pcapdecode: {}: decoded up to where the file is cut: ",
                        to_printable(capture->name()));
    append_printable(text, capture->cut());
    text += '\n';
  }
  return text;
}

}  // namespace pcapdecode
