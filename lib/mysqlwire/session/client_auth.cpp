#include <mysqlwire/session/client_auth.hpp>
#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/salt.hpp>

namespace mysqlwire {
namespace {

constexpr std::string_view native_password = "mysql_native_password";

/// A salt loses its closing NUL; everything else is left as it is.
Bytes without_closing_nul(Bytes data) noexcept {
  const bool salt = data.size() == salt_size + 1 && data.back() == 0;
  return salt ? data.first(salt_size) : data;
}

}  // namespace

Context ClientAuth::context() const noexcept {
  Context context;
  context.capabilities = capabilities_;
  context.flavor = flavor_;
  context.limits = limits_;
  return context;
}

ClientAuth::Step ClientAuth::fail(const Error& error) noexcept {
  error_ = error;
  phase_ = Phase::over;
  return Step::failed;
}

std::string_view ClientAuth::first_plugin(std::string_view greeting_plugin) const noexcept {
  if (!capabilities_.has(Capability::plugin_auth)) return native_password;
  if (!login_.preferred_plugin.empty()) return login_.preferred_plugin;
  return greeting_plugin.empty() ? native_password : greeting_plugin;
}

ClientAuth::Step ClientAuth::need_auth(AuthSource source, std::string_view plugin, Bytes data) {
  const Bytes kept = without_closing_nul(data);
  source_ = source;
  if (plugin.data() != plugin_.data()) plugin_ = plugin;
  auth_data_.assign(kept.begin(), kept.end());
  return Step::need_auth;
}

ClientAuth::Step ClientAuth::admit(const Packet& packet) {
  const Bytes payload = packet.payload;
  if (phase_ == Phase::over || phase_ == Phase::idle) {
    return fail({errc::unexpected_packet, 0, "login", ""});
  }
  if (payload.size() > max_payload) return fail({errc::packet_too_large, 0, "login", ""});
  // An ERR says why the server ends it; it is worth more than its sequence id.
  if (!payload.empty() && payload.front() == ErrPacket::header) {
    verdict_.assign(payload.begin(), payload.end());
    sequence_id_ = static_cast<std::uint8_t>(packet.last_sequence_id + 1);
    phase_ = Phase::over;
    return Step::refused;
  }
  if (check_sequence_ && packet.first_sequence_id != sequence_id_) {
    return fail({errc::packets_out_of_order, 0, "login", "sequence_id"});
  }
  sequence_id_ = static_cast<std::uint8_t>(packet.last_sequence_id + 1);
  return Step::need_more;
}

ClientAuth::Step ClientAuth::on_auth_packet(const Packet& packet) {
  const Step step = admit(packet);
  if (step != Step::need_more) return step;
  const bool no_reply_needed = phase_ == Phase::reply && source_ == AuthSource::more_data;
  if (phase_ != Phase::verdict && !no_reply_needed) {
    return fail({errc::unexpected_packet, 0, "login", ""});
  }
  const Bytes payload = packet.payload;
  if (payload.empty()) return fail({errc::truncated, 0, "login", "header"});
  switch (payload.front()) {
    case OkPacket::header: return on_ok(payload);
    case AuthMoreData::header:
      return next_round(AuthSource::more_data, plugin_, payload.subspan(1));
    case AuthNextFactor::header:
      // Where factors were not negotiated, MariaDB's bare plugin data: a question of its dialog.
      if (flavor_ == Flavor::mariadb && !capabilities_.has(Capability::multi_factor_authentication))
        break;
      return on_next_factor(payload);
    case AuthSwitchRequest::header: return on_switch(payload);
    default: break;
  }
  // MariaDB sends plugin data bare when they can't be taken for another packet.
  if (flavor_ == Flavor::mariadb) return next_round(AuthSource::more_data, plugin_, payload);
  return fail({errc::unexpected_packet, 0, "login", "header"});
}

ClientAuth::Step ClientAuth::on_ok(Bytes payload) {
  const auto ok = OkPacket::decode(payload, context());
  if (!ok) return fail(ok.error());
  verdict_.assign(payload.begin(), payload.end());
  phase_ = Phase::over;
  return Step::ready;
}

ClientAuth::Step ClientAuth::on_switch(Bytes payload) {
  if (payload.size() == 1) {
    return fail({errc::unsupported, 0, "OldAuthSwitchRequest", "mysql_old_password"});
  }
  if (!capabilities_.has(Capability::plugin_auth)) {
    return fail({errc::unexpected_packet, 0, "AuthSwitchRequest", ""});
  }
  const auto request = AuthSwitchRequest::decode(payload, context());
  if (!request) return fail(request.error());
  return next_round(AuthSource::switched, request->plugin_name, request->plugin_provided_data);
}

ClientAuth::Step ClientAuth::on_next_factor(Bytes payload) {
  if (!capabilities_.has(Capability::multi_factor_authentication)) {
    return fail({errc::unexpected_packet, 0, "AuthNextFactor", ""});
  }
  const auto next = AuthNextFactor::decode(payload, context());
  if (!next) return fail(next.error());
  return next_round(AuthSource::next_factor, next->plugin_name, next->plugin_provided_data);
}

ClientAuth::Step ClientAuth::next_round(AuthSource source, std::string_view plugin, Bytes data) {
  if (++rounds_ > limits_.max_auth_rounds) {
    return fail({errc::limit_exceeded, 0, "login", "auth_rounds"});
  }
  phase_ = Phase::reply;
  return need_auth(source, plugin, data);
}

void ClientAuth::reserve_for_secret(Buffer& out, Bytes auth_response) const {
  // The fixed fields, the NULs and length prefixes, with room to spare.
  constexpr std::size_t overhead = 128;
  out.reserve(out.size() + overhead + login_.user.size() + login_.schema.size() + plugin_.size() +
              login_.attributes.size() + auth_response.size());
}

ClientAuth::Step ClientAuth::respond_raw(Bytes auth_response, Buffer& out) {
  if (phase_ != Phase::reply) return fail({errc::unexpected_packet, 0, "login", "auth_response"});
  reserve_for_secret(out, auth_response);
  append_packet(out, auth_response, sequence_id_);
  phase_ = Phase::verdict;
  return Step::need_more;
}

}  // namespace mysqlwire
