// A terminal that does not show what is typed, for passwords.
#pragma once

#include <poll.h>
#include <pthread.h>
#include <termios.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>

namespace cli {

/// A terminal without echo, one at a time. However it ends, it is as it was before: signals that
/// end the process are delivered in wait() only, so that none comes just before it and is missed,
/// and are passed on by the destructor.
class SilentTerminal {
 public:
  explicit SilentTerminal(int descriptor) : descriptor_(descriptor) {
    caught_ = 0;
    sigset_t held;
    ::sigemptyset(&held);
    for (const int number : signals) ::sigaddset(&held, number);
    ::pthread_sigmask(SIG_BLOCK, &held, &mask_before_);
    struct sigaction action{};
    action.sa_handler = [](int number) { caught_ = number; };
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
    if (caught_ != 0) (void)::raise(caught_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

  /// False: it can't be made silent, or is none.
  bool silent() const noexcept { return silent_; }
  /// A signal has come that ends the process.
  static bool interrupted() noexcept { return caught_ != 0; }
  /// Until there is something to read. False: interrupted(), or there is no terminal any more.
  bool wait() const noexcept {
    pollfd input{descriptor_, POLLIN, 0};
    while (!interrupted()) {
      if (::ppoll(&input, 1, nullptr, &mask_before_) > 0) return true;
      if (errno != EINTR) break;
    }
    return false;
  }

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
  static inline volatile std::sig_atomic_t caught_ = 0;

  int descriptor_;
  bool silent_ = false;
  sigset_t mask_before_{};
  termios settings_{};
  std::array<struct sigaction, signals.size()> before_{};
};

}  // namespace cli
