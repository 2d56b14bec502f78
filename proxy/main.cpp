#include "proxy/app/out_of_memory.hpp"
#include "proxy/app/proxy.hpp"
#include "proxy/cli.hpp"
#include "proxy/control_command.hpp"
#include "proxy/explain_command.hpp"
#include "proxy/password_input.hpp"
#include "proxy/user_command.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace {

int leave(mysqlproxy::ExitCode code) { return static_cast<int>(code); }

int end_with(const mysqlproxy::CommandLineResult& result) {
  std::fputs(result.out.c_str(), stdout);
  std::fputs(result.err.c_str(), stderr);
  return leave(result.exit);
}

}  // namespace

int main(int argc, char** argv) try {
  using namespace mysqlproxy;
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments.front() == "user") {
    const UserCommandLine line = parse_user_command({arguments.begin() + 1, arguments.end()});
    return end_with(line.command ? run_user_command(*line.command, read_password) : line.result);
  }
  if (!arguments.empty() && arguments.front() == "explain") {
    const ExplainCommandLine line = parse_explain_command({arguments.begin() + 1, arguments.end()});
    return end_with(line.command ? run_explain_command(*line.command) : line.result);
  }
  if (!arguments.empty() && is_control_command(arguments.front())) {
    const ControlCommandLine line = parse_control_command(arguments);
    if (!line.command) return end_with(line.result);
    return end_with(
        run_control_command(*line.command, [](const std::string& out, const std::string& err) {
          std::fputs(out.c_str(), stdout);
          std::fflush(stdout);
          std::fputs(err.c_str(), stderr);
        }));
  }
  const CommandLineResult parsed = parse_command_line(arguments);
  if (!parsed.options) return end_with(parsed);
  if (parsed.options->check_config) return end_with(check_config(*parsed.options));
  LoadResult loaded = load(*parsed.options);
  for (const Problem& problem : loaded.warnings)
    std::fprintf(stderr, "mysqlproxy: warning: %s\n", to_string(problem).c_str());
  for (const Problem& problem : loaded.errors)
    std::fprintf(stderr, "mysqlproxy: %s\n", to_string(problem).c_str());
  if (!loaded.config) return leave(ExitCode::usage);
  end_when_out_of_memory();
  Proxy proxy(*parsed.options, std::move(*loaded.config));
  return leave(proxy.run());
} catch (const std::exception& error) {
  std::fprintf(stderr, "mysqlproxy: %s\n", error.what());
  return leave(mysqlproxy::ExitCode::failure);
}
