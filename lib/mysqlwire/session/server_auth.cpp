#include <mysqlwire/session/server_auth.hpp>
#include <mysqlwire/wire/auth.hpp>
#include <mysqlwire/wire/err_packet.hpp>
#include <mysqlwire/wire/error_code.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/salt.hpp>
#include <mysqlwire/wire/wipe.hpp>

#include <algorithm>

namespace mysqlwire {
namespace {

constexpr std::uint8_t com_quit = 0x01;

/// The fixed head of a login, the NULs and length prefixes, with room to spare.
constexpr std::uint64_t login_overhead = 256;

constexpr std::string_view old_auth_text =
    "Client does not support authentication protocol requested by server; consider upgrading MySQL "
    "client";

/// A command in place of the packet that was due: it begins a sequence of its own.
bool is_quit(const Packet& packet) noexcept {
  return packet.first_sequence_id == 0 && packet.payload.size() == 1 &&
         packet.payload.front() == com_quit;
}

}  // namespace

ServerAuth::~ServerAuth() { wipe(login_.auth_response); }

std::uint64_t ServerAuth::max_payload() const noexcept {
  const std::uint64_t reply = limits_.max_auth_response;
  if (phase_ == Phase::reply) return reply;
  return login_overhead + limits_.max_user + reply + limits_.max_schema + limits_.max_plugin_name +
         limits_.max_attributes_bytes;
}

Context ServerAuth::context() const noexcept {
  Context context;
  context.capabilities = login_.capabilities;
  context.limits = limits_;
  return context;
}

void ServerAuth::set_auth_response(Bytes response) {
  wipe(login_.auth_response);
  login_.auth_response.assign(response.begin(), response.end());
}

const Error* ServerAuth::missing_attributes(const Notes& notes) noexcept {
  const auto missing = std::ranges::find_if(notes, [](const Error& note) {
    return note.code == errc::missing_field &&
           std::string_view(note.field) == "connection_attributes";
  });
  return missing != notes.end() ? missing : nullptr;
}

ServerAuth::Step ServerAuth::admit(const Packet& packet, Buffer& out) {
  if (phase_ == Phase::idle || phase_ == Phase::verdict || phase_ == Phase::over) {
    return refuse({errc::unexpected_packet, 0, "login", ""}, out);
  }
  if (is_quit(packet)) {
    phase_ = Phase::over;
    return Step::quit;
  }
  if (check_sequence_ && packet.first_sequence_id != sequence_id_) {
    return refuse({errc::packets_out_of_order, 0, "login", "sequence_id"}, out);
  }
  sequence_id_ = static_cast<std::uint8_t>(packet.last_sequence_id + 1);
  if (packet.payload.size() > max_payload()) {
    return refuse({errc::packet_too_large, 0, "login", ""}, out);
  }
  return Step::need_more;
}

ServerAuth::Step ServerAuth::on_reply(const Packet& packet, Buffer& out) {
  const Step step = admit(packet, out);
  if (step != Step::need_more) return step;
  set_auth_response(packet.payload);
  phase_ = Phase::verdict;
  return Step::need_verdict;
}

ServerAuth::Step ServerAuth::switch_plugin(std::string_view plugin, Bytes data, Buffer& out) {
  if (!login_.capabilities.has(Capability::plugin_auth)) {
    return refuse_with(Refusal::old_auth,
                       {errc::unsupported, 0, "AuthSwitchRequest", "CLIENT_PLUGIN_AUTH"}, out);
  }
  if (++rounds_ > limits_.max_auth_rounds) {
    return refuse({errc::limit_exceeded, 0, "AuthSwitchRequest", ""}, out);
  }
  switch_required_ = false;
  Buffer terminated(data.begin(), data.end());
  plugin_ = plugin;
  salt_ = terminated;
  if (data.size() == salt_size) terminated.push_back(0);
  const auto sent =
      append_message(out, AuthSwitchRequest{plugin, terminated}, context(), sequence_id_);
  if (!sent) return refuse(sent.error(), out);
  phase_ = Phase::reply;
  return Step::need_more;
}

ServerAuth::Step ServerAuth::more_data(Bytes data, Buffer& out) {
  if (++rounds_ > limits_.max_auth_rounds) {
    return refuse({errc::limit_exceeded, 0, "AuthMoreData", ""}, out);
  }
  const auto sent = append_message(out, AuthMoreData{data}, context(), sequence_id_);
  if (!sent) return refuse(sent.error(), out);
  phase_ = Phase::reply;
  return Step::need_more;
}

ServerAuth::Step ServerAuth::refuse(const Error& error, Buffer& out) {
  switch (error.code) {
    case errc::packets_out_of_order: return refuse_with(Refusal::out_of_order, error, out);
    case errc::packet_too_large: return refuse_with(Refusal::too_large, error, out);
    default: return refuse_with(Refusal::bad_handshake, error, out);
  }
}

ServerAuth::Step ServerAuth::refuse_with(Refusal refusal, const Error& error, Buffer& out) {
  // Before a login was read nothing is known of the client: it gets the form of today.
  ErrPacket packet;
  switch (refusal) {
    case Refusal::bad_handshake:
      packet = {error_codes::er_handshake_error, "08S01", "Bad handshake"};
      break;
    case Refusal::out_of_order:
      packet = {error_codes::er_net_packets_out_of_order, "08S01", "Got packets out of order"};
      break;
    case Refusal::too_large:
      packet = {error_codes::er_net_packet_too_large, "08S01",
                "Got a packet bigger than 'max_allowed_packet' bytes"};
      break;
    case Refusal::old_auth:
    case Refusal::old_client:
      packet = {error_codes::er_not_supported_auth_mode, "08004", old_auth_text};
      break;
    case Refusal::unknown_command:
      packet = {error_codes::er_unknown_com_error, "08S01", "Unknown command"};
      break;
  }
  if (refusal == Refusal::old_client) packet.sql_state = {};
  Context written;
  written.capabilities = Capability::protocol_41;
  (void)append_message(out, packet, written, sequence_id_);  // fits: the texts are our own
  wipe(login_.auth_response);
  error_ = error;
  phase_ = Phase::over;
  return Step::refused;
}

void ServerAuth::accept(Bytes ok_payload, Buffer& out) {
  append_packet(out, ok_payload, sequence_id_);
  wipe(login_.auth_response);
  phase_ = Phase::over;
}

void ServerAuth::reject(Bytes err_payload, Buffer& out) {
  append_packet(out, err_payload, sequence_id_);
  wipe(login_.auth_response);
  phase_ = Phase::over;
}

}  // namespace mysqlwire
