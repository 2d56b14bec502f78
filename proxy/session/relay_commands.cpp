// Relay: commands that are held back, for the gate or for the proxy itself.
#include "proxy/session/kill_statement.hpp"
#include "proxy/session/relay.hpp"

#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/query.hpp>

#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::Capability;
using mysqlwire::Command;
using mysqlwire::errc;
using mysqlwire::packet_header_size;
using mysqlwire::PacketHeader;
using mysqlwire::PacketScanner;

namespace {

/// A command that the proxy acts on itself is held whole, so it has to be small.
constexpr std::uint32_t max_own_command = 128 * 1024;
/// A KILL is a line; a longer statement that begins like one is left to the server.
constexpr std::uint32_t max_kill = 4096;

}  // namespace

/// `bytes` begin with a packet of the client's. `act`: the gate holds it.
Relay::Verdict Relay::ask_gate(Bytes bytes) {
  if (gate_ == nullptr || tracker_.expects_infile() ||
      tracker_.phase() != mysqlwire::Phase::command)
    return Verdict::forward;
  if (bytes.size() < packet_header_size) return Verdict::need_more;
  const PacketHeader header = mysqlwire::read_packet_header(bytes.data());
  const bool whole = header.length <= Gate::max_inspected;
  const std::size_t wanted = whole ? header.length : Gate::inspected_of_longer;
  if (bytes.size() - packet_header_size < wanted) return Verdict::need_more;
  const Gate::Verdict verdict =
      gate_->on_command(bytes.subspan(packet_header_size, wanted), whole, tracker_);
  if (verdict == Gate::Verdict::pass) return Verdict::forward;
  held_by_gate_ = true;
  answer_sequence_id_ = static_cast<std::uint8_t>(header.sequence_id + 1);
  if (verdict == Gate::Verdict::refuse && !whole) {
    swallowing_ = true;
    look_at_held_ = true;
    return Verdict::need_more;
  }
  command_size_ = whole ? packet_header_size + wanted : bytes.size();
  return Verdict::act;
}

/// Throws the rest of the client's packet away; at its end it is the session's turn.
Relay::State Relay::swallow(Bytes bytes) {
  while (!bytes.empty()) {
    const auto step = from_client_.next(bytes);
    if (!step) return fail(State::client_fault, step.error());
    bytes = bytes.subspan(step->consumed);
    if (from_client_.announced_size() > max_payload_) {
      next_sequence_id_ = static_cast<std::uint8_t>(from_client_.sequence_id() + 1);
      return fail(State::client_fault, {errc::packet_too_large, 0, "", ""});
    }
    if (step->kind != PacketScanner::Step::Kind::end) continue;
    swallowing_ = false;
    answer_sequence_id_ = static_cast<std::uint8_t>(step->sequence_id + 1);
    give_back(bytes);
    return State::command;
  }
  return State::waiting;
}

Relay::State Relay::forward_command(Channel& client, Channel& server) {
  held_by_gate_ = false;
  const Bytes held = command();
  const Verdict verdict = judge(held);
  if (verdict == Verdict::act) return State::command;
  if (verdict == Verdict::refuse)
    return fail(State::client_fault, {errc::limit_exceeded, 0, "", "command"});
  std::size_t used = 0;
  const State state = pass_client_packets(Chunk(held_).first(command_size_), used, false);
  if (state != State::waiting) return state;
  pass_to_server(Chunk(held_).first(used), true, client, &server);
  consume_command();
  return State::waiting;
}

