#include <mysqlwire/session/server_change_user.hpp>
#include <mysqlwire/wire/com_change_user.hpp>

namespace mysqlwire {

ServerChangeUser::ServerChangeUser(Capabilities negotiated, Flavor flavor,
                                   const Salt& greeting_salt, Limits limits)
    : ServerAuth(Phase::request, 0, limits), flavor_(flavor) {
  login_.capabilities = negotiated;
  switch_required_ = negotiated.has(Capability::plugin_auth);
  check_sequence_ = !compresses(negotiated);
  salt_.assign(greeting_salt.begin(), greeting_salt.end());
}

ServerChangeUser::Step ServerChangeUser::on_packet(const Packet& packet, Buffer& out) {
  return phase_ == Phase::reply ? on_reply(packet, out) : on_command(packet, out);
}

ServerChangeUser::Step ServerChangeUser::on_command(const Packet& packet, Buffer& out) {
  const Step step = admit(packet, out);
  if (step != Step::need_more) return step;
  Context context = this->context();
  context.flavor = flavor_;
  Notes notes;
  context.notes = &notes;
  const auto decoded = ComChangeUser::decode(packet.payload, context);
  if (!decoded) return refuse_with(Refusal::unknown_command, decoded.error(), out);
  if (const Error* missing = missing_attributes(notes))
    return refuse_with(Refusal::unknown_command, *missing, out);
  const ComChangeUser& change = *decoded;
  if (change.user.size() > limits_.max_user || change.schema.size() > limits_.max_schema ||
      change.auth_plugin_name.size() > limits_.max_plugin_name) {
    return refuse_with(Refusal::unknown_command, {errc::too_long, 0, "COM_CHANGE_USER", ""}, out);
  }
  login_.user = change.user;
  login_.schema = change.schema;
  login_.collation = change.collation;
  login_.auth_plugin = change.auth_plugin_name;
  login_.attributes.assign(change.attributes.block.begin(), change.attributes.block.end());
  if (login_.capabilities.has(Capability::plugin_auth)) {
    plugin_ = change.auth_plugin_name;
  } else {
    plugin_ = "mysql_native_password";
    set_auth_response(change.auth_response);
  }
  phase_ = Phase::verdict;
  return Step::need_verdict;
}

}  // namespace mysqlwire
