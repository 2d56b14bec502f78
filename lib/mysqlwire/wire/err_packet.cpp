#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/reader.hpp>

namespace mysqlwire {
namespace {

constexpr std::uint8_t sql_state_marker = '#';
constexpr std::size_t sql_state_size = 5;

}  // namespace

Result<ErrPacket> ErrPacket::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "ErrPacket", context);
  ErrPacket packet;
  if (reader.u8("header") != header) reader.fail_at(errc::bad_value, "header", 0);
  packet.code = reader.u16("code");
  if (reader.peek() == sql_state_marker && reader.left() > sql_state_size) {
    reader.skip(1, "sql_state_marker");
    packet.sql_state = reader.text(sql_state_size, "sql_state");
  }
  packet.message = reader.rest_text("message");
  return reader.finish(packet);
}

void ErrPacket::encode(Writer& writer, const Context& context) const {
  writer.u8(header);
  writer.u16(code);
  if (!sql_state.empty() && context.capabilities.has(Capability::protocol_41)) {
    if (sql_state.size() != sql_state_size) writer.fail(errc::bad_value, "sql_state");
    writer.u8(sql_state_marker);
    writer.text(sql_state);
  }
  writer.text(message.substr(0, max_message));
}

}  // namespace mysqlwire
