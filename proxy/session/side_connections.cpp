#include "proxy/session/side_connections.hpp"

#include "proxy/session/packet_io.hpp"

#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/wire/admin.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/query.hpp>

#include <algorithm>
#include <utility>

namespace mysqlproxy {
namespace {

/// How long a target that can't be had is left alone.
constexpr std::uint64_t pause = 5'000;

/// Nothing was said out of turn, by a server that gives up on an idle connection for instance.
bool is_good(const ServerConnection& connection) noexcept {
  return !connection.channel.socket.peer_closed() && !connection.channel.readable();
}

}  // namespace

void SideConnections::clear() noexcept {
  constexpr std::uint8_t quit[] = {1, 0, 0, 0, 1};
  for (const auto& side : sides_) {
    if (side->connection) side->connection->channel.send_command(quit);
  }
  sides_.clear();
}

SideConnections::Side* SideConnections::find(std::string_view target) noexcept {
  const auto found = std::ranges::find_if(
      sides_, [&](const std::unique_ptr<Side>& side) { return side->target == target; });
  return found == sides_.end() ? nullptr : found->get();
}

Task<ServerConnection*> SideConnections::fetch(std::shared_ptr<Pool> pool, std::string target,
                                               Means means) {
  Side* side = find(target);
  if (side == nullptr) {
    if (sides_.size() >= most) co_return nullptr;
    sides_.push_back(std::make_unique<Side>());
    side = sides_.back().get();
    side->target = std::move(target);
  }
  // A schema can't be left without another one.
  const bool usable = side->connection && is_good(*side->connection) &&
                      side->settings <= means.ties.settings().size() &&
                      (side->schema == means.schema || !means.schema.empty());
  if (!usable) {
    side->connection.reset();
    if (means.loop.now() < side->retry_at) co_return nullptr;
    SessionWishes wishes = means.wishes;
    wishes.schema = means.schema;
    ServerConnector connector(means.loop, means.waker, means.timeout, means.behalf);
    ConnectOutcome outcome = co_await connector.connect(*pool, means.credentials, wishes);
    if (!outcome.connection) {
      side->retry_at = means.loop.now() + pause;
      co_return nullptr;
    }
    side->connection = std::move(outcome.connection);
    side->connection->channel.set_wiping(false);  // the login is over
    side->schema = means.schema;
    side->settings = 0;
  }
  const bool ready = co_await prepare(*side, means);
  if (!ready) {
    side->connection.reset();
    side->retry_at = means.loop.now() + pause;
    co_return nullptr;
  }
  co_return side->connection.get();
}

/// Makes the connection's session like the client's.
Task<bool> SideConnections::prepare(Side& side, Means& means) {
  mysqlwire::Context context;
  context.capabilities = means.wishes.capabilities;
  while (side.settings < means.ties.settings().size()) {
    mysqlwire::Buffer payload;
    mysqlwire::Writer writer(payload);
    mysqlwire::ComQuery query;
    query.query = means.ties.settings()[side.settings];
    query.encode(writer, context);
    ++side.settings;
    const bool done = co_await command(side, means, std::move(payload));
    if (!done) co_return false;
  }
  if (side.schema == means.schema) co_return true;
  mysqlwire::Buffer payload;
  mysqlwire::Writer writer(payload);
  const mysqlwire::ComInitDb change{means.schema};
  change.encode(writer, context);
  const bool changed = co_await command(side, means, std::move(payload));
  if (changed) side.schema = means.schema;
  co_return changed;
}

/// A command whose answer is one packet. What the server thinks of a SET is what it thought when
/// the session's own server was asked.
Task<bool> SideConnections::command(Side& side, Means& means, mysqlwire::Buffer payload) {
  Channel& channel = side.connection->channel;
  mysqlwire::Buffer packet;
  std::uint8_t sequence_id = 0;
  const bool is_query = payload[0] == static_cast<std::uint8_t>(mysqlwire::Command::com_query);
  mysqlwire::append_packet(packet, payload, sequence_id);
  channel.send_command(packet);
  mysqlwire::FrameReader reader;
  Deadline deadline(means.loop, means.waker);
  deadline.set(means.timeout);
  const Reception got = co_await receive_packet(means.loop, means.waker, channel, reader, deadline,
                                                means.behalf.client);
  const bool one_packet = got.kind == Reception::Kind::packet && !got.packet.payload.empty() &&
                          (got.packet.payload[0] == 0x00 || got.packet.payload[0] == 0xff) &&
                          reader.unread().empty();
  co_return one_packet && (is_query || got.packet.payload[0] == 0x00);
}

}  // namespace mysqlproxy
