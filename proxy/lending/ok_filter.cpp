#include "proxy/lending/ok_filter.hpp"

#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/session_track.hpp>
#include <mysqlwire/wire/status.hpp>

#include <algorithm>
#include <string_view>

namespace mysqlproxy::lending {

using mysqlwire::Buffer;
using mysqlwire::Bytes;
using mysqlwire::Capability;
using mysqlwire::Context;
using mysqlwire::OkPacket;
using mysqlwire::ServerStatus;
using mysqlwire::SessionTrackItem;
using mysqlwire::SessionTrackType;
using mysqlwire::Writer;

namespace {

// session_track_system_variables as servers have it by default.
bool is_tracked_by_default(std::string_view name) noexcept {
  static constexpr std::string_view names[] = {"autocommit", "character_set_client",
                                               "character_set_connection", "character_set_results",
                                               "time_zone"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// False when the item can't be read.
bool filter_item(const SessionTrackItem& item, const Context& context, Writer& block) {
  if (item.type == SessionTrackType::system_variables) {
    mysqlwire::SystemVariables variables(item.data, context);
    while (const auto variable = variables.next()) {
      if (is_tracked_by_default(variable->name))
        SessionTrackItem::write_variable(block, variable->name, variable->value);
    }
    return variables.ok();
  }
  if (item.type == SessionTrackType::schema) {
    block.lenenc(static_cast<std::uint8_t>(item.type));
    block.lenenc_bytes(item.data);
  }
  return true;
}

}  // namespace

bool filter_ok(Bytes payload, const Context& server_side, const Context& client_side, Buffer& out) {
  auto packet = OkPacket::decode(payload, server_side);
  if (!packet || !packet->status.has(ServerStatus::session_state_changed)) return false;
  Buffer kept;
  if (client_side.capabilities.has(Capability::session_track)) {
    Writer block(kept);
    mysqlwire::SessionTrackItems items(packet->session_state, server_side);
    bool readable = true;
    while (const auto item = items.next())
      readable = readable && filter_item(*item, server_side, block);
    if (!readable || !items.ok()) return false;
    if (!kept.empty() && kept.size() == packet->session_state.size()) return false;
  }
  packet->session_state = kept;
  // MariaDB can announce a change of which there is nothing to tell.
  if (kept.empty()) packet->status.clear(ServerStatus::session_state_changed);
  Writer writer(out);
  packet->encode(writer, client_side);
  return true;
}

}  // namespace mysqlproxy::lending
