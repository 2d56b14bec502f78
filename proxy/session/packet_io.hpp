// Packet by packet exchange, as the login phases need it.
#pragma once

#include "proxy/io/task.hpp"
#include "proxy/session/channel.hpp"

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/wipe.hpp>
#include <mysqlwire/wire/writer.hpp>

namespace mysqlproxy {

/// What came of waiting for a packet.
struct Reception {
  enum class Kind : std::uint8_t {
    packet,     ///< `packet` is valid until the next receive on the same reader
    closed,     ///< the peer closed or reset its connection
    malformed,  ///< `error`: the stream can't be followed
    timed_out,  ///< the deadline passed
    abandoned,  ///< the watched socket's peer left
  };
  Kind kind = Kind::closed;
  mysqlwire::Packet packet;
  mysqlwire::Error error;
  int system_error = 0;  ///< errno, when closed by a failure
};

/// Bytes to be sent that may hold a password: overwritten when they go.
class SecretBuffer {
 public:
  SecretBuffer() = default;
  ~SecretBuffer() { clear(); }
  SecretBuffer(const SecretBuffer&) = delete;
  SecretBuffer& operator=(const SecretBuffer&) = delete;

  mysqlwire::Buffer& bytes() noexcept { return bytes_; }
  void clear() noexcept { mysqlwire::wipe(bytes_); }

 private:
  mysqlwire::Buffer bytes_;
};

/// Waits for the next whole packet of `channel`, while sending what is left of its tail. `watched`,
/// where given, is a socket whose peer may make the wait pointless by leaving. The first `careful`
/// bytes are read without any behind them: those may belong to somebody else. Of a reader that
/// wipes nothing is left in the thread's buffer either.
Task<Reception> receive_packet(Loop& loop, Waker& waker, Channel& channel,
                               mysqlwire::FrameReader& reader, const Deadline& deadline,
                               const Socket* watched, std::size_t careful = 0);

}  // namespace mysqlproxy
