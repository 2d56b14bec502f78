#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/reader.hpp>

namespace mysqlwire {
namespace {

void expect_header(Reader& reader, std::uint8_t header) noexcept {
  const std::uint8_t first = reader.u8("header");
  if (reader.ok() && first != header) reader.fail_at(errc::bad_value, "header", 0);
}

}  // namespace

Result<AuthSwitchRequest> AuthSwitchRequest::decode(Bytes payload,
                                                    const Context& context) noexcept {
  Reader reader(payload, "AuthSwitchRequest", context);
  AuthSwitchRequest request;
  expect_header(reader, header);
  request.plugin_name = reader.nul_text("plugin_name");
  request.plugin_provided_data = reader.rest("plugin_provided_data");
  return reader.finish(request);
}

void AuthSwitchRequest::encode(Writer& writer, const Context&) const {
  writer.u8(header);
  writer.nul_text(plugin_name, "plugin_name");
  writer.bytes(plugin_provided_data);
}

Result<OldAuthSwitchRequest> OldAuthSwitchRequest::decode(Bytes payload,
                                                          const Context& context) noexcept {
  Reader reader(payload, "OldAuthSwitchRequest", context);
  expect_header(reader, header);
  // More bytes make it another message, so they are no deviation to be lenient about.
  if (reader.ok() && !reader.at_end()) reader.fail(errc::trailing_bytes, "");
  return reader.finish(OldAuthSwitchRequest{});
}

void OldAuthSwitchRequest::encode(Writer& writer, const Context&) const { writer.u8(header); }

Result<AuthMoreData> AuthMoreData::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "AuthMoreData", context);
  AuthMoreData more;
  expect_header(reader, header);
  more.authentication_method_data = reader.rest("authentication_method_data");
  return reader.finish(more);
}

void AuthMoreData::encode(Writer& writer, const Context&) const {
  writer.u8(header);
  writer.bytes(authentication_method_data);
}

Result<AuthNextFactor> AuthNextFactor::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "AuthNextFactor", context);
  AuthNextFactor next;
  expect_header(reader, header);
  next.plugin_name = reader.nul_text("plugin_name");
  next.plugin_provided_data = reader.rest("plugin_provided_data");
  return reader.finish(next);
}

void AuthNextFactor::encode(Writer& writer, const Context&) const {
  writer.u8(header);
  writer.nul_text(plugin_name, "plugin_name");
  writer.bytes(plugin_provided_data);
}

}  // namespace mysqlwire
