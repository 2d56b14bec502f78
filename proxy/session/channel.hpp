// One peer of a session: its socket, what could not be sent yet, and byte counts.
#pragma once

#include "proxy/io/socket.hpp"
#include "proxy/tls/stream.hpp"

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace mysqlproxy {

/// A Socket, with TLS over it or not, that keeps the tail of what the kernel did not take. Nothing
/// is read from the other side while a tail is there, so it is never longer than one read.
class Channel {
 public:
  Channel(Loop& loop, Waker& waker, int descriptor, bool connected)
      : socket(loop, waker, descriptor, connected) {}

  /// Sends at once what can be sent and keeps the rest. False when the connection is broken.
  bool send(mysqlwire::Bytes bytes);
  /// Sends more of the tail. False when the connection is broken.
  bool flush();
  bool congested() const noexcept { return sent_ < tail_.size(); }

  /// A read may return something.
  bool readable() const noexcept { return socket.readable() || (tls_ && tls_->pending()); }
  /// Reads once into `scratch`.
  IoResult read(std::span<std::uint8_t> scratch) noexcept {
    const IoResult result = tls_ ? tls_->read(scratch) : socket.read(scratch);
    if (result.kind == IoResult::Kind::done) bytes_in += result.size;
    return result;
  }
  /// No more will be sent.
  void shut_write() noexcept {
    if (tls_) tls_->shut_write();
    socket.shut_write();
  }

  /// Everything from here on goes through `tls`, whose handshake is done. Nothing may be waiting to
  /// be sent.
  void secure(std::unique_ptr<TlsStream> tls) noexcept { tls_ = std::move(tls); }
  /// Null in clear.
  const TlsStream* tls() const noexcept { return tls_.get(); }

  Socket socket;
  std::uint64_t bytes_in = 0;   ///< read from this peer
  std::uint64_t bytes_out = 0;  ///< handed to the kernel for this peer

 private:
  IoResult write(mysqlwire::Bytes bytes) noexcept {
    return tls_ ? tls_->write(bytes) : socket.write(bytes);
  }

  std::unique_ptr<TlsStream> tls_;
  mysqlwire::Buffer tail_;
  std::size_t sent_ = 0;
};

}  // namespace mysqlproxy
