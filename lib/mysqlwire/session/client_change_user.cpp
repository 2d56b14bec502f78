#include <mysqlwire/session/client_change_user.hpp>
#include <mysqlwire/wire/com_change_user.hpp>
#include <mysqlwire/wire/frame.hpp>

#include <utility>

namespace mysqlwire {

ClientChangeUser::ClientChangeUser(ClientLogin login, Capabilities negotiated,
                                   const ServerGreeting& greeting, Limits limits)
    : ClientAuth(std::move(login), Phase::idle, limits), salt_(greeting.salt) {
  capabilities_ = negotiated;
  check_sequence_ = !compresses(negotiated);
  flavor_ = greeting.flavor();
  plugin_ = first_plugin(greeting.auth_plugin);
}

ClientChangeUser::Step ClientChangeUser::start(Buffer& out) {
  if (phase_ != Phase::idle) return fail({errc::unexpected_packet, 0, "COM_CHANGE_USER", ""});
  if (capabilities_.has(Capability::plugin_auth)) return send_command({}, out);
  phase_ = Phase::first_reply;
  return need_auth(AuthSource::greeting, plugin_, salt_);
}

ClientChangeUser::Step ClientChangeUser::on_packet(const Packet& packet, Buffer&) {
  return on_auth_packet(packet);
}

ClientChangeUser::Step ClientChangeUser::respond(Bytes auth_response, Buffer& out) {
  return phase_ == Phase::first_reply ? send_command(auth_response, out)
                                      : respond_raw(auth_response, out);
}

ClientChangeUser::Step ClientChangeUser::send_command(Bytes auth_response, Buffer& out) {
  ComChangeUser change;
  change.user = login_.user;
  change.auth_response = auth_response;
  change.schema = login_.schema;
  change.collation = login_.collation;
  change.auth_plugin_name = plugin_;
  change.attributes.block = login_.attributes;
  reserve_for_secret(out, auth_response);
  const auto sent = append_message(out, change, context(), sequence_id_);
  if (!sent) return fail(sent.error());
  phase_ = Phase::verdict;
  return Step::need_more;
}

}  // namespace mysqlwire
