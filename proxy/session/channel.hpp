// One peer of a session: its socket, what could not be sent yet, and byte counts.
#pragma once

#include "proxy/io/socket.hpp"

#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>

namespace mysqlproxy {

/// A Socket that keeps the tail of what the kernel did not take. Nothing is read from the other
/// side while a tail is there, so it is never longer than one read.
class Channel {
 public:
  Channel(Loop& loop, Waker& waker, int descriptor) : socket(loop, waker, descriptor) {}

  /// Sends at once what can be sent and keeps the rest. False when the connection is broken.
  bool send(mysqlwire::Bytes bytes);
  /// Sends more of the tail. False when the connection is broken.
  bool flush();
  bool congested() const noexcept { return sent_ < tail_.size(); }

  /// Reads once into `scratch`.
  IoResult read(std::span<std::uint8_t> scratch) noexcept {
    const IoResult result = socket.read(scratch);
    if (result.kind == IoResult::Kind::done) bytes_in += result.size;
    return result;
  }

  Socket socket;
  std::uint64_t bytes_in = 0;   ///< read from this peer
  std::uint64_t bytes_out = 0;  ///< handed to the kernel for this peer

 private:
  mysqlwire::Buffer tail_;
  std::size_t sent_ = 0;
};

}  // namespace mysqlproxy
