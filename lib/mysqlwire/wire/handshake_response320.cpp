#include <mysqlwire/wire/handshake_response320.hpp>
#include <mysqlwire/wire/reader.hpp>

namespace mysqlwire {

Result<HandshakeResponse320> HandshakeResponse320::decode(Bytes payload,
                                                          const Context& context) noexcept {
  Reader reader(payload, "HandshakeResponse320", context);
  HandshakeResponse320 response;
  response.capabilities = Capabilities(std::uint64_t{reader.u16("client_flag")});
  if (reader.ok() && response.capabilities.has(Capability::protocol_41)) {
    reader.fail_at(errc::bad_value, "client_flag", 0);
  }
  response.max_packet_size = reader.u24("max_packet_size");
  response.user = reader.nul_text("user");
  if (!response.capabilities.has(Capability::connect_with_db)) {
    response.auth_response = reader.rest("auth_response");
    return reader.finish(response);
  }
  response.auth_response = reader.nul_bytes("auth_response");
  response.schema = reader.nul_text_or_rest("database");
  return reader.finish(response);
}

void HandshakeResponse320::encode(Writer& writer, const Context&) const {
  if (capabilities.has(Capability::protocol_41)) writer.fail(errc::bad_value, "client_flag");
  writer.u16(capabilities.bits(), "client_flag");
  writer.u24(max_packet_size, "max_packet_size");
  writer.nul_text(user, "user");
  if (!capabilities.has(Capability::connect_with_db)) return writer.bytes(auth_response);
  writer.nul_text(as_text(auth_response), "auth_response");
  writer.nul_text(schema, "database");
}

}  // namespace mysqlwire
