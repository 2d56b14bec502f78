#include "cli/mysqlprobe/net.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace mysqlprobe {

namespace {

std::atomic<bool> is_interrupted{false};
int wake_descriptor = -1;

void on_signal(int) {
  is_interrupted = true;
  const std::uint64_t one = 1;
  const int kept = errno;
  [[maybe_unused]] const auto written = ::write(wake_descriptor, &one, sizeof one);
  errno = kept;
}

[[noreturn]] void fail(FailureKind kind, std::string message, std::int64_t code = 0) {
  throw ProbeError{{kind, "", code, "", std::move(message)}};
}

[[noreturn]] void fail_with(int error) {
  FailureKind kind = FailureKind::system;
  switch (error) {
    case ECONNREFUSED: kind = FailureKind::connection_refused; break;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT: kind = FailureKind::unreachable; break;
    case ETIMEDOUT: kind = FailureKind::timed_out; break;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED: kind = FailureKind::lost; break;
    case ENOENT:
    case ENOTSOCK: kind = FailureKind::no_socket; break;
    case EACCES:
    case EPERM: kind = FailureKind::no_leave; break;
    default: break;
  }
  fail(kind, std::strerror(error), error);
}

int milliseconds_left(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

// Returns when the descriptor is ready, or has an error to tell.
void wait_until_ready(int descriptor, short events, Deadline deadline) {
  for (;;) {
    if (is_interrupted) fail(FailureKind::interrupted, "interrupted");
    pollfd polled[2] = {{descriptor, events, 0}, {wake_descriptor, POLLIN, 0}};
    const int ready = ::poll(polled, wake_descriptor >= 0 ? 2 : 1, milliseconds_left(deadline));
    if (ready > 0 && polled[0].revents != 0) return;
    if (ready == 0 || (ready < 0 && errno == EINTR && Clock::now() >= deadline))
      fail(FailureKind::timed_out, "timed out");
    if (ready < 0 && errno != EINTR) fail_with(errno);
  }
}

// getaddrinfo() has no time limit: it runs in a thread that is left behind where it takes too long.
struct Lookup {
  std::mutex mutex;
  std::condition_variable done;
  bool is_done = false;
  int error = 0;
  std::vector<Address> found;
};

void look_up(const std::shared_ptr<Lookup>& lookup, const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  const std::lock_guard lock(lookup->mutex);
  lookup->error = error;
  for (const addrinfo* one = list; error == 0 && one != nullptr; one = one->ai_next) {
    Address address;
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
    lookup->found.push_back(address);
  }
  if (error == 0) ::freeaddrinfo(list);
  lookup->is_done = true;
  lookup->done.notify_all();
}

Address socket_address(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.data(), std::min(path.size(), sizeof name.sun_path - 1));
  Address address;
  std::memcpy(&address.storage, &name, sizeof name);
  address.size = sizeof name;
  return address;
}

const sockaddr_in& as_v4(const Address& address) {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}
const sockaddr_in6& as_v6(const Address& address) {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

}  // namespace

std::string Address::text() const {
  std::array<char, INET6_ADDRSTRLEN> number{};
  if (storage.ss_family == AF_UNIX) {
    const auto& name = reinterpret_cast<const sockaddr_un&>(storage);
    return {name.sun_path, ::strnlen(name.sun_path, sizeof name.sun_path)};
  }
  const void* bytes = storage.ss_family == AF_INET6
                          ? static_cast<const void*>(&as_v6(*this).sin6_addr)
                          : static_cast<const void*>(&as_v4(*this).sin_addr);
  ::inet_ntop(storage.ss_family, bytes, number.data(), number.size());
  return number.data();
}

std::uint16_t Address::port() const {
  if (storage.ss_family == AF_INET6) return ntohs(as_v6(*this).sin6_port);
  return storage.ss_family == AF_INET ? ntohs(as_v4(*this).sin_port) : std::uint16_t{0};
}

bool Address::is_loopback() const {
  if (storage.ss_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&as_v6(*this).sin6_addr);
  return storage.ss_family == AF_INET && (ntohl(as_v4(*this).sin_addr.s_addr) >> 24) == 127;
}

void arm_interrupts() {
  wake_descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct sigaction action{};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() noexcept { return is_interrupted; }

bool wait_for(Clock::duration duration) noexcept {
  const Deadline deadline = Clock::now() + duration;
  while (!is_interrupted && Clock::now() < deadline) {
    pollfd polled{wake_descriptor, POLLIN, 0};
    ::poll(&polled, wake_descriptor >= 0 ? 1 : 0, milliseconds_left(deadline));
  }
  return is_interrupted;
}

std::vector<Address> resolve(const Target& target, Deadline deadline) {
  if (target.kind == Target::Kind::unix_socket) return {socket_address(target.path)};
  const auto lookup = std::make_shared<Lookup>();
  std::thread(look_up, lookup, target.host, target.port).detach();
  std::unique_lock lock(lookup->mutex);
  while (!lookup->is_done) {
    if (is_interrupted) fail(FailureKind::interrupted, "interrupted");
    if (Clock::now() >= deadline) fail(FailureKind::timed_out, "timed out");
    lookup->done.wait_until(lock, std::min(deadline, Clock::now() + std::chrono::milliseconds(50)));
  }
  if (lookup->error != 0) fail(FailureKind::resolve, ::gai_strerror(lookup->error), lookup->error);
  if (lookup->found.empty()) fail(FailureKind::resolve, "no address");
  return std::move(lookup->found);
}

Socket Socket::connect(const std::vector<Address>& addresses, Deadline deadline, Address& used) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const Address& address = addresses[i];
    used = address;
    const bool is_last = i + 1 == addresses.size();
    // One address that swallows packets must not use up the time of the others.
    const Deadline until = is_last ? deadline : Clock::now() + (deadline - Clock::now()) / 2;
    try {
      Socket socket(
          ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      if (!socket.is_open()) fail_with(errno);
      const int on = 1;
      if (address.storage.ss_family != AF_UNIX)
        ::setsockopt(socket.descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const auto* name = reinterpret_cast<const sockaddr*>(&address.storage);
      // A full queue of a unix socket says EAGAIN, and there is nothing to wait on.
      while (::connect(socket.descriptor_, name, address.size) != 0) {
        if (errno == EAGAIN && Clock::now() < until && !is_interrupted) {
          wait_for(std::chrono::milliseconds(20));
          continue;
        }
        if (errno == EAGAIN) fail(FailureKind::timed_out, "timed out");
        if (errno != EINPROGRESS && errno != EINTR) fail_with(errno);
        wait_until_ready(socket.descriptor_, POLLOUT, until);
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(socket.descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) fail_with(error);
        break;
      }
      return socket;
    } catch (const ProbeError& error) {
      if (is_last || error.failure.kind == FailureKind::interrupted) throw;
    }
  }
  fail(FailureKind::resolve, "no address");
}

Socket::Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

Socket::~Socket() { close(); }

void Socket::close() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void Socket::shut_write() noexcept {
  if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_WR);
}

std::size_t Socket::receive(std::span<std::uint8_t> into, Deadline deadline) {
  for (;;) {
    // Also when bytes are there: whoever sends without end gets no further than the deadline.
    if (Clock::now() >= deadline) fail(FailureKind::timed_out, "timed out");
    const ssize_t got = ::recv(descriptor_, into.data(), into.size(), 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) fail_with(errno);
    wait_until_ready(descriptor_, POLLIN, deadline);
  }
}

void Socket::send(mysqlwire::Bytes bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      wait_until_ready(descriptor_, POLLOUT, deadline);
    } else if (errno != EINTR) {
      fail_with(errno);
    }
  }
}

Address Socket::local() const {
  Address address;
  address.size = sizeof address.storage;
  ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address.storage), &address.size);
  return address;
}

}  // namespace mysqlprobe
