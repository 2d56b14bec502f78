// One peer of a session: its socket, what could not be sent yet, and byte counts.
#pragma once

#include "proxy/io/socket.hpp"
#include "proxy/session/compressed_link.hpp"
#include "proxy/tls/stream.hpp"

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace mysqlproxy {

/// A Socket, with TLS over it or not, compressed or not, that keeps the tail of what the kernel did
/// not take. Nothing is read from the other side while a tail is there, so it is never longer than
/// one read. What is sent and read here is the packet stream; the byte counts are of the wire.
class Channel {
 public:
  Channel(Loop& loop, Waker& waker, int descriptor, bool connected)
      : socket(loop, waker, descriptor, connected) {}

  /// Sends at once what can be sent and keeps the rest. False when the connection is broken.
  bool send(mysqlwire::Bytes bytes) {
    return compressed_ ? send_compressed(bytes) : send_bytes(bytes);
  }
  /// The same with the beginning of a command, where compression numbers its frames from 0.
  bool send_command(mysqlwire::Bytes bytes) {
    begin_command();
    return send(bytes);
  }
  /// The next to be sent or received begins a command.
  void begin_command() noexcept {
    if (compressed_) compressed_->begin_command();
  }
  /// Sends more of the tail. False when the connection is broken.
  bool flush();
  bool congested() const noexcept { return sent_ < tail_.size(); }

  /// The channel goes to another coroutine of its loop, which looks at it before it waits: see
  /// Socket::wake().
  void wake(Waker& waker) noexcept { socket.wake(waker); }

  /// A read may return something.
  bool readable() const noexcept {
    return bytes_wait() || (compressed_ && !compressed_->drained());
  }
  /// Reads once into `scratch`; of compressed frames one at most.
  IoResult read(std::span<std::uint8_t> scratch) {
    return compressed_ ? read_compressed(scratch) : read_bytes(scratch);
  }
  /// Why a read failed, when that is because of a broken compressed frame; else null.
  const mysqlwire::Error* fault() const noexcept { return fault_.get(); }
  /// Where frames are read one by one: looks whether the peer has left, behind the one that waits.
  IoResult read_ahead();
  /// No more will be sent.
  void shut_write() noexcept {
    if (tls_) tls_->shut_write();
    socket.shut_write();
  }

  /// From here on everything goes through `link`; `early` has come behind the last packet.
  void compress(std::unique_ptr<CompressedLink> link, mysqlwire::Bytes early);
  bool compressed() const noexcept { return compressed_ != nullptr; }
  /// Of the frame that comes next, in either direction; only when compressed().
  std::uint8_t next_frame_id() const noexcept { return compressed_->next_frame_id(); }

  /// Everything from here on goes through `tls`, whose handshake is done. Nothing may be waiting to
  /// be sent.
  void secure(std::unique_ptr<TlsStream> tls) noexcept {
    tls_ = std::move(tls);
    tls_->set_wiping(wiping_);
  }
  /// While on, as from the start, memory that bytes have passed through is overwritten: for the
  /// time in which they may be a password.
  void set_wiping(bool on) noexcept {
    wiping_ = on;
    if (compressed_) compressed_->set_wiping(on);
    if (tls_) tls_->set_wiping(on);
  }

  /// Null in clear.
  const TlsStream* tls() const noexcept { return tls_.get(); }

  Socket socket;
  std::uint64_t bytes_in = 0;   ///< read from this peer
  std::uint64_t bytes_out = 0;  ///< handed to the kernel for this peer

 private:
  IoResult write(mysqlwire::Bytes bytes) noexcept {
    return tls_ ? tls_->write(bytes) : socket.write(bytes);
  }

  /// The connection itself may have something to read.
  bool bytes_wait() const noexcept { return socket.readable() || (tls_ && tls_->pending()); }
  bool send_bytes(mysqlwire::Bytes bytes);
  bool send_compressed(mysqlwire::Bytes bytes);
  IoResult read_compressed(std::span<std::uint8_t> scratch);
  IoResult read_bytes(std::span<std::uint8_t> into) noexcept;
  void keep(mysqlwire::Bytes bytes);

  std::unique_ptr<TlsStream> tls_;
  std::unique_ptr<CompressedLink> compressed_;
  mysqlwire::Buffer tail_;
  std::size_t sent_ = 0;
  bool wiping_ = true;
  std::unique_ptr<const mysqlwire::Error> fault_;
};

}  // namespace mysqlproxy
