// The calls that every packet costs.
#pragma once

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>

namespace mysqlproxy::system_call {

// As those of the C library, but for being points where a thread can be cancelled: in a program
// with several threads that costs some sixty instructions a call, and no thread of ours is
// cancelled. Sanitizers do not see them.

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

}  // namespace mysqlproxy::system_call
