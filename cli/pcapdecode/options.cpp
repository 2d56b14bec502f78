#include "cli/pcapdecode/options.hpp"

#include "cli/common/text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <re2/re2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <limits>

namespace pcapdecode {

namespace {

constexpr const char* footer =
    R"(Times are UTC: seconds since the epoch, or 2024-05-01T12:00:00.

Exit codes: 0 decoded, 1 problems found (with --strict) or a difference (--diff), 2 usage, 3 a file can't be read
or is no capture, or the output can't be written, 4 no MySQL in it.)";

// Types of JSON objects.
constexpr std::array<std::string_view, 24> json_types{
    "connection",  "connection_end", "greeting",      "ssl_request",  "tls",         "login",
    "auth_switch", "auth_more",      "auth_response", "command",      "ok",          "error",
    "eof",         "columns",        "row",           "local_infile", "infile_data", "prepare_ok",
    "statistics",  "progress",       "binlog_event",  "semisync_ack", "exchange",    "problem"};

// Seconds since the epoch with decimals, or a date and time in UTC.
std::optional<std::int64_t> parse_time(const std::string& text) {
  constexpr std::int64_t second = 1'000'000'000;
  std::int64_t whole = 0;
  std::string_view rest = text;
  std::tm broken{};
  const char* end = nullptr;
  if (text.find('-') != std::string::npos) {
    end =
        ::strptime(text.c_str(), text.find('T') != std::string::npos ? "%FT%T" : "%F %T", &broken);
    if (end == nullptr) end = ::strptime(text.c_str(), "%F", &broken);
    if (end == nullptr) return std::nullopt;
    whole = ::timegm(&broken);
    rest = std::string_view(end);
    if (rest.ends_with('Z')) rest.remove_suffix(1);
  } else {
    const auto result = std::from_chars(text.data(), text.data() + text.size(), whole);
    if (result.ec != std::errc()) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
  }
  std::int64_t part = 0;
  if (!rest.empty()) {
    if (rest[0] != '.' || rest.size() > 10) return std::nullopt;
    std::int64_t unit = second;
    for (const char c : rest.substr(1)) {
      if (c < '0' || c > '9') return std::nullopt;
      unit /= 10;
      part += (c - '0') * unit;
    }
  }
  constexpr std::int64_t last_second = std::numeric_limits<std::int64_t>::max() / second - 1;
  if (whole > last_second || whole < -last_second) return std::nullopt;
  return whole * second + part;
}

// "10ms", "1.5s", "200us"; bare numbers are seconds.
std::optional<double> parse_duration(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const std::string_view unit(end);
  if (end == text.c_str() || !(number >= 0)) return std::nullopt;
  if (unit.empty() || unit == "s") return number;
  if (unit == "ms") return number / 1e3;
  if (unit == "us") return number / 1e6;
  return std::nullopt;
}

bool parse_range(const std::string& text, std::uint64_t& first, std::uint64_t& last) {
  const std::size_t dash = text.find('-');
  const auto number = [](std::string_view digits, std::uint64_t& out) {
    if (digits.empty()) return true;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return result.ec == std::errc() && result.ptr == digits.data() + digits.size();
  };
  const std::string_view all = text;
  if (dash == std::string::npos) {
    if (text.empty() || !number(all, first)) return false;
    last = first;
    return true;
  }
  return text.size() > 1 && number(all.substr(0, dash), first) &&
         number(all.substr(dash + 1), last) && first <= last;
}

// Why the types are none; empty when they are.
std::string take_types(const std::string& text, std::set<std::string>& types) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string type = text.substr(begin, end - begin);
    if (std::find(json_types.begin(), json_types.end(), type) != json_types.end())
      types.insert(type);
    else if (!type.empty())
      return fmt::format("--type: {:?} is none of {}", type, fmt::join(json_types, ", "));
    begin = end + 1;
  }
  return types.empty() ? "--type names no type" : "";
}

