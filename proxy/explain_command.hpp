// mysqlproxy explain: what would become of a statement, without running it.
#pragma once

#include "proxy/cli.hpp"

#include <mysqlwire/sql/dialect.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mysqlproxy {

struct ExplainCommand {
  std::string config_file;
  std::string sql;
  std::string user;
  std::string schema;
  std::string client = "127.0.0.1";  ///< an address, or "localhost" for a unix socket
  std::string listener;              ///< empty: the first
  bool prepared = false;             ///< as a prepared statement
  std::vector<std::string> parameters;
  std::string server_version = "8.0.15";  ///< whose lexer reads the statement
  std::string sql_mode;
  std::optional<std::chrono::system_clock::time_point> time;  ///< nothing: now
  bool json = false;
};

/// What explain ends with, beside ExitCode::usage for trouble.
enum class ExplainCode : int { passes = 0, refused = 1 };

struct ExplainCommandLine {
  std::optional<ExplainCommand> command;
  CommandLineResult result;  ///< when there is none
};

/// Reads what follows "mysqlproxy explain". Never prints, never exits.
ExplainCommandLine parse_explain_command(const std::vector<std::string>& arguments);

/// Opens nothing but the configuration.
CommandLineResult run_explain_command(const ExplainCommand& command);

}  // namespace mysqlproxy
