#include <mysqlwire/session/client_handshake.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/handshake_response41.hpp>
#include <mysqlwire/wire/ssl_request.hpp>

#include <utility>

namespace mysqlwire {
namespace {

/// utf8mb4_general_ci: on every server, and of the character set that most of the ids have which
/// do not fit one byte.
constexpr std::uint8_t fallback_collation = 45;

std::uint8_t login_collation(std::uint16_t wanted) noexcept {
  return wanted > 0xff ? fallback_collation : static_cast<std::uint8_t>(wanted);
}

}  // namespace

ClientHandshake::ClientHandshake(ClientLogin login, Limits limits)
    : ClientAuth(std::move(login), Phase::greeting, limits) {}

ClientHandshake::Step ClientHandshake::on_packet(const Packet& packet, Buffer& out) {
  return phase_ == Phase::greeting ? on_greeting(packet, out) : on_auth_packet(packet);
}

ClientHandshake::Step ClientHandshake::on_greeting(const Packet& packet, Buffer& out) {
  const Step step = admit(packet);
  if (step != Step::need_more) return step;
  const auto decoded = HandshakeV10::decode(packet.payload, context());
  if (!decoded) return fail(decoded.error());
  greeting_.server_version = decoded->server_version;
  greeting_.connection_id = decoded->connection_id;
  greeting_.capabilities = decoded->capabilities;
  greeting_.collation = decoded->collation;
  greeting_.status = decoded->status;
  greeting_.auth_plugin = decoded->auth_plugin_name;
  greeting_.salt = decoded->salt();
  flavor_ = greeting_.flavor();

  const Step refusal = negotiate();
  if (refusal != Step::need_more) return refusal;
  need_auth(AuthSource::greeting, first_plugin(greeting_.auth_plugin), greeting_.salt);
  if (capabilities_.has(Capability::ssl)) return send_ssl_request(out);
  phase_ = Phase::first_reply;
  return Step::need_auth;
}

ClientHandshake::Step ClientHandshake::negotiate() noexcept {
  Capabilities wanted = login_.capabilities;
  wanted.set(Capability::protocol_41 | Capability::secure_connection);
  wanted.set(Capability::connect_with_db, !login_.schema.empty());
  capabilities_ = wanted & greeting_.capabilities;

  const auto lacks = [this](const char* field) {
    return fail({errc::unsupported, 0, "HandshakeV10", field});
  };
  if (!capabilities_.has(Capability::protocol_41)) return lacks("CLIENT_PROTOCOL_41");
  if (!capabilities_.has(Capability::secure_connection)) return lacks("CLIENT_SECURE_CONNECTION");
  if (!login_.schema.empty() && !capabilities_.has(Capability::connect_with_db)) {
    return lacks("CLIENT_CONNECT_WITH_DB");
  }
  const bool wants_tls = wanted.has(Capability::ssl) && !login_.tls_optional;
  if (wants_tls && !capabilities_.has(Capability::ssl)) return lacks("CLIENT_SSL");
  return Step::need_more;
}

ClientHandshake::Step ClientHandshake::send_ssl_request(Buffer& out) {
  const SslRequest request{capabilities_, login_.max_packet_size,
                           login_collation(login_.collation)};
  (void)append_message(out, request, context(), sequence_id_);
  phase_ = Phase::tls;
  return Step::start_tls;
}

ClientHandshake::Step ClientHandshake::tls_established() noexcept {
  if (phase_ != Phase::tls) return fail({errc::unexpected_packet, 0, "login", "TLS"});
  tls_ = true;
  phase_ = Phase::first_reply;
  return Step::need_auth;
}

ClientHandshake::Step ClientHandshake::respond(Bytes auth_response, Buffer& out) {
  return phase_ == Phase::first_reply ? send_login(auth_response, out)
                                      : respond_raw(auth_response, out);
}

ClientHandshake::Step ClientHandshake::send_login(Bytes auth_response, Buffer& out) {
  HandshakeResponse41 response;
  response.capabilities = capabilities_;
  response.max_packet_size = login_.max_packet_size;
  response.collation = login_collation(login_.collation);
  response.user = login_.user;
  response.auth_response = auth_response;
  response.schema = login_.schema;
  response.auth_plugin_name = plugin_;
  response.attributes.block = login_.attributes;
  response.zstd_compression_level = login_.zstd_compression_level;
  reserve_for_secret(out, auth_response);
  const auto sent = append_message(out, response, context(), sequence_id_);
  if (!sent) return fail(sent.error());
  phase_ = Phase::verdict;
  return Step::need_more;
}

}  // namespace mysqlwire
