#include "cli/pcapdecode/decoding.hpp"
#include "cli/pcapdecode/diff.hpp"
#include "cli/pcapdecode/options.hpp"
#include "cli/pcapdecode/selection.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>

namespace pcapdecode {

namespace {

int code(ExitCode exit) { return static_cast<int>(exit); }

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
  Decoding decoding(options);
  FormatOptions format_options = options.format;
  format_options.digits = decoding.digits();
  format_options.for_terminal = ::isatty(STDOUT_FILENO) != 0;
  if (format_options.bar) format_options.colour = format_options.for_terminal;
  Output output(stdout, decoding.is_live(), options.max_records);
  const std::unique_ptr<Format> format = make_wanted_format(options, format_options, output);
  const std::unique_ptr<PacketWriter> packets = make_packet_writer(options, decoding);
  Selection selection(options.filter, *format, output, packets.get());
  decoding.run(
      selection, format->wants_parameters(), [&] { return output.full() || output.failed(); },
      packets.get());
  format->finish();
  output.flush();
  if (packets && !packets->finish()) {
    fmt::print(stderr, "pcapdecode: {}: can't be written\n", options.packets_to);
    return code(ExitCode::unreadable);
  }
  if (output.full()) return code(ExitCode::decoded);
  return report_end(options, decoding, selection);
}

}  // namespace

}  // namespace pcapdecode

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);  // quiet when the reader has had enough
  const pcapdecode::CommandLine line = pcapdecode::parse_command_line(argc, argv);
  std::fputs(line.out.c_str(), stdout);
  std::fputs(line.err.c_str(), stderr);
  if (line.exit) return static_cast<int>(*line.exit);
  try {
    return line.options.diff ? static_cast<int>(pcapdecode::diff(line.options))
                             : pcapdecode::decode(line.options);
  } catch (const std::runtime_error& error) {  // an InputError, or a file that can't be made
    fmt::print(stderr, "pcapdecode: {}\n", error.what());
    return static_cast<int>(pcapdecode::ExitCode::unreadable);
  }
}
