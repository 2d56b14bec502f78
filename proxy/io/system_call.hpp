// The calls that every packet costs.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>

namespace mysqlproxy::system_call {

// As those of the C library, but for being points where a thread can be cancelled: in a program
// with several threads that costs some sixty instructions a call, and no thread of ours is
// cancelled. A sanitizer sees those of the library only: what is read, and that what one thread has
// sent comes before what another does with it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

inline ssize_t recv(int descriptor, void* into, std::size_t size) noexcept {
  return ::recv(descriptor, into, size, 0);
}

inline ssize_t send(int descriptor, const void* from, std::size_t size, int flags) noexcept {
  return ::send(descriptor, from, size, flags);
}

inline int epoll_wait(int epoll, epoll_event* events, int count, int milliseconds) noexcept {
  return ::epoll_wait(epoll, events, count, milliseconds);
}

#else

inline ssize_t recv(int descriptor, void* into, std::size_t size) noexcept {
  return ::syscall(SYS_recvfrom, descriptor, into, size, 0, nullptr, nullptr);
}

inline ssize_t send(int descriptor, const void* from, std::size_t size, int flags) noexcept {
  return ::syscall(SYS_sendto, descriptor, from, size, flags, nullptr, 0);
}

inline int epoll_wait(int epoll, epoll_event* events, int count, int milliseconds) noexcept {
  return static_cast<int>(
      ::syscall(SYS_epoll_pwait, epoll, events, count, milliseconds, nullptr, 0));
}

#endif

}  // namespace mysqlproxy::system_call
