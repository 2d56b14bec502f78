#include <mysqlwire/wire/com_change_user.hpp>
#include <mysqlwire/wire/reader.hpp>

namespace mysqlwire {
namespace {

bool lenenc_auth_response(const Context& context) noexcept {
  return context.flavor == Flavor::mariadb &&
         context.capabilities.has(Capability::plugin_auth_lenenc_client_data);
}

}  // namespace

Result<ComChangeUser> ComChangeUser::decode(Bytes payload, const Context& context) noexcept {
  Reader reader(payload, "COM_CHANGE_USER", context);
  ComChangeUser change;
  const std::uint8_t first = reader.u8("header");
  if (reader.ok() && first != header) reader.fail_at(errc::bad_value, "header", 0);
  change.user = reader.nul_text("user");
  if (lenenc_auth_response(context)) {
    change.auth_response = reader.lenenc_bytes("auth_response");
  } else if (context.capabilities.has(Capability::secure_connection)) {
    change.auth_response = reader.bytes(reader.u8("auth_response_length"), "auth_response");
  } else {
    change.auth_response = reader.nul_bytes("auth_response");
  }
  change.schema = reader.nul_text("database");

  const bool plugin_auth = context.capabilities.has(Capability::plugin_auth);
  if (reader.at_end() && !plugin_auth) {
    reader.note(errc::missing_field, "character_set");
    return reader.finish(change);
  }
  change.collation = reader.u16("character_set");
  if (plugin_auth) change.auth_plugin_name = reader.nul_text("auth_plugin_name");
  if (context.capabilities.has(Capability::connect_attrs)) {
    if (reader.at_end()) {
      reader.note(errc::missing_field, "connection_attributes");
    } else {
      read(reader, change.attributes, context);
    }
  }
  return reader.finish(change);
}

void ComChangeUser::encode(Writer& writer, const Context& context) const {
  writer.u8(header);
  writer.nul_text(user, "user");
  if (lenenc_auth_response(context)) {
    writer.lenenc_bytes(auth_response);
  } else if (context.capabilities.has(Capability::secure_connection)) {
    writer.u8(auth_response.size(), "auth_response_length");
    writer.bytes(auth_response);
  } else {
    writer.nul_text(as_text(auth_response), "auth_response");
  }
  writer.nul_text(schema, "database");
  writer.u16(collation);
  if (context.capabilities.has(Capability::plugin_auth)) {
    writer.nul_text(auth_plugin_name, "auth_plugin_name");
  }
  if (context.capabilities.has(Capability::connect_attrs)) write(writer, attributes);
}

}  // namespace mysqlwire
