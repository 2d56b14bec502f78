#include <mysqlwire/session/server_handshake.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/handshake_response320.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/ssl_request.hpp>

#include <optional>
#include <utility>

namespace mysqlwire {
namespace {

constexpr std::string_view native_password = "mysql_native_password";

/// The low capability bits, which stand first in every form of a login.
std::optional<Capabilities> peek_capabilities(Bytes payload) noexcept {
  Reader reader(payload, "HandshakeResponse", Context{});
  const std::uint64_t bits = reader.u16("client_flag");
  if (!reader.ok()) return std::nullopt;
  return Capabilities(bits);
}

/// Servers take one pair of quotes off a user name that stands in them.
std::string_view strip_quotes(std::string_view user) noexcept {
  if (user.size() < 2 || !user.starts_with('\'') || !user.ends_with('\'')) return user;
  return user.substr(1, user.size() - 2);
}

/// The name of the first field that is longer than a stranger's may be.
const char* field_over_limit(const HandshakeResponse41& response, const Limits& limits) noexcept {
  if (response.user.size() > limits.max_user) return "user";
  if (response.auth_response.size() > limits.max_auth_response) return "auth_response";
  if (response.schema.size() > limits.max_schema) return "database";
  if (response.auth_plugin_name.size() > limits.max_plugin_name) return "auth_plugin_name";
  return nullptr;
}

}  // namespace

ServerHandshake::ServerHandshake(ServerGreeting greeting, Limits limits)
    : ServerAuth(Phase::idle, 0, limits), greeting_(std::move(greeting)) {}

void ServerHandshake::start(Buffer& out) {
  const Bytes salt = greeting_.salt;
  HandshakeV10 packet;
  packet.server_version = greeting_.server_version;
  packet.connection_id = greeting_.connection_id;
  packet.auth_plugin_data_part1 = salt.first(8);
  packet.capabilities = greeting_.capabilities;
  packet.collation = greeting_.collation;
  packet.status = greeting_.status;
  packet.auth_plugin_data_part2 = salt.subspan(8);
  packet.auth_plugin_name = greeting_.auth_plugin;
  (void)append_message(out, packet, Context{}, sequence_id_);
  phase_ = Phase::request;
}

ServerHandshake::Step ServerHandshake::on_packet(const Packet& packet, Buffer& out) {
  return phase_ == Phase::reply ? on_reply(packet, out) : on_request(packet, out);
}

ServerHandshake::Step ServerHandshake::on_request(const Packet& packet, Buffer& out) {
  const Step step = admit(packet, out);
  if (step != Step::need_more) return step;
  // A probe that looks at the greeting and leaves by a COM_QUIT that is numbered on.
  if (packet.payload.size() == 1 && packet.payload.front() == 0x01) {
    phase_ = Phase::over;
    return Step::quit;
  }
  const auto capabilities = peek_capabilities(packet.payload);
  if (!capabilities) {
    return refuse({errc::truncated, 0, "HandshakeResponse41", "client_flag"}, out);
  }
  if (!capabilities->has(Capability::protocol_41)) return refuse_320(packet, out);
  if (capabilities->has(Capability::ssl) && phase_ == Phase::request) {
    return on_ssl_request(packet, out);
  }
  return on_login(packet, out);
}

ServerHandshake::Step ServerHandshake::refuse_320(const Packet& packet, Buffer& out) {
  const auto response = HandshakeResponse320::decode(packet.payload, context());
  if (!response) return refuse(response.error(), out);
  return refuse_with(Refusal::old_client,
                     {errc::unsupported, 0, "HandshakeResponse320", "CLIENT_PROTOCOL_41"}, out);
}

ServerHandshake::Step ServerHandshake::on_ssl_request(const Packet& packet, Buffer& out) {
  if (!greeting_.capabilities.has(Capability::ssl)) {
    return refuse({errc::unsupported, 0, "SSLRequest", "CLIENT_SSL"}, out);
  }
  // Longer than an SSLRequest: a whole login in clear that says it is in TLS.
  if (packet.payload.size() > SslRequest::size) {
    return refuse({errc::too_long, 0, "SSLRequest", ""}, out);
  }
  const auto request = SslRequest::decode(packet.payload, context());
  if (!request) return refuse(request.error(), out);
  tls_ = true;
  phase_ = Phase::request_in_tls;
  return Step::start_tls;
}

ServerHandshake::Step ServerHandshake::on_login(const Packet& packet, Buffer& out) {
  Notes notes;
  Context context = this->context();
  context.notes = &notes;
  const auto decoded = HandshakeResponse41::decode(packet.payload, context);
  if (!decoded) return refuse(decoded.error(), out);
  const HandshakeResponse41& response = *decoded;
  if (!response.capabilities.has(Capability::secure_connection)) {
    return refuse_with(Refusal::old_auth,
                       {errc::unsupported, 0, "HandshakeResponse41", "CLIENT_SECURE_CONNECTION"},
                       out);
  }
  if (const char* field = field_over_limit(response, limits_)) {
    return refuse({errc::too_long, 0, "HandshakeResponse41", field}, out);
  }
  if (greeting_.capabilities.has(Capability::connect_attrs)) {
    if (const Error* missing = missing_attributes(notes)) return refuse(*missing, out);
  }
  login_.capabilities = response.capabilities & greeting_.capabilities;
  login_.max_packet_size = response.max_packet_size;
  login_.collation = response.collation;
  login_.user = strip_quotes(response.user);
  login_.schema = response.schema;
  login_.auth_plugin = response.auth_plugin_name;
  set_auth_response(response.auth_response);
  login_.attributes.assign(response.attributes.block.begin(), response.attributes.block.end());
  login_.zstd_compression_level = response.zstd_compression_level;

  const bool names_plugin =
      login_.capabilities.has(Capability::plugin_auth) && !login_.auth_plugin.empty();
  plugin_ = names_plugin ? std::string_view(login_.auth_plugin) : native_password;
  salt_.assign(greeting_.salt.begin(), greeting_.salt.end());
  switch_required_ =
      names_plugin && plugin_ != greeting_.auth_plugin && login_.auth_response.empty();
  phase_ = Phase::verdict;
  return Step::need_verdict;
}

}  // namespace mysqlwire
