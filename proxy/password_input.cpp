#include "proxy/password_input.hpp"

#include "cli/common/silent_terminal.hpp"
#include "proxy/config/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

namespace mysqlproxy {
namespace {

using mysqlwire::crypto::SecretBytes;

/// Lines longer than this are no passwords.
constexpr std::size_t longest_line = 4096;

PasswordInput failed(std::string fault) { return {{}, std::move(fault)}; }

/// The first line, read byte by byte, so that what follows stays where it is. `terminal`: what the
/// descriptor is of; null: a file.
PasswordInput read_line(int descriptor, const cli::SilentTerminal* terminal = nullptr) {
  std::array<std::uint8_t, longest_line> line{};
  std::size_t size = 0;
  PasswordInput input;
  for (;;) {
    std::uint8_t byte = 0;
    const bool ready = terminal == nullptr || terminal->wait();
    const ssize_t count = ready ? ::read(descriptor, &byte, 1) : -1;
    if (count < 0 && errno == EINTR && !cli::SilentTerminal::interrupted()) continue;
    if (count < 0) {
      input.fault = fmt::format("no password: {}", std::generic_category().message(errno));
      break;
    }
    if (count == 0 && size == 0) input.fault = "no password: the input is at its end";
    if (count == 0 || byte == '\n') break;
    if (size == line.size()) {
      input.fault = "no password: the line is too long";
      break;
    }
    line[size++] = byte;
  }
  if (size > 0 && line[size - 1] == '\r') --size;
  if (input.fault.empty()) input.value = SecretBytes(mysqlwire::Bytes(line).first(size));
  mysqlwire::crypto::cleanse(line);
  return input;
}

PasswordInput prompt(int terminal, std::string_view text) {
  // In its own scope: the terminal is itself again before anything else is said.
  const cli::SilentTerminal quiet(terminal);
  if (!quiet.silent()) return failed("the terminal can't be made silent");
  (void)!::write(terminal, text.data(), text.size());
  return read_line(terminal, &quiet);
}

PasswordInput ask(bool twice) {
  const int terminal = ::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) return failed("there is no terminal to ask for the password on");
  PasswordInput input = prompt(terminal, "Password: ");
  if (input.fault.empty() && twice) {
    const PasswordInput again = prompt(terminal, "Again: ");
    if (!again.fault.empty())
      input = failed(again.fault);
    else if (!(again.value == input.value))
      input = failed("the two passwords differ");
  }
  ::close(terminal);
  return input;
}

PasswordInput from_variable(const std::string& name) {
  char* value = std::getenv(name.c_str());
  if (value == nullptr) return failed(fmt::format("there is no variable {:?}", name));
  const std::span<std::uint8_t> bytes(reinterpret_cast<std::uint8_t*>(value), std::strlen(value));
  PasswordInput input{SecretBytes(bytes), {}};
  mysqlwire::crypto::cleanse(bytes);
  ::unsetenv(name.c_str());
  return input;
}

}  // namespace

PasswordInput read_password(const PasswordSource& source, bool twice) {
  if (!source.file.empty()) {
    // Beside nothing: as the shell means it.
    auto password = read_password_file(source.file, "");
    return {std::move(password.value), std::move(password.fault)};
  }
  if (!source.variable.empty()) return from_variable(source.variable);
  if (source.from_stdin || ::isatty(STDIN_FILENO) == 0) return read_line(STDIN_FILENO);
  return ask(twice);
}

}  // namespace mysqlproxy
