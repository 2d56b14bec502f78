#include <mysqlwire/wire/handshake_response41.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/ssl_request.hpp>

namespace mysqlwire {
namespace {

Bytes read_auth_response(Reader& reader, Capabilities capabilities) noexcept {
  if (capabilities.has(Capability::plugin_auth_lenenc_client_data)) {
    return reader.lenenc_bytes("auth_response");
  }
  if (capabilities.has(Capability::secure_connection)) {
    return reader.bytes(reader.u8("auth_response_length"), "auth_response");
  }
  return reader.nul_bytes("auth_response");
}

void write_auth_response(Writer& writer, Capabilities capabilities, Bytes response) {
  if (capabilities.has(Capability::plugin_auth_lenenc_client_data)) {
    writer.lenenc_bytes(response);
  } else if (capabilities.has(Capability::secure_connection)) {
    writer.u8(response.size(), "auth_response_length");
    writer.bytes(response);
  } else {
    writer.nul_text(as_text(response), "auth_response");
  }
}

/// Notes it and returns false when the payload ends before an optional tail.
bool has_tail(Reader& reader, const char* field) noexcept {
  if (!reader.at_end()) return true;
  reader.note(errc::missing_field, field);
  return false;
}

}  // namespace

Result<HandshakeResponse41> HandshakeResponse41::decode(Bytes payload,
                                                        const Context& context) noexcept {
  Reader reader(payload, "HandshakeResponse41", context);
  HandshakeResponse41 response;
  SslRequest head;
  read(reader, head);
  if (reader.ok() && !head.capabilities.has(Capability::protocol_41)) {
    reader.fail_at(errc::unsupported, "client_flag", 0);
  }
  response.capabilities = head.capabilities;
  response.max_packet_size = head.max_packet_size;
  response.collation = head.collation;

  const Capabilities set = head.capabilities;
  response.user = reader.nul_text("user");
  response.auth_response = read_auth_response(reader, set);
  if (set.has(Capability::connect_with_db)) response.schema = reader.nul_text("database");
  if (set.has(Capability::plugin_auth))
    response.auth_plugin_name = reader.nul_text_or_rest("auth_plugin_name");
  if (set.has(Capability::connect_attrs) && has_tail(reader, "connection_attributes")) {
    read(reader, response.attributes, context);
  }
  if (set.has(Capability::zstd_compression_algorithm) &&
      has_tail(reader, "zstd_compression_level")) {
    response.zstd_compression_level = reader.u8("zstd_compression_level");
  }
  return reader.finish(response);
}

void HandshakeResponse41::encode(Writer& writer, const Context&) const {
  if (!capabilities.has(Capability::protocol_41)) {
    writer.fail(errc::bad_value, "client_flag");
  }
  write(writer, SslRequest{capabilities, max_packet_size, collation});
  writer.nul_text(user, "user");
  write_auth_response(writer, capabilities, auth_response);
  if (capabilities.has(Capability::connect_with_db)) writer.nul_text(schema, "database");
  if (capabilities.has(Capability::plugin_auth)) {
    writer.nul_text(auth_plugin_name, "auth_plugin_name");
  }
  if (capabilities.has(Capability::connect_attrs)) write(writer, attributes);
  if (capabilities.has(Capability::zstd_compression_algorithm)) writer.u8(zstd_compression_level);
}

}  // namespace mysqlwire
