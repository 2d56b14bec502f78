// mysqlproxy switchover|promote|failback|status: what an operator asks of a running proxy.
#pragma once

#include "proxy/cli.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy {

struct ControlCommand {
  std::string name;         ///< "switchover", "promote", "failback", "status"
  std::string config_file;  ///< names the socket, where `socket` is empty
  std::string socket;
  std::string pool;
  std::string to;
  bool dry_run = false;
  bool json = false;
  std::chrono::milliseconds timeout{30'000};
};

/// What these end with, beside ExitCode::usage for trouble.
enum class ControlCode : int { done = 0, not_done = 1 };

struct ControlCommandLine {
  std::optional<ControlCommand> command;
  CommandLineResult result;  ///< when there is none
};

/// One of the names above.
bool is_control_command(std::string_view name) noexcept;

/// Reads a command line that begins with one of them. Never prints, never exits.
ControlCommandLine parse_control_command(const std::vector<std::string>& arguments);

/// The request that it is, on one line.
std::string control_request(const ControlCommand& command);

/// What one line of the answer says.
struct ControlAnswer {
  std::string out;
  std::string err;
  std::optional<int> exit;  ///< the last one
};
ControlAnswer read_control_answer(const ControlCommand& command, std::string_view line);

/// Sends it and waits for the last answer. `print` gets what is to be printed, as it comes.
CommandLineResult run_control_command(
    const ControlCommand& command,
    const std::function<void(const std::string& out, const std::string& err)>& print);

}  // namespace mysqlproxy
