#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/reader.hpp>

namespace mysqlwire {
namespace {

bool tells_session_state(StatusFlags status, const Context& context) noexcept {
  return context.capabilities.has(Capability::session_track) &&
         status.has(ServerStatus::session_state_changed);
}

// Servers write a length. The documentation has none without SESSION_TRACK, and other software that
// speaks the protocol goes by that: what can't be a length and a text is taken for the text.
std::string_view read_info(Reader& reader, const Context& context) noexcept {
  Reader attempt = reader.unobserved();
  (void)attempt.lenenc_bytes("info");
  if (attempt.ok() || context.capabilities.has(Capability::session_track))
    return reader.lenenc_text("info");
  reader.note(errc::bad_value, "info");
  return reader.rest_text("info");
}

}  // namespace

Result<OkPacket> OkPacket::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "OkPacket", context);
  OkPacket packet;
  const std::uint8_t first = reader.u8("header");
  if (first != header && first != header_as_eof) reader.fail_at(errc::bad_value, "header", 0);
  packet.ends_rows = first == header_as_eof;
  packet.affected_rows = reader.lenenc("affected_rows");
  packet.last_insert_id = reader.lenenc("last_insert_id");
  const bool protocol_41 = context.capabilities.has(Capability::protocol_41);
  if (protocol_41 || context.capabilities.has(Capability::transactions))
    packet.status = StatusFlags(reader.u16("status"));
  if (protocol_41) packet.warnings = reader.u16("warnings");
  if (!reader.at_end()) packet.info = read_info(reader, context);
  if (tells_session_state(packet.status, context)) {
    if (reader.at_end())
      reader.note(errc::missing_field, "session_state");
    else
      packet.session_state = reader.lenenc_bytes("session_state");
  }
  return reader.finish(packet);
}

void OkPacket::encode(Writer& writer, const Context& context) const {
  writer.u8(ends_rows ? header_as_eof : header);
  writer.lenenc(affected_rows);
  writer.lenenc(last_insert_id);
  const bool protocol_41 = context.capabilities.has(Capability::protocol_41);
  if (protocol_41 || context.capabilities.has(Capability::transactions)) writer.u16(status.bits());
  if (protocol_41) writer.u16(warnings);
  const bool state = tells_session_state(status, context);
  if (!info.empty() || state) writer.lenenc_text(info);
  if (state) writer.lenenc_bytes(session_state);
}

}  // namespace mysqlwire
