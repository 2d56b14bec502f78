// What the relay asks about commands and tells about their answers.
#pragma once

#include <mysqlwire/session/packet_kind.hpp>
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace mysqlproxy {

/// Stands between the commands of one client and its server. It is asked before the server gets a
/// command, one at a time: the answer to one is complete before the next is shown.
class Gate {
 public:
  /// A command is shown whole up to this many bytes.
  static constexpr std::size_t max_inspected = 1 << 20;
  /// Of a longer one only so many are: enough to see what it is, and little to hold back.
  static constexpr std::size_t inspected_of_longer = 256 << 10;

  enum class Verdict : std::uint8_t {
    pass,    ///< it goes to the server, and on_answer() follows where it has one
    hold,    ///< the session is to decide; the rest of a long command waits
    refuse,  ///< the session is to answer it; the rest of a long command is thrown away
  };

  /// `payload` is a command from its first byte on, if it has one; `whole`: all of it.
  virtual Verdict on_command(mysqlwire::Bytes payload, bool whole,
                             const mysqlwire::Tracker& tracker) = 0;

  /// The command goes to the server now. `payload` is as much of it as was shown; what stands there
  /// may be overwritten by as many bytes.
  virtual void on_forward(std::span<std::uint8_t> payload) { static_cast<void>(payload); }

  /// Answers are to be rewritten: OK packets and the like are shown to rewrite_answer() whole.
  virtual bool rewrites_answers() const noexcept { return false; }
  /// A packet that on_answer() was told of, or an EOF, before the client gets it. It may be
  /// overwritten in its place, by as many bytes; or true: `instead`, a payload as well, is what the
  /// client gets.
  virtual bool rewrite_answer(mysqlwire::PacketKind kind, std::span<std::uint8_t> payload,
                              mysqlwire::Buffer& instead) {
    static_cast<void>(kind);
    static_cast<void>(payload);
    static_cast<void>(instead);
    return false;
  }

  /// An ERR, whole, that is all of an answer, before on_answer() is told and the client gets it.
  /// True: neither happens, since the session has the command done again.
  virtual bool takes_back(mysqlwire::Bytes payload) {
    static_cast<void>(payload);
    return false;
  }

  /// A result set begins; some of its rows may have come with its beginning.
  virtual void on_columns() = 0;
  /// A packet of the answer that says how it went, after the tracker took it: OK, ERR, the end of
  /// rows, the OK of a PREPARE, and whatever is the last one, which has
  /// tracker.response_complete(). `prefix` is its beginning, at least 24 bytes where it has as
  /// many.
  virtual void on_answer(mysqlwire::PacketKind kind, mysqlwire::Bytes prefix,
                         const mysqlwire::Tracker& tracker) = 0;

  /// So many bytes of the answer have come so far. False: the client is to get no more of it.
  virtual bool on_progress(std::uint64_t bytes, const mysqlwire::Tracker& tracker) = 0;

 protected:
  ~Gate() = default;
};

}  // namespace mysqlproxy
