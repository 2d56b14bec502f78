#include <mysqlwire/wire/eof_packet.hpp>
#include <mysqlwire/wire/reader.hpp>

namespace mysqlwire {

Result<EofPacket> EofPacket::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "EofPacket", context);
  EofPacket packet;
  if (reader.u8("header") != header) reader.fail_at(errc::bad_value, "header", 0);
  if (context.capabilities.has(Capability::protocol_41) && reader.ok() && reader.at_end()) {
    reader.note(errc::missing_field, "warnings");
  } else if (context.capabilities.has(Capability::protocol_41)) {
    packet.warnings = reader.u16("warnings");
    packet.status = StatusFlags(reader.u16("status"));
  }
  return reader.finish(packet);
}

void EofPacket::encode(Writer& writer, const Context& context) const {
  writer.u8(header);
  if (!context.capabilities.has(Capability::protocol_41)) return;
  writer.u16(warnings);
  writer.u16(status.bits());
}

}  // namespace mysqlwire
