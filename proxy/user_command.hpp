// mysqlproxy user hash|add|check: entries of the users file, without a password on a command line.
#pragma once

#include "proxy/cli.hpp"

#include <mysqlwire/crypto/secret.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mysqlproxy {

/// Where a password is to come from.
struct PasswordSource {
  std::string file;         ///< empty: no file
  std::string variable;     ///< of the environment; empty: none
  bool from_stdin = false;  ///< else it is asked for, where there is a terminal
};

struct UserCommand {
  enum class Action { hash, add, check };
  Action action = Action::hash;
  std::string name;                  ///< for hash: empty, or it prints a whole table
  std::vector<std::string> plugins;  ///< in the order given, none twice
  std::string pool;
  std::vector<std::string> hosts;
  std::string users_file;
  std::string config_file;  ///< names the users file, in place of `users_file`
  bool replace = false;
  bool server_secret = false;  ///< for hash: what server_secret_file takes
  PasswordSource password;
};

/// What check ends with.
enum class CheckCode : int { right = 0, wrong = 1, trouble = 2 };

/// A password, or why there is none.
struct PasswordInput {
  mysqlwire::crypto::SecretBytes value;
  std::string fault;
};
/// Gets a password; `twice` for one that is new.
using PasswordReader = std::function<PasswordInput(const PasswordSource& source, bool twice)>;

struct UserCommandLine {
  std::optional<UserCommand> command;
  CommandLineResult result;  ///< when there is none
};

/// Reads what follows "mysqlproxy user". Never prints, never exits.
UserCommandLine parse_user_command(const std::vector<std::string>& arguments);

/// Does it. Neither `out` nor `err` ever has the password.
CommandLineResult run_user_command(const UserCommand& command, const PasswordReader& read_password);

}  // namespace mysqlproxy
