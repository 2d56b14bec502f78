#include "proxy/session/errors.hpp"

#include <mysqlwire/wire/err_packet.hpp>

#include <fmt/format.h>

namespace mysqlproxy {
namespace {

mysqlwire::Buffer encode(SqlError error, std::string_view message,
                         mysqlwire::Capabilities capabilities) {
  mysqlwire::Context context;
  context.capabilities = capabilities;
  mysqlwire::Buffer payload;
  mysqlwire::Writer writer(payload);
  mysqlwire::ErrPacket{error.code, error.sqlstate, message}.encode(writer, context);
  return payload;
}

}  // namespace

mysqlwire::Buffer error_payload(SqlError error, std::string_view message) {
  return encode(error, message, mysqlwire::Capability::protocol_41);
}

mysqlwire::Buffer early_error_payload(SqlError error, std::string_view message) {
  return encode(error, message, {});
}

std::string access_denied_message(std::string_view user, std::string_view host,
                                  bool using_password) {
  return fmt::format("Access denied for user '{}'@'{}' (using password: {})", user, host,
                     using_password ? "YES" : "NO");
}

std::string host_blocked_message(std::string_view host, mysqlwire::Flavor flavor) {
  const bool mariadb = flavor == mysqlwire::Flavor::mariadb;
  return fmt::format(
      "Host '{}' is blocked because of many connection errors; unblock with '{} flush-hosts'", host,
      mariadb ? "mariadb-admin" : "mysqladmin");
}

}  // namespace mysqlproxy
