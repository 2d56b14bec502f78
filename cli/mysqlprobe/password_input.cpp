#include "cli/mysqlprobe/password_input.hpp"

#include "cli/common/silent_terminal.hpp"

#include <mysqlwire/wire/bytes.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace mysqlprobe {

using mysqlwire::crypto::cleanse;
using mysqlwire::crypto::SecretBytes;

namespace {

constexpr std::size_t longest = 4096;

// Up to the end of the line or of the input; one byte at a time, so that nothing is read beyond.
// `terminal`: what the descriptor is of; null: a file.
SecretBytes read_line(int descriptor, const std::string& what,
                      const cli::SilentTerminal* terminal = nullptr) {
  std::array<std::uint8_t, longest + 1> line{};
  std::size_t size = 0;
  for (;;) {
    const bool ready = terminal == nullptr || terminal->wait();
    const ssize_t got = ready ? ::read(descriptor, line.data() + size, 1) : -1;
    if (got < 0 && errno == EINTR) throw PasswordError(what + ": interrupted");
    if (got < 0) throw PasswordError(what + ": " + std::strerror(errno));
    if (got == 0 || line[size] == '\n') break;
    if (++size > longest) throw PasswordError(what + ": a password of more than 4096 bytes");
  }
  if (size > 0 && line[size - 1] == '\r') --size;
  SecretBytes secret(mysqlwire::Bytes(line).first(size));
  cleanse(line);
  return secret;
}

}  // namespace

SecretBytes password_from_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw PasswordError(path + ": " + std::strerror(errno));
  try {
    SecretBytes secret = read_line(file, path);
    ::close(file);
    return secret;
  } catch (...) {
    ::close(file);
    throw;
  }
}

SecretBytes password_from_environment(const std::string& name) {
  char* value = std::getenv(name.c_str());
  if (value == nullptr) throw PasswordError("the environment has no " + name);
  const std::size_t size = std::strlen(value);
  SecretBytes secret(mysqlwire::as_bytes({value, size}));
  cleanse({reinterpret_cast<std::uint8_t*>(value), size});
  ::unsetenv(name.c_str());
  return secret;
}

SecretBytes password_from_stdin() { return read_line(STDIN_FILENO, "standard input"); }

SecretBytes password_from_terminal(const std::string& prompt) {
  const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (terminal < 0)
    throw PasswordError("there is no terminal to ask for the password on; see --password-file");
  try {
    SecretBytes secret;
    {
      const cli::SilentTerminal quiet(terminal);
      if (!quiet.silent()) throw PasswordError("the terminal can't be made silent");
      (void)!::write(terminal, prompt.data(), prompt.size());
      secret = read_line(terminal, "the terminal", &quiet);
    }
    ::close(terminal);
    return secret;
  } catch (...) {
    ::close(terminal);
    throw;
  }
}

}  // namespace mysqlprobe
