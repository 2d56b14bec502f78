// Sockets that wait: every call has a deadline, and ends at Ctrl-C.
#pragma once

#include "cli/mysqlprobe/failure.hpp"
#include "cli/mysqlprobe/target.hpp"

#include <mysqlwire/wire/bytes.hpp>

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace mysqlprobe {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

/// "1.25" for 1250 microseconds.
inline double to_ms(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  /// "192.0.2.1", "2001:db8::1", or the path.
  std::string text() const;
  std::uint16_t port() const;
  bool is_loopback() const;
};

/// Has SIGINT and SIGTERM end every wait in any thread.
void arm_interrupts();
/// One of them has come. `wait_for` waits, at most until then, and returns the same.
bool interrupted() noexcept;
bool wait_for(Clock::duration duration) noexcept;

/// The addresses of a target, in the order in which they are to be tried; never none. Throws
/// ProbeError.
std::vector<Address> resolve(const Target& target, Deadline deadline);

/// A connected stream socket. Errors are thrown as ProbeError, its step empty.
class Socket {
 public:
  Socket() noexcept = default;
  /// Tries the addresses in turn; `used` says which one it was.
  static Socket connect(const std::vector<Address>& addresses, Deadline deadline, Address& used);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  bool is_open() const noexcept { return descriptor_ >= 0; }
  /// At least one byte; 0 when the other side has closed.
  std::size_t receive(std::span<std::uint8_t> into, Deadline deadline);
  void send(mysqlwire::Bytes bytes, Deadline deadline);
  /// The address of this side.
  Address local() const;
  void close() noexcept;
  /// No more will be sent.
  void shut_write() noexcept;

 private:
  explicit Socket(int descriptor) noexcept : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace mysqlprobe
