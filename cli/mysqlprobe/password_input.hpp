// Where passwords come from.
#pragma once

#include <mysqlwire/crypto/secret.hpp>

#include <stdexcept>
#include <string>

namespace mysqlprobe {

class PasswordError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The first line of a file, without its end. Throws PasswordError.
mysqlwire::crypto::SecretBytes password_from_file(const std::string& path);
/// An environment variable, which is taken out of the environment. Throws PasswordError.
mysqlwire::crypto::SecretBytes password_from_environment(const std::string& name);
/// The first line of standard input. Throws PasswordError.
mysqlwire::crypto::SecretBytes password_from_stdin();
/// Asks on the terminal, without echo. Throws PasswordError where there is none.
mysqlwire::crypto::SecretBytes password_from_terminal(const std::string& prompt);

}  // namespace mysqlprobe
