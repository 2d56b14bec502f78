#include "proxy/session/batch.hpp"

#include "proxy/session/packet_io.hpp"

#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <utility>

namespace mysqlproxy {

namespace {

using mysqlwire::Direction;
using mysqlwire::PacketKind;

/// Appends one command as it goes over the wire, and expects its answer.
bool append_command(mysqlwire::Buffer& out, const mysqlwire::Buffer& payload,
                    mysqlwire::Tracker& tracker) {
  std::uint8_t sequence_id = 0;
  mysqlwire::append_packet(out, payload, sequence_id);
  return tracker.accept(Direction::to_server, mysqlwire::Packet{payload}).has_value();
}

}  // namespace

Task<BatchOutcome> run_batch(const BatchMeans& means, std::span<const mysqlwire::Buffer> payloads) {
  BatchOutcome outcome;
  Channel& channel = means.connection.channel;
  auto tracker = mysqlwire::Tracker::in_command_phase(means.context);
  if (channel.compressed()) tracker.check_sequence(false);
  mysqlwire::FrameReader frames;
  Deadline deadline(means.loop, means.waker);
  deadline.set(means.timeout);
  std::size_t sent = 0;
  while (outcome.answered < payloads.size()) {
    if (sent == outcome.answered) {
      mysqlwire::Buffer out;
      // Frames of a compressed link are numbered anew for each command.
      const std::size_t until = channel.compressed() ? sent + 1 : payloads.size();
      for (; sent < until; ++sent) {
        if (!append_command(out, payloads[sent], tracker)) co_return outcome;
      }
      if (!channel.send_command(out)) co_return outcome;
    }
    const Reception got =
        co_await receive_packet(means.loop, means.waker, channel, frames, deadline, means.client);
    if (got.kind == Reception::Kind::abandoned) outcome.kind = BatchOutcome::Kind::client_gone;
    if (got.kind != Reception::Kind::packet) co_return outcome;
    const auto kind = tracker.accept(Direction::to_client, got.packet);
    if (!kind) co_return outcome;
    if (means.on_packet) means.on_packet(*kind, got.packet.payload);
    if (*kind == PacketKind::err && outcome.err.empty())
      outcome.err.assign(got.packet.payload.begin(), got.packet.payload.end());
    if (!tracker.response_complete()) continue;
    ++outcome.answered;
    if (*kind != PacketKind::err) outcome.status = tracker.status();
  }
  outcome.kind = outcome.err.empty() ? BatchOutcome::Kind::done : BatchOutcome::Kind::refused;
  if (!frames.unread().empty()) outcome.kind = BatchOutcome::Kind::broken;
  co_return outcome;
}

Task<BatchOutcome> run_command(const BatchMeans& means, const mysqlwire::Buffer& payload) {
  const std::span<const mysqlwire::Buffer> one(&payload, 1);
  BatchOutcome outcome = co_await run_batch(means, one);
  co_return outcome;
}

}  // namespace mysqlproxy
