#include "cli/common/text.hpp"
#include "cli/pcapdecode/input.hpp"
#include "cli/pcapdecode/options.hpp"
#include "cli/pcapdecode/selection.hpp"
#include "cli/pcapdecode/toolbox.hpp"

#include <mysqlwire/capture/onlooker.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>

namespace pcapdecode {

namespace {

using namespace mysqlwire::capture;

Capture* live = nullptr;

void interrupt(int) {
  if (live != nullptr) live->interrupt();
}

int code(ExitCode exit) { return static_cast<int>(exit); }

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

// Nothing but this connection's formats: decode and print.
int decode(const Options& options) {
  Captures captures;
  Tools tools;
  unsigned digits = 6;
  try {
    for (const std::string& path : options.files) captures.add(Capture::open_file(path));
    if (!options.interface.empty()) captures.add(Capture::open_interface(options.interface));
    for (const auto& capture : captures.all()) {
      if (!options.capture_filter.empty()) capture->set_filter(options.capture_filter);
      digits = std::max(digits, capture->digits());
    }
  } catch (const InputError& error) {
    fmt::print(stderr, "pcapdecode: {}\n", error.what());
    return code(ExitCode::unreadable);
  }
  for (const std::string& path : options.key_logs) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      fmt::print(stderr, "pcapdecode: {}: can't be read\n", path);
      return code(ExitCode::unreadable);
    }
    tools.key_log().add(std::string(std::istreambuf_iterator<char>(file), {}));
  }

  FormatOptions format_options = options.format;
  format_options.digits = digits;
  if (format_options.bar) format_options.colour = ::isatty(STDOUT_FILENO) != 0;
  const bool is_live = !options.interface.empty();
  Output output(stdout, is_live, options.max_records);
  const std::unique_ptr<Format> format = make_format(format_options, output);
  if (!format) {
    fmt::print(stderr, "pcapdecode: unknown format {:?}\n", format_options.format);
    return code(ExitCode::usage);
  }
  Selection selection(options.filter, *format, output);
  Onlooker::Options onlooker_options;
  onlooker_options.ports = options.ports;
  onlooker_options.any_port = options.any_port;
  onlooker_options.conversation.expand_parameters = format->wants_parameters();
  Onlooker onlooker(onlooker_options, selection, tools);

  if (is_live) {
    live = captures.all().front().get();
    std::signal(SIGINT, interrupt);
    std::signal(SIGTERM, interrupt);
  }
  {
    ProgressBar bar(captures);
    const Filter& filter = options.filter;
    std::uint64_t number = 0;
    for (Frame frame; !output.full() && !output.failed() && captures.next(frame);) {
      ++number;
      for (const auto& capture : captures.all())
        if (std::string secrets = capture->take_secrets(); !secrets.empty())
          tools.key_log().add(secrets);
      bar.update(number);
      if (number < filter.first_frame || (filter.from && frame.time < *filter.from) ||
          (filter.to && frame.time > *filter.to))
        continue;
      if (number > filter.last_frame) break;
      onlooker.add(frame.link, frame.bytes, frame.length, {number, frame.time});
    }
    onlooker.finish();
    format->finish();
    output.flush();
  }
  live = nullptr;

  bool is_cut = false;
  for (const auto& capture : captures.all()) {
    if (capture->cut().empty()) continue;
    is_cut = true;
    std::string text;
    append_printable(text, capture->cut());
    fmt::print(stderr, "pcapdecode: {}: decoded up to where the file is cut: {}\n", capture->name(),
               text);
  }
  const Onlooker::Counters& counters = onlooker.counters();
  if (output.full()) return code(ExitCode::decoded);
  if (counters.recognised == 0) {
    std::string hint;
    if (counters.tcp != 0 && !options.any_port) hint = "; other ports: --port N or --any-port";
    fmt::print(stderr, "pcapdecode: no MySQL in {} frames ({} of TCP){}\n", counters.frames,
               counters.tcp, hint);
    return code(ExitCode::no_mysql);
  }
  if (options.strict && (selection.problems() != 0 || is_cut)) return code(ExitCode::problems);
  return code(ExitCode::decoded);
}

}  // namespace

}  // namespace pcapdecode

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);  // quiet when the reader has had enough
  const pcapdecode::CommandLine line = pcapdecode::parse_command_line(argc, argv);
  std::fputs(line.out.c_str(), stdout);
  std::fputs(line.err.c_str(), stderr);
  if (line.exit) return static_cast<int>(*line.exit);
  return pcapdecode::decode(line.options);
}