Relay::Verdict Relay::judge(Bytes bytes) const noexcept {
  if (tracker_.expects_infile()) return Verdict::forward;
  if (bytes.size() < packet_header_size) return Verdict::need_more;
  const PacketHeader header = mysqlwire::read_packet_header(bytes.data());
  if (header.length == 0) return Verdict::forward;
  if (bytes.size() == packet_header_size) return Verdict::need_more;
  const bool whole = bytes.size() - packet_header_size >= header.length;
  switch (static_cast<Command>(bytes[packet_header_size])) {
    case Command::com_query: return judge_query(bytes.subspan(packet_header_size), header.length);
    case Command::com_change_user:
    case Command::com_process_kill:
    case Command::com_clone:
    case Command::com_subscribe_group_replication_stream:
      if (header.length > max_own_command) return Verdict::refuse;
      return whole ? Verdict::act : Verdict::need_more;
    default: return Verdict::forward;
  }
}

/// `bytes`: what is there of the payload, at least one byte; `length`: how long it is going to be.
Relay::Verdict Relay::judge_query(Bytes bytes, std::uint32_t length) const noexcept {
  const bool attributes = tracker_.context().capabilities.has(Capability::query_attributes);
  const std::size_t text = attributes ? 3 : 1;  // with no attribute in it
  const bool whole = bytes.size() >= length;
  if (attributes && bytes.size() > 1 && bytes[1] != 0) {
    // The text begins behind the attributes. Only a short statement can be a KILL.
    if (length > max_kill) return Verdict::forward;
    if (!whole) return Verdict::need_more;
    const auto query = mysqlwire::ComQuery::decode(bytes.first(length), tracker_.context());
    return query && parse_kill(query->query) ? Verdict::act : Verdict::forward;
  }
  if (bytes.size() <= text) return whole ? Verdict::forward : Verdict::need_more;
  if (!may_be_kill(mysqlwire::as_text(bytes.subspan(text))) || length > max_kill)
    return Verdict::forward;
  if (!whole) return Verdict::need_more;
  return parse_kill(mysqlwire::as_text(bytes.subspan(text, length - text))) ? Verdict::act
                                                                            : Verdict::forward;
}

Bytes Relay::command() const noexcept { return Bytes(held_).first(command_size_); }

Relay::State Relay::forward_instead(Channel& client, Channel& server, mysqlwire::Buffer instead) {
  held_by_gate_ = false;
  std::size_t used = 0;
  const State state = pass_client_packets(instead, used, false);
  if (state != State::waiting) return state;
  consume_command();
  pass_to_server(instead, true, client, &server);
  return State::waiting;
}

std::optional<mysqlwire::Buffer> Relay::begun_by(Bytes beginning, std::size_t size) const {
  const Bytes held = command();
  PacketHeader header = mysqlwire::read_packet_header(held.data());
  const std::size_t length = header.length - size + beginning.size();
  if (length >= mysqlwire::max_frame_payload) return std::nullopt;
  header.length = static_cast<std::uint32_t>(length);
  mysqlwire::Buffer packet(packet_header_size);
  mysqlwire::write_packet_header(packet.data(), header);
  packet.insert(packet.end(), beginning.begin(), beginning.end());
  const Bytes rest = held.subspan(packet_header_size + size);
  packet.insert(packet.end(), rest.begin(), rest.end());
  return packet;
}

void Relay::drop_command() {
  ++commands_;
  held_by_gate_ = false;
  consume_command();
}

void Relay::repeat(Bytes packets) {
  --commands_;
  held_.insert(held_.begin(), packets.begin(), packets.end());
  look_at_held_ = true;
}

mysqlwire::Buffer Relay::surrender() noexcept {
  ++commands_;
  held_by_gate_ = false;
  command_size_ = 0;
  look_at_held_ = false;
  return std::exchange(held_, {});
}

void Relay::give_back(Bytes bytes) {
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  look_at_held_ = !held_.empty();
}

void Relay::consume_command() {
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(command_size_));
  if (held_.empty()) release_held();
  command_size_ = 0;
  look_at_held_ = !held_.empty();
}

void Relay::restart(const mysqlwire::Context& context, bool compressed, Bytes early) {
  tracker_ = mysqlwire::Tracker::in_command_phase(context);
  cut_ = Cut::none;
  change_server();
  expect(compressed);
  give_back(early);
}

}  // namespace mysqlproxy
