// Passwords from files, variables, pipes and terminals.
#pragma once

#include "proxy/user_command.hpp"

namespace mysqlproxy {

/// A PasswordReader for the process's own terminal and standard input. What was read is nowhere
/// else afterwards, nor in the environment.
PasswordInput read_password(const PasswordSource& source, bool twice);

}  // namespace mysqlproxy
