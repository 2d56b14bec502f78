// Commands of the proxy's own on a client's server connection, and their answers.
#pragma once

#include "proxy/io/loop.hpp"
#include "proxy/io/task.hpp"
#include "proxy/session/server_connection.hpp"

#include <mysqlwire/session/packet_kind.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/status.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>

namespace mysqlproxy {

/// How a batch went.
struct BatchOutcome {
  enum class Kind : std::uint8_t {
    done,
    refused,      ///< one was answered by an ERR; all answers have come
    broken,       ///< the connection was lost, or can't be followed, or the time is over
    client_gone,  ///< the client left meanwhile; answers may be outstanding
  };
  Kind kind = Kind::broken;
  std::size_t answered = 0;       ///< commands whose answers have come
  mysqlwire::Buffer err;          ///< refused: the payload of the first ERR
  mysqlwire::StatusFlags status;  ///< as the last answer that was none had it
};

/// What to do it with.
struct BatchMeans {
  Loop& loop;
  Waker& waker;
  ServerConnection& connection;
  const mysqlwire::Context& context;  ///< what proxy and server agreed on
  std::chrono::milliseconds timeout{0};
  const Socket* client = nullptr;  ///< watched, where given
  /// Shown each packet of the answers.
  std::function<void(mysqlwire::PacketKind, mysqlwire::Bytes payload)> on_packet{};
};

/// Sends these payloads, each shorter than a frame, in one go where the link lets it, on a
/// connection that has nothing under way, and waits for all answers. The arguments outlive the
/// task.
Task<BatchOutcome> run_batch(const BatchMeans& means, std::span<const mysqlwire::Buffer> payloads);
/// The same with a single one.
Task<BatchOutcome> run_command(const BatchMeans& means, const mysqlwire::Buffer& payload);

}  // namespace mysqlproxy
