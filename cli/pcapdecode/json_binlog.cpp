// Replication as JSON.
#include "cli/pcapdecode/json_messages.hpp"

#include <mysqlwire/binlog/event.hpp>
#include <mysqlwire/wire/replication.hpp>

namespace pcapdecode {

using namespace mysqlwire;
using namespace mysqlwire::capture;

void write_event(JsonWriter& json, const Conversation& conversation, const SeenMessage& message) {
  const auto packet =
      BinlogEventPacket::decode(message.payload, conversation.context(), conversation.semi_sync());
  if (!packet) return;
  const auto header = binlog::EventHeader::decode(packet->event, conversation.context());
  if (!header) return;
  const std::string_view name = to_string(header->type);
  json.string("event", name.empty() ? std::to_string(static_cast<unsigned>(header->type))
                                    : std::string(name));
  json.number("ts", header->timestamp);
  json.number("server_id", header->server_id);
  json.number("size", header->event_size);
  json.number("log_pos", header->log_pos);
  json.number("flags", header->flags);
  if (packet->semi_sync) json.boolean("ack_wanted", packet->ack_wanted);
}

void write_semi_sync_ack(JsonWriter& json, const SeenMessage& message, const Context& context) {
  const auto ack = SemiSyncAck::decode(message.payload, context);
  if (!ack) return;
  json.number("position", ack->position);
  json.string("file", ack->filename);
}

}  // namespace pcapdecode