CommandLine refused(std::string_view text) {
  CommandLine line;
  line.exit = ExitCode::usage;
  line.err = fmt::format("pcapdecode: {}\nTry 'pcapdecode --help'.\n", text);
  return line;
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  Options& options = line.options;
  FormatOptions& format = options.format;
  Filter& filter = options.filter;

  CLI::App app("Turns captures of MySQL and MariaDB traffic into readable conversations.",
               "pcapdecode");
  app.footer(footer);
  app.set_version_flag("--version", "pcapdecode " MYSQLWIRE_VERSION);
  app.add_option("FILE", options.files, "pcap or pcapng, plain, gzip or zstd; - is standard input");

  app.add_option("-i,--interface", options.interface, "capture live")->group("Input");
  app.add_option("--capture-filter", options.capture_filter, "only frames that match (libpcap)")
      ->group("Input");
  app.add_option("--port", options.ports, "a port of a server; repeatable (3306)")
      ->allow_extra_args(false)
      ->group("Input");
  app.add_flag("--any-port", options.any_port, "recognise MySQL by its greeting")->group("Input");
  app.add_option("--keylog", options.key_logs, "TLS secrets (NSS key log); repeatable")
      ->allow_extra_args(false)
      ->group("Input");

  bool detail = false, no_rows = false, show_secrets = false;
  std::string redact = "auth", types, colour = "auto";
  app.add_option("-f,--format", format.format,
                 "text, detail, json, queries, sql, digest, streams, stats or html")
      ->check(CLI::IsMember(
          {"text", "detail", "json", "queries", "sql", "digest", "streams", "stats", "html"}))
      ->group("Output");
  app.add_flag("-V", detail, "the same as -f detail")->group("Output");
  app.add_flag("-x,--hex", format.bytes, "with the bytes of each message")->group("Output");
  app.add_flag("--slowlog", format.slow_log, "-f queries in the form of a slow query log")
      ->group("Output");
  app.add_option("--rows", format.max_rows, "show so many rows of a command's answer")
      ->group("Output");
  app.add_flag("--no-rows", no_rows, "show no rows")->group("Output");
  app.add_option("--type", types, "JSON objects of these types only (a,b,…)")->group("Output");
  app.add_option("--top", format.top, "statements of a digest (20)")->group("Output");
  app.add_option("--redact", redact, "what is hidden: none, auth (scrambles, passwords) or values")
      ->check(CLI::IsMember({"none", "auth", "values"}))
      ->group("Output");
  app.add_flag("--show-secrets", show_secrets, "the same as --redact none")->group("Output");
  app.add_option("--color,--colour", colour, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->group("Output");
  app.add_option("-w,--write", options.packets_to,
                 "write the packets of what is selected as pcapng; - is standard output")
      ->group("Output");
  app.add_flag("--diff", options.diff,
               "compare two files: the first difference in meaning, and exit 1")
      ->group("Output");
  app.add_flag("--strict", options.strict, "exit with 1 when there are problems")->group("Output");

  std::vector<std::uint64_t> streams;
  std::string slower, from, to, frames;
  app.add_option("--stream", streams, "this connection; repeatable")
      ->allow_extra_args(false)
      ->group("Filters");
  app.add_option("--client", filter.client, "clients whose ADDRESS or ADDRESS:PORT it is")
      ->group("Filters");
  app.add_option("--server", filter.server, "likewise servers")->group("Filters");
  app.add_option("--user", filter.user, "commands of this user")->group("Filters");
  app.add_option("--db", filter.db, "commands in this schema")->group("Filters");
  app.add_option("--command", filter.command, "this command (COM_QUERY or query)")
      ->group("Filters");
  app.add_option("--grep", filter.grep, "statements that match (RE2)")->group("Filters");
  app.add_option("--slower-than", slower, "commands that took longer (10ms, 1.5s)")
      ->group("Filters");
  app.add_flag("--errors", filter.errors, "commands that failed")->group("Filters");
  app.add_option("--from", from, "frames from this time on")->group("Filters");
  app.add_option("--to", to, "frames up to this time")->group("Filters");
  app.add_option("--frames", frames, "frames A-B of the capture, from 1")->group("Filters");
  app.add_option("-n", options.max_records, "stop after so many lines")->group("Filters");

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.out = app.help();
    line.exit = ExitCode::decoded;
    return line;
  } catch (const CLI::CallForVersion& version) {
    line.out = std::string(version.what()) + "\n";
    line.exit = ExitCode::decoded;
    return line;
  } catch (const CLI::ParseError& error) {
    return refused(cli::to_printable(error.what()));
  }

  if (options.files.empty() == options.interface.empty())
    return refused(options.files.empty() ? "no capture; name a file, or an interface with -i"
                                         : "a file and an interface at once");
  const bool format_named = app.count("--format") != 0;
  if (detail && format_named && format.format != "detail")
    return refused("-V is -f detail: it doesn't go with -f " + format.format);
  if (detail) format.format = "detail";
  options.format_given = format_named || detail || format.slow_log;
  if (!options.packets_to.empty() && redact == "values")
    return refused("-w writes packets as they are: it can't hide values");
  if (options.packets_to == "-" && options.format_given)
    return refused("two outputs to standard output: -w - and a format");
  if (options.diff && options.files.size() != 2) return refused("--diff compares two files");
  if (options.diff && (options.format_given || !options.packets_to.empty()))
    return refused("--diff has a form of its own");
  if (format.slow_log && (format_named || detail) && format.format != "queries")
    return refused("--slowlog is a form of -f queries");
  if (format.slow_log) format.format = "queries";
  if (no_rows) format.max_rows = 0;
  if (show_secrets && app.count("--redact") != 0 && redact != "none")
    return refused("--show-secrets hides nothing: it doesn't go with --redact " + redact);
  if (show_secrets) redact = "none";
  format.redact = redact == "none"     ? Redact::none
                  : redact == "values" ? Redact::values
                                       : Redact::auth;
  format.colour = colour == "always";
  format.bar = colour == "auto";
  if (app.count("--type") != 0) {
    if (format.format != "json") return refused("--type is for -f json");
    const std::string flaw = take_types(types, format.types);
    if (!flaw.empty()) return refused(flaw);
  }
  if (options.ports.empty()) options.ports.push_back(3306);
  filter.streams.insert(streams.begin(), streams.end());
  if (!filter.command.empty()) {
    const std::string name = filter.command.find('_') == std::string::npos ||
                                     filter.command.size() < 4 ||
                                     CLI::detail::to_lower(filter.command.substr(0, 4)) != "com_"
                                 ? "COM_" + filter.command
                                 : filter.command;
    const auto command = mysqlwire::parse_command(name);
    if (!command) return refused(fmt::format("unknown command {:?}", filter.command));
    filter.command = mysqlwire::to_string(*command);
  }
  if (!filter.grep.empty()) {
    const re2::RE2 pattern(filter.grep, re2::RE2::Quiet);
    if (!pattern.ok()) return refused("--grep: " + cli::to_printable(pattern.error()));
  }
  if (!slower.empty()) {
    filter.slower_than = parse_duration(slower);
    if (!filter.slower_than) return refused(fmt::format("{:?} is no duration", slower));
  }
  for (auto [text, target] : {std::pair(&from, &filter.from), std::pair(&to, &filter.to)}) {
    if (text->empty()) continue;
    *target = parse_time(*text);
    if (!*target) return refused(fmt::format("{:?} is no time before 2262", *text));
  }
  if (filter.from && filter.to && *filter.from > *filter.to)
    return refused("--from is later than --to: no frame is of such a time");
  if (!frames.empty() && !parse_range(frames, filter.first_frame, filter.last_frame))
    return refused(fmt::format("{:?} is no range of frames", frames));
  if (options.diff && filter.is_by_exchange())
    return refused("--diff compares whole conversations: filters by command don't go with it");
  return line;
}

std::string overwritten_input(const Options& options) {
  const auto look_at = [](const std::string& path, int standard, struct stat& file) {
    return (path == "-" ? ::fstat(standard, &file) : ::stat(path.c_str(), &file)) == 0 &&
           S_ISREG(file.st_mode);
  };
  struct stat output{};
  if (options.packets_to.empty() || !look_at(options.packets_to, STDOUT_FILENO, output)) return "";
  std::vector<std::string> inputs = options.files;
  inputs.insert(inputs.end(), options.key_logs.begin(), options.key_logs.end());
  for (const std::string& path : inputs) {
    struct stat input{};
    const bool is_same = look_at(path, STDIN_FILENO, input) && input.st_dev == output.st_dev &&
                         input.st_ino == output.st_ino;
    if (is_same) return path;
  }
  return "";
}

}  // namespace pcapdecode
