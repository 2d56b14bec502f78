// A non-blocking stream descriptor with edge-triggered readiness.
#pragma once

#include "proxy/io/loop.hpp"

#include <mysqlwire/wire/bytes.hpp>

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace mysqlproxy {

/// How a read or a write went.
struct IoResult {
  enum class Kind : std::uint8_t { done, would_block, closed, failed };
  Kind kind;
  std::size_t size = 0;  ///< bytes moved, when done
  int error = 0;         ///< errno, when failed
};

/// Owns a connected (or connecting) stream descriptor that is registered once with its loop.
/// Readiness is remembered in flags, so that a read or write that can't succeed is never tried;
/// its waker is notified when a flag rises.
class Socket {
 public:
  /// Takes `descriptor`, which must be non-blocking. One that is `connected` can be written to at
  /// once; one that is connecting, when it is writable.
  Socket(Loop& loop, Waker& waker, int descriptor, bool connected);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// From here on `waker`, of the same loop, is notified in place of the one before. Flags that are
  /// up already notify nobody: whoever takes a socket over looks at them first. One that was raised
  /// in the batch of events under way may still have notified the old one.
  void wake(Waker& waker) noexcept { waker_ = &waker; }

  bool readable() const noexcept { return readable_; }
  bool writable() const noexcept { return writable_; }
  /// The peer reset the connection or both directions are shut.
  bool hung_up() const noexcept { return hung_up_; }
  /// True when the peer has closed its side and possibly not everything of it is read yet.
  bool peer_closed() const noexcept { return peer_closed_; }

  IoResult read(std::span<std::uint8_t> into) noexcept;
  IoResult write(mysqlwire::Bytes from) noexcept;
  /// No more data will be sent: FIN after what was written.
  void shut_write() noexcept;
  /// The result of a non-blocking connect, once writable: 0 or an errno.
  int connect_error() const noexcept;
  int descriptor() const noexcept { return descriptor_; }

 private:
  friend class Loop;
  void on_events(std::uint32_t events) noexcept;

  Waker* waker_;
  int descriptor_;
  bool readable_ = false;
  bool writable_ = false;
  bool peer_closed_ = false;
  bool hung_up_ = false;
};

}  // namespace mysqlproxy
