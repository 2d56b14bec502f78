#include "proxy/io/socket.hpp"

#include "proxy/io/system_call.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

namespace mysqlproxy {

Socket::Socket(Loop& loop, Waker& waker, int descriptor, bool connected)
    : waker_(&waker), descriptor_(descriptor), writable_(connected) {
  loop.watch(*this);
}

Socket::~Socket() { ::close(descriptor_); }  // leaves the epoll set by itself

void Socket::on_events(std::uint32_t events) noexcept {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_closed_ = true;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
  waker_->notify();
}

IoResult Socket::read(std::span<std::uint8_t> into) noexcept {
  for (;;) {
    const ssize_t size = system_call::recv(descriptor_, into.data(), into.size());
    if (size > 0) {
      // A short read means drained, and the next edge tells of more; but the edge of a FIN that
      // came with the data has been seen already.
      if (static_cast<std::size_t>(size) < into.size() && !peer_closed_) readable_ = false;
      return {IoResult::Kind::done, static_cast<std::size_t>(size), 0};
    }
    if (size == 0) {
      peer_closed_ = true;
      readable_ = false;
      return {IoResult::Kind::closed, 0, 0};
    }
    if (errno == EINTR) continue;
    readable_ = false;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoResult::Kind::would_block, 0, 0};
    return {IoResult::Kind::failed, 0, errno};
  }
}

IoResult Socket::write(mysqlwire::Bytes from) noexcept {
  for (;;) {
    const ssize_t size = system_call::send(descriptor_, from.data(), from.size(), MSG_NOSIGNAL);
    if (size >= 0) {
      if (static_cast<std::size_t>(size) < from.size()) writable_ = false;
      return {IoResult::Kind::done, static_cast<std::size_t>(size), 0};
    }
    if (errno == EINTR) continue;
    writable_ = false;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoResult::Kind::would_block, 0, 0};
    return {IoResult::Kind::failed, 0, errno};
  }
}

void Socket::shut_write() noexcept { ::shutdown(descriptor_, SHUT_WR); }

int Socket::connect_error() const noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

}  // namespace mysqlproxy
