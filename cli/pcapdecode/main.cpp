#include "cli/common/text.hpp"
#include "cli/pcapdecode/decoding.hpp"
#include "cli/pcapdecode/diff.hpp"
#include "cli/pcapdecode/options.hpp"
#include "cli/pcapdecode/selection.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>

namespace pcapdecode {

namespace {

int code(ExitCode exit) { return static_cast<int>(exit); }

// Nothing from a command line or a file acts on a terminal.
void complain(std::string_view text) { fmt::print(stderr, "pcapdecode: {}\n", to_printable(text)); }

// A reader that has had enough is none.
int report_unwritten(int error) {
  if (error == EPIPE) return code(ExitCode::decoded);
  complain(fmt::format("standard output: {}", std::strerror(error)));
  return code(ExitCode::unreadable);
}

std::unique_ptr<PacketWriter> make_packet_writer(const Options& options, const Decoding& decoding) {
  if (options.packets_to.empty()) return nullptr;
  auto writer = std::make_unique<PacketWriter>(options.packets_to, options.filter.is_by_exchange(),
                                               decoding.digits());
  if (options.format.redact == Redact::none && !decoding.key_log().empty())
    writer->add_secrets(decoding.key_log());
  return writer;
}

// Packets alone are no text, unless a format is asked for too.
std::unique_ptr<Format> make_wanted_format(const Options& options, const FormatOptions& with,
                                           Output& output) {
  const bool is_silent = !options.packets_to.empty() && !options.format_given;
  return is_silent ? std::make_unique<Format>() : make_format(with, output);
}

int report_end(const Options& options, const Decoding& decoding, const Selection& selection) {
  const std::string cuts = decoding.cuts();
  std::fputs(cuts.c_str(), stderr);
  const auto& counters = decoding.counters();
  if (counters.recognised == 0) {
    std::string hint;
    if (counters.tcp != 0 && !options.any_port) hint = "; other ports: --port N or --any-port";
    fmt::print(stderr, "pcapdecode: no MySQL in {} frames ({} of TCP){}\n", counters.frames,
               counters.tcp, hint);
    return code(ExitCode::no_mysql);
  }
  const bool has_problems = selection.problems() != 0 || !cuts.empty();
  return code(options.strict && has_problems ? ExitCode::problems : ExitCode::decoded);
}

int decode(const Options& options) {
  if (const std::string input = overwritten_input(options); !input.empty()) {
    complain(fmt::format("{}: -w would overwrite what is read from", input));
    return code(ExitCode::usage);
  }
  Decoding decoding(options);
  FormatOptions format_options = options.format;
  format_options.digits = decoding.digits();
  format_options.for_terminal = ::isatty(STDOUT_FILENO) != 0;
  if (format_options.bar) format_options.colour = format_options.for_terminal;
  Output output(stdout, decoding.is_live(), options.max_records);
  decoding.on_wait([&output] { output.flush(); });
  const std::unique_ptr<Format> format = make_wanted_format(options, format_options, output);
  const std::unique_ptr<PacketWriter> packets = make_packet_writer(options, decoding);
  Selection selection(options.filter, *format, output, packets.get());
  decoding.run(
      selection, format->wants_parameters(), [&] { return output.full() || output.failed(); },
      packets.get());
  format->finish();
  output.flush();
  if (packets && !packets->finish()) {
    complain(fmt::format("{}: can't be written", options.packets_to));
    return code(ExitCode::unreadable);
  }
  if (output.failed()) return report_unwritten(output.error());
  if (output.full()) return code(ExitCode::decoded);
  return report_end(options, decoding, selection);
}

int run(const CommandLine& line) {
  std::fputs(line.out.c_str(), stdout);
  std::fputs(line.err.c_str(), stderr);
  if (line.exit) return code(*line.exit);
  return line.options.diff ? code(diff(line.options)) : decode(line.options);
}

}  // namespace

}  // namespace pcapdecode

int main(int argc, char** argv) {
  using namespace pcapdecode;
  std::signal(SIGPIPE, SIG_DFL);  // quiet when the reader has had enough
  try {
    const int result = run(parse_command_line(argc, argv));
    const bool is_written = std::fflush(stdout) == 0;
    return is_written ? result : report_unwritten(errno);
  } catch (const std::runtime_error& error) {  // an InputError, or a file that can't be made
    complain(error.what());
    return code(ExitCode::unreadable);
  }
}
