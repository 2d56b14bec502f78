#include <mysqlwire/wire/ssl_request.hpp>

namespace mysqlwire {

void read(Reader& reader, SslRequest& request) noexcept {
  std::uint64_t bits = reader.u32("client_flag");
  request.max_packet_size = reader.u32("max_packet_size");
  request.collation = reader.u8("character_set");
  reader.skip(19, "filler");
  const std::uint64_t extended = reader.u32("extended_client_flag");
  if (!Capabilities(bits).has(Capability::long_password)) bits |= extended << 32;
  request.capabilities = Capabilities(bits);
}

void write(Writer& writer, const SslRequest& request) {
  const std::uint64_t bits = request.capabilities.bits();
  writer.u32(bits & 0xffffffff);
  writer.u32(request.max_packet_size);
  writer.u8(request.collation);
  writer.zeros(19);
  writer.u32(request.capabilities.has(Capability::long_password) ? 0 : bits >> 32);
}

Result<SslRequest> SslRequest::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "SSLRequest", context);
  SslRequest request;
  if (payload.size() == short_size) {
    request.capabilities = Capabilities(reader.u32("client_flag"));
    reader.note(errc::missing_field, "max_packet_size");
  } else {
    read(reader, request);
  }
  const bool wants_tls = request.capabilities.has(Capability::ssl | Capability::protocol_41);
  if (reader.ok() && !wants_tls) reader.fail_at(errc::bad_value, "client_flag", 0);
  return reader.finish(request);
}

void SslRequest::encode(Writer& writer, const Context&) const { write(writer, *this); }

}  // namespace mysqlwire
