// What the relay asks about commands and tells about their answers.
#pragma once

#include <mysqlwire/session/packet_kind.hpp>
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/bytes.hpp>

#include <cstddef>
#include <cstdint>

namespace mysqlproxy {

/// Stands between the commands of one client and its server. It is asked before the server gets a
/// command, one at a time: the answer to one is complete before the next is shown.
class Gate {
 public:
  /// A command is shown whole up to this many bytes; of a longer one the first so many are.
  static constexpr std::size_t max_inspected = 1 << 20;

  enum class Verdict : std::uint8_t {
    pass,    ///< it goes to the server, and on_answer() follows where it has one
    hold,    ///< the session is to decide; the rest of a long command waits
    refuse,  ///< the session is to answer it; the rest of a long command is thrown away
  };

  /// `payload` is a command from its first byte on; `whole`: all of it.
  virtual Verdict on_command(mysqlwire::Bytes payload, bool whole,
                             const mysqlwire::Tracker& tracker) = 0;

  /// A packet of the answer that is no row, after the tracker took it; `prefix` is its beginning,
  /// at least 24 bytes where it has as many. The last one of an answer has
  /// tracker.response_complete().
  virtual void on_answer(mysqlwire::PacketKind kind, mysqlwire::Bytes prefix,
                         const mysqlwire::Tracker& tracker) = 0;

  /// So many bytes of the answer have come so far. False: the client is to get no more of it.
  virtual bool on_progress(std::uint64_t bytes, const mysqlwire::Tracker& tracker) = 0;

 protected:
  ~Gate() = default;
};

}  // namespace mysqlproxy
