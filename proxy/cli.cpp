#include "proxy/cli.hpp"

#include "proxy/arguments.hpp"
#include "proxy/config/suggest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace mysqlproxy {
namespace {

constexpr const char* footer =
    R"(Without --config the flags --listen, --server and --user, each at least once, make up
a configuration of one pool with all servers.

mysqlproxy user hash|add|check makes and checks entries for users, mysqlproxy explain says
what would become of a statement, mysqlproxy switchover|promote|failback|status ask the proxy that
runs: see there with --help.

Signals: TERM and INT drain and stop, HUP reloads the configuration, USR1 reopens
logs and writes statistics.
Exit codes: 0 good, 1 failure at run time, 2 usage or configuration, 3 can't bind,
4 drain timed out.)";

CommandLineResult refused(std::string_view text) {
  CommandLineResult result;
  result.exit = ExitCode::usage;
  result.err = fmt::format("mysqlproxy: {}\nTry 'mysqlproxy --help'.\n", text);
  return result;
}

CommandLineResult told(std::string text) {
  CommandLineResult result;
  result.out = std::move(text);
  return result;
}

/// What is wrong with an argument that no option wants.
std::string unknown_argument(const std::string& argument, const Arguments& known) {
  if (!argument.starts_with('-')) {
    return fmt::format("unexpected argument {:?}; a configuration file is named by -c", argument);
  }
  const std::string name = argument.substr(0, argument.find('='));
  return fmt::format("unknown option {:?}{}", name, did_you_mean(name, known.long_names()));
}

/// What the flags contradict each other in; empty when they don't.
std::string contradiction(const CommandLine& options) {
  const SimpleSetup& setup = options.setup;
  const bool any = !setup.listen.empty() || !setup.server.empty() || !setup.user.empty();
  const bool all = !setup.listen.empty() && !setup.server.empty() && !setup.user.empty();
  if (!options.config_file.empty() && any) {
    return "--listen, --server and --user stand for a configuration file; leave out those or -c";
  }
  if (!options.config_file.empty() || all) return {};
  if (!any) return "nothing to do: give -c FILE, or --listen ADDR --server ADDR --user NAME:HASH";
  std::string missing;
  if (setup.listen.empty()) missing += " --listen";
  if (setup.server.empty()) missing += " --server";
  if (setup.user.empty()) missing += " --user";
  return fmt::format("without -c these are missing:{}", missing);
}

template <class Enum>
std::map<std::string, Enum> words(std::initializer_list<Enum> all) {
  std::map<std::string, Enum> result;
  for (const Enum value : all) result.emplace(to_string(value), value);
  return result;
}

template <class Enum>
std::string join_words(std::initializer_list<Enum> all) {
  std::string result;
  for (const Enum value : all) {
    result += fmt::format("{}{}", result.empty() ? "" : "|", to_string(value));
  }
  return result;
}

/// An option that takes one word of a list.
template <class Enum>
void add_words(Arguments& arguments, const std::string& name, std::optional<Enum>& out,
               std::initializer_list<Enum> all, const std::string& help) {
  const std::map<std::string, Enum> known = words(all);
  std::vector<std::string> names;
  for (const auto& [word, value] : known) names.push_back(word);
  const auto take = [known, names, &out](const std::string& word) -> std::string {
    const auto match = known.find(word);
    if (match == known.end()) {
      return fmt::format("expected {}, found {:?}{}", fmt::join(names, ", "), word,
                         did_you_mean(word, names));
    }
    out = match->second;
    return {};
  };
  arguments.option(name, take, join_words(all), help);
}

void declare(Arguments& arguments, CommandLine& options, bool& version) {
  arguments.footer(footer);
  arguments.allow_unwanted();
  arguments.option("-c,--config", options.config_file, "FILE", "configuration file (TOML)");
  arguments.flag("--check-config", options.check_config,
                 "print the effective configuration, or what is wrong with it, and end");
  arguments.option("--listen", options.setup.listen, "ADDR", "listen here; may be repeated");
  arguments.option("--server", options.setup.server, "ADDR[,weight=N]",
                   "a server; may be repeated");
  arguments.option("--user", options.setup.user, "NAME:HASH",
                   "a user and the hash of its password; may be repeated");
  arguments.option("--run-as", options.run_as, "NAME",
                   "become this user once the addresses are bound");
  add_words(arguments, "--log-level", options.log_level,
            {LogLevel::error, LogLevel::warn, LogLevel::info, LogLevel::debug},
            "overrides log.level");
  add_words(arguments, "--log-format", options.log_format, {LogFormat::text, LogFormat::json},
            "overrides log.format");
  arguments.flag("--version", version, "print the version and end");
}

}  // namespace

CommandLineResult parse_command_line(const std::vector<std::string>& arguments) {
  Arguments known("mysqlproxy: a proxy for the MySQL and MariaDB protocol", "mysqlproxy");
  CommandLine options;
  bool version = false;
  declare(known, options, version);
  auto parsed = known.parse(arguments);
  if (parsed.help) return told(std::move(*parsed.help));
  if (parsed.fault) return refused(*parsed.fault);
  if (const auto extras = known.unwanted(); !extras.empty()) {
    return refused(unknown_argument(extras.front(), known));
  }
  if (version) return told(fmt::format("mysqlproxy {}\n", MYSQLWIRE_VERSION));
  if (const std::string fault = contradiction(options); !fault.empty()) return refused(fault);
  CommandLineResult result;
  result.options = std::move(options);
  return result;
}

LoadResult load(const CommandLine& options) {
  LoadResult result =
      options.config_file.empty() ? load_simple(options.setup) : load_file(options.config_file);
  if (result.config && options.log_level) result.config->log.level = *options.log_level;
  if (result.config && options.log_format) result.config->log.format = *options.log_format;
  return result;
}

CommandLineResult check_config(const CommandLine& options) {
  const LoadResult loaded = load(options);
  CommandLineResult result;
  for (const Problem& problem : loaded.warnings) {
    result.err += fmt::format("warning: {}\n", to_string(problem));
  }
  for (const Problem& problem : loaded.errors) {
    result.err += fmt::format("error: {}\n", to_string(problem));
  }
  if (loaded.config) {
    result.out = to_toml(*loaded.config);
  } else {
    result.exit = ExitCode::usage;
  }
  return result;
}

}  // namespace mysqlproxy
