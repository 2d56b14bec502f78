#include "proxy/password_input.hpp"

#include "proxy/config/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
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

volatile std::sig_atomic_t caught_signal = 0;

void note_signal(int number) { caught_signal = number; }

/// A terminal without echo. However it ends, it is as it was before: signals that end the process
/// are delivered in wait() only, so that none comes just before it and is missed.
class SilentTerminal {
 public:
  explicit SilentTerminal(int descriptor) : descriptor_(descriptor) {
    caught_signal = 0;
    struct sigaction action{};
    action.sa_handler = note_signal;  // without SA_RESTART: read() returns
    sigset_t held;
    ::sigemptyset(&held);
    for (const int number : signals) ::sigaddset(&held, number);
    ::pthread_sigmask(SIG_BLOCK, &held, &mask_before_);
    for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &action, &before_[i]);
    silent_ = ::tcgetattr(descriptor_, &settings_) == 0;
    if (!silent_) return;
    termios quiet = settings_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ECHONL;
    silent_ = ::tcsetattr(descriptor_, TCSAFLUSH, &quiet) == 0;
  }
  ~SilentTerminal() {
    if (silent_) ::tcsetattr(descriptor_, TCSAFLUSH, &settings_);
    for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
    ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
    if (caught_signal != 0) (void)::raise(caught_signal);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

  bool silent() const noexcept { return silent_; }
  /// Until there is something to read. False: a signal came, or there is no terminal any more.
  bool wait() const noexcept {
    pollfd input{descriptor_, POLLIN, 0};
    while (caught_signal == 0) {
      if (::ppoll(&input, 1, nullptr, &mask_before_) > 0) return true;
      if (errno != EINTR) break;
    }
    return false;
  }

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
  int descriptor_;
  bool silent_ = false;
  sigset_t mask_before_{};
  termios settings_{};
  std::array<struct sigaction, signals.size()> before_{};
};

PasswordInput failed(std::string fault) { return {{}, std::move(fault)}; }

/// The first line, read byte by byte, so that what follows stays where it is. `terminal`: what the
/// descriptor is of; null: a file.
PasswordInput read_line(int descriptor, const SilentTerminal* terminal = nullptr) {
  std::array<std::uint8_t, longest_line> line{};
  std::size_t size = 0;
  PasswordInput input;
  for (;;) {
    std::uint8_t byte = 0;
    const bool ready = terminal == nullptr || terminal->wait();
    const ssize_t count = ready ? ::read(descriptor, &byte, 1) : -1;
    if (count < 0 && errno == EINTR && caught_signal == 0) continue;
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
  const SilentTerminal quiet(terminal);
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
