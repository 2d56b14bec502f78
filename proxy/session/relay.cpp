#include "proxy/session/relay.hpp"

#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/ok_packet.hpp>

#include <algorithm>
#include <utility>

namespace mysqlproxy {

using mysqlwire::Bytes;
using mysqlwire::Command;
using mysqlwire::Direction;
using mysqlwire::errc;
using mysqlwire::Error;
using mysqlwire::packet_header_size;
using mysqlwire::PacketHeader;
using mysqlwire::PacketKind;
using mysqlwire::PacketScanner;

namespace {

/// A turn moves at most this many reads, so that one fast connection does not starve its thread.
constexpr int reads_a_turn = 16;
constexpr std::uint8_t err_header = 0xFF;

/// It says how the command went, or a part of it.
constexpr bool tells(PacketKind kind) noexcept {
  return kind == PacketKind::ok || kind == PacketKind::err || kind == PacketKind::result_end ||
         kind == PacketKind::prepare_ok;
}

/// A gate may want to say something else.
constexpr bool may_be_rewritten(PacketKind kind) noexcept {
  return tells(kind) || kind == PacketKind::eof || kind == PacketKind::field_list_end;
}

}  // namespace

Relay::Relay(const mysqlwire::Context& context, bool compressed, Bytes early)
    : held_(early.begin(), early.end()),
      look_at_held_(!held_.empty()),
      tracker_(mysqlwire::Tracker::in_command_phase(context)),
      max_payload_(context.limits.max_payload) {
  expect(compressed);
}

void Relay::expect(bool compressed) {
  numbering_.reset();
  if (compressed) numbering_ = std::make_unique<Numbering>();
  if (compressed) tracker_.check_sequence(false);
  from_client_.check_sequence(!compressed);
  from_server_.check_sequence(!compressed);
}

Relay::State Relay::pump(Channel& client, Channel* server, std::span<std::uint8_t> scratch) {
  for (int turn = 0; turn < reads_a_turn; ++turn) {
    if (!flush(client)) return State::client_closed;
    if (server != nullptr && !server_deaf_ && !flush(*server)) server_deaf_ = true;
    const bool congested = server != nullptr && server->congested();
    if (quit_ && !congested && tracker_.pending_commands() == 0) return State::quit;
    bool moved = false;
    State state = State::waiting;
    if (server != nullptr && (server->readable() || server_deaf_) && !client.congested()) {
      const IoResult got = server->read(scratch);
      if (got.kind == IoResult::Kind::done) {
        moved = active_ = true;
        state = take_from_server(scratch.first(got.size), client);
      } else if (server->fault()) {
        return fail(State::server_fault, *server->fault());
      } else if (got.kind != IoResult::Kind::would_block || server_deaf_) {
        return quit_ ? State::quit : State::server_closed;
      }
      if (state != State::waiting) return state;
    }
    if (server_deaf_ || quit_) {
      // What the client sends does not matter any more; what it is still to get does.
    } else if (command_size_ != 0) {
      if (tracker_.idle()) return State::command;
    } else if (!may_take_more()) {
      const IoResult got = client.read_ahead();
      if (got.kind == IoResult::Kind::done) active_ = true;
      if (got.kind == IoResult::Kind::closed || got.kind == IoResult::Kind::failed ||
          client.socket.hung_up())
        return State::client_closed;
    } else if (look_at_held_ && !congested) {
      moved = true;  // there may be more on the socket, and no event is to come that says so
      state = take_held(client, server);
    } else if (client.readable() && !congested) {
      if (between_commands()) client.begin_command();
      const IoResult got = client.read(scratch);
      if (got.kind == IoResult::Kind::done) {
        moved = active_ = true;
        state = take_from_client(scratch.first(got.size), client, server);
      } else if (client.fault()) {
        return fail(State::client_fault, *client.fault());
      } else if (got.kind != IoResult::Kind::would_block) {
        return State::client_closed;
      }
    }
    if (state != State::waiting) return state;
    if (!moved || may_rest(client, server)) return State::waiting;
  }
  return State::busy;
}

/// False when the connection is broken.
bool Relay::flush(Channel& channel) {
  if (!channel.congested()) return true;
  const std::uint64_t before = channel.bytes_out;
  const bool good = channel.flush();
  if (channel.bytes_out != before) active_ = true;
  return good;
}

Relay::State Relay::take_from_client(Chunk chunk, Channel& client, Channel* server) {
  // What the gate is shown of a command stays good for as long as the command is held.
  const bool shown = gate_ != nullptr && between_commands() && !swallowing_;
  if (!held_.empty() || shown) {
    held_.insert(held_.end(), chunk.begin(), chunk.end());
    return take_held(client, server);
  }
  if (swallowing_) return swallow(chunk);
  const bool begins_command = between_commands();
  std::size_t used = 0;
  const State state = pass_client_packets(chunk, used, true);
  pass_to_server(chunk.first(used), begins_command, client, server);
  const Bytes rest = chunk.subspan(used);
  if (!rest.empty()) held_.assign(rest.begin(), rest.end());
  return state;
}

Relay::State Relay::take_held(Channel& client, Channel* server) {
  look_at_held_ = false;
  if (swallowing_) return swallow(std::exchange(held_, {}));
  const bool begins_command = from_client_.at_boundary() && !tracker_.expects_infile();
  std::size_t used = 0;
  const State state = pass_client_packets(held_, used, true);
  pass_to_server(Chunk(held_).first(used), begins_command, client, server);
  if (used == held_.size())
    release_held();
  else
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(used));
  return state;
}

/// It is empty from here on. Room for a short command is kept, for the next one.
void Relay::release_held() noexcept {
  constexpr std::size_t kept = 512;
  if (held_.capacity() > kept)
    mysqlwire::Buffer().swap(held_);
  else
    held_.clear();
}

/// Gives the server what it may have. Whether it takes it is found out when it is read from.
void Relay::pass_to_server(Chunk bytes, bool begins_command, Channel& client, Channel* server) {
  if (bytes.empty() || server == nullptr) return;
  if (numbering_) {
    if (begins_command) {
      server->begin_command();
      numbering_->to_server = 0;
    }
    if (numbering_->from_client.apply(bytes, numbering_->to_server) && !client.compressed())
      numbering_->to_client = static_cast<std::uint8_t>(numbering_->from_client.last_seen() + 1);
    numbering_->reply_begins = true;
  }
  if (!server->send(bytes)) server_deaf_ = true;
}

/// `asked`: it belongs to a reply. False when the client can't be written to.
bool Relay::pass_to_client(Chunk bytes, bool asked, Channel& client) {
  if (bytes.empty()) return true;
  if (numbering_) {
    const bool begins = std::exchange(numbering_->reply_begins, false);
    if (!asked) {
      client.begin_command();
      numbering_->to_client = 0;
    } else if (begins && client.compressed()) {
      numbering_->to_client = client.next_frame_id();  // as servers number the packets in frames
    }
    if (numbering_->from_server.apply(bytes, numbering_->to_client))
      numbering_->to_server = static_cast<std::uint8_t>(numbering_->from_server.last_seen() + 1);
  }
  return client.send(bytes);
}

/// The client's next byte begins a command.
bool Relay::between_commands() const noexcept {
  return from_client_.at_boundary() && held_.empty() && !tracker_.expects_infile();
}

/// Where nobody minds, always. A replica acknowledges while it is sent events.
bool Relay::may_take_more() const noexcept {
  return !one_at_a_time() || tracker_.idle() || tracker_.expects_infile() ||
         !from_client_.at_boundary() || tracker_.phase() == mysqlwire::Phase::binlog;
}

/// Looks at the client's packets in `chunk`; `used` is how many bytes of it may go to the server.
/// `judged`: packets that the proxy has to act on are held back.
Relay::State Relay::pass_client_packets(Chunk chunk, std::size_t& used, bool judged) {
  bool in_packet = false;  // one that may have ended with the bytes there are
  while ((used < chunk.size() || in_packet) && !quit_) {
    const Chunk rest = chunk.subspan(used);
    if (one_at_a_time() && used != 0 && from_client_.at_boundary() && !tracker_.expects_infile()) {
      look_at_held_ = true;
      return State::waiting;
    }
    if (judged && from_client_.at_boundary()) {
      Verdict verdict = ask_gate(rest);
      if (verdict == Verdict::forward) verdict = judge(rest);
      if (verdict == Verdict::need_more) return State::waiting;
      if (verdict == Verdict::refuse)
        return fail(State::client_fault, {errc::limit_exceeded, 0, "", "command"});
      if (verdict == Verdict::act) {
        if (!held_by_gate_) {
          const PacketHeader header = mysqlwire::read_packet_header(rest.data());
          command_size_ = packet_header_size + header.length;
          answer_sequence_id_ = static_cast<std::uint8_t>(header.sequence_id + 1);
        }
        return tracker_.idle() ? State::command : State::waiting;
      }
    }
    if (gate_ != nullptr && from_client_.at_boundary() && rest.size() > packet_header_size &&
        !tracker_.expects_infile())
      gate_->on_forward(rest.subspan(packet_header_size));
    PacketScanner::Whole whole;
    if (from_client_.whole(rest, whole)) {
      const auto size = static_cast<std::uint32_t>(whole.payload.size());
      if (!note_command(size, whole.sequence_id, whole.payload)) return State::client_fault;
      used += whole.size;
      continue;
    }
    const auto step = from_client_.next(rest);
    if (!step) return fail(State::client_fault, step.error());
    if (step->kind == PacketScanner::Step::Kind::head &&
        !note_command(step->frame_length, step->sequence_id, step->prefix))
      return State::client_fault;
    if (from_client_.announced_size() > max_payload_) {
      next_sequence_id_ = static_cast<std::uint8_t>(from_client_.sequence_id() + 1);
      return fail(State::client_fault, {errc::packet_too_large, 0, "", ""});
    }
    if (step->kind == PacketScanner::Step::Kind::end)
      next_sequence_id_ = static_cast<std::uint8_t>(step->sequence_id + 1);
    in_packet = step->kind == PacketScanner::Step::Kind::head;
    used += step->consumed;
  }
  return State::waiting;
}

Relay::State Relay::take_from_server(Chunk chunk, Channel& client) {
  if (partial_.empty()) return take_answers(chunk, client);
  mysqlwire::Buffer all = std::exchange(partial_, {});
  all.insert(all.end(), chunk.begin(), chunk.end());
  return take_answers(all, client);
}

Relay::State Relay::take_answers(Chunk chunk, Channel& client) {
  const bool asked = !tracker_.idle();
  const bool rewrites = gate_ != nullptr && gate_->rewrites_answers();
  std::size_t used = 0;
  std::size_t passed = 0;
  State state = State::waiting;
  bool in_packet = false;  // one that may have ended with the bytes there are
  while (used < chunk.size() || in_packet) {
    if (cut_ != Cut::none && from_server_.at_boundary()) {
      if (!advance_cut(chunk, used, passed, client)) return State::client_closed;
      if (used == chunk.size()) break;
    }
    if (from_server_.at_boundary()) {
      // Most of what servers send needs no more than a look at first bytes.
      const auto bulk = tracker_.accept_bulk(chunk.subspan(used));
      if (bulk.size != 0) {
        next_sequence_id_ = tracker_.next_sequence_id();
        last_kind_ = bulk.last;
        answer_begun_ = true;
        if (bulk.begins && gate_ != nullptr) gate_->on_columns();
        used += bulk.size;
        if (used == chunk.size()) break;
        if (cut_ != Cut::none) continue;  // it may begin here
      }
    }
    const Chunk rest = chunk.subspan(used);
    PacketScanner::Whole whole;
    if (from_server_.whole(rest, whole)) {
      const auto size = static_cast<std::uint32_t>(whole.payload.size());
      if (!note_answer(size, whole.sequence_id, whole.payload)) {
        state = State::server_fault;
        break;
      }
      if (std::exchange(taken_back_, false)) {
        if (!pass_to_client(chunk.subspan(passed, used - passed), asked, client))
          return State::client_closed;
        used += whole.size;
        passed = used;
        state = State::taken_back;
        continue;
      }
      if (rewrites && may_be_rewritten(last_kind_) && cut_ != Cut::done) {
        mysqlwire::Buffer instead;
        if (rewrite(rest.first(whole.size), whole.sequence_id, instead)) {
          if (!pass_to_client(chunk.subspan(passed, used - passed), asked, client) ||
              !pass_to_client(instead, asked, client))
            return State::client_closed;
          passed = used + whole.size;
        }
      }
      used += whole.size;
      continue;
    }
    if (rewrites && from_server_.at_boundary() && must_be_whole(rest)) {
      partial_.assign(rest.begin(), rest.end());
      break;
    }
    const auto step = from_server_.next(rest);
    if (!step) {
      state = fail(State::server_fault, step.error());
      break;
    }
    if (step->kind == PacketScanner::Step::Kind::head &&
        !note_answer(step->frame_length, step->sequence_id, step->prefix)) {
      state = State::server_fault;
      break;
    }
    if (step->kind == PacketScanner::Step::Kind::end)
      next_sequence_id_ = static_cast<std::uint8_t>(step->sequence_id + 1);
    in_packet = step->kind == PacketScanner::Step::Kind::head;
    used += step->consumed;
  }
  if (cut_ != Cut::none && !advance_cut(chunk, used, passed, client)) return State::client_closed;
  if (cut_ != Cut::done && !pass_to_client(chunk.subspan(passed, used - passed), asked, client))
    return State::client_closed;
  if (gate_ != nullptr && asked && state == State::waiting) {
    answer_bytes_ += used;
    const bool goes_on = gate_->on_progress(answer_bytes_, tracker_);
    if (!goes_on && cut_ == Cut::none && !tracker_.idle()) return State::excess;
  }
  return state;
}

/// Of a packet that the gate may want to rewrite the end is still to come.
bool Relay::must_be_whole(Bytes packet) const noexcept {
  if (packet.empty()) return false;
  if (packet.size() < packet_header_size) return true;
  const PacketHeader header = mysqlwire::read_packet_header(packet.data());
  if (header.length == 0) return false;
  if (packet.size() == packet_header_size) return true;
  if (header.length > Gate::max_inspected) return false;
  const std::uint8_t first = packet[packet_header_size];
  return first == mysqlwire::OkPacket::header_as_eof ||
         (first == mysqlwire::OkPacket::header && !tracker_.reads_rows()) ||
         (first == err_header && !answer_begun_);
}

/// True: `instead` has another packet in the place of this one, which may have been changed itself.
bool Relay::rewrite(Chunk packet, std::uint8_t sequence_id, mysqlwire::Buffer& instead) {
  mysqlwire::Buffer payload;
  if (!gate_->rewrite_answer(last_kind_, packet.subspan(packet_header_size), payload)) return false;
  mysqlwire::append_packet(instead, payload, sequence_id);
  return true;
}

void Relay::cut_answer(mysqlwire::Buffer err_payload) {
  if (tracker_.idle() || cut_ != Cut::none) return;
  cut_ = Cut::due;
  cut_err_ = std::move(err_payload);
}

/// The client's answer ends at rows, or where the server ends it by an ERR of its own, which ours
/// replaces: columns without end it could not follow, and an OK says what has been done.
bool Relay::may_cut_here(Bytes next) const noexcept {
  if (tracker_.idle()) return false;
  if (last_kind_ == PacketKind::text_row || last_kind_ == PacketKind::binary_row) return true;
  return next.size() > packet_header_size && next[packet_header_size] == err_header;
}

/// At a packet boundary, or at the end of `chunk`, of which `passed` bytes went to the client and
/// `used` were looked at. False when the client can't be written to.
bool Relay::advance_cut(Chunk chunk, std::size_t used, std::size_t& passed, Channel& client) {
  if (cut_ == Cut::due && from_server_.at_boundary() && may_cut_here(chunk.subspan(used))) {
    if (!pass_to_client(chunk.subspan(passed, used - passed), true, client)) return false;
    cut_ = Cut::done;
    passed = used;
    cut_sequence_id_ = next_sequence_id_;
  }
  if (!tracker_.idle()) return true;
  bool sent = true;
  if (cut_ == Cut::done) {
    mysqlwire::Buffer err;
    next_sequence_id_ = cut_sequence_id_;
    mysqlwire::append_packet(err, cut_err_, next_sequence_id_);
    sent = pass_to_client(err, true, client);
    passed = used;
  }
  cut_ = Cut::none;
  mysqlwire::Buffer().swap(cut_err_);
  return sent;
}

/// A packet of the client's.
bool Relay::note_command(std::uint32_t frame_length, std::uint8_t sequence_id, Bytes prefix) {
  if (frame_length > max_payload_ && !tracker_.expects_infile()) {
    next_sequence_id_ = static_cast<std::uint8_t>(sequence_id + 1);
    fail(State::client_fault, {errc::packet_too_large, 0, "", ""});
    return false;
  }
  const auto kind = tracker_.accept({Direction::to_server, sequence_id, frame_length, prefix});
  if (!kind) {
    fail(State::client_fault, kind.error());
    return false;
  }
  next_sequence_id_ = static_cast<std::uint8_t>(sequence_id + 1);
  if (*kind == PacketKind::command) {
    ++commands_;
    answer_bytes_ = 0;
    answer_begun_ = false;
    if (!prefix.empty() && prefix[0] == static_cast<std::uint8_t>(Command::com_quit)) quit_ = true;
  }
  return true;
}

/// A packet of the server's.
bool Relay::note_answer(std::uint32_t frame_length, std::uint8_t sequence_id, Bytes prefix) {
  const auto kind = tracker_.accept({Direction::to_client, sequence_id, frame_length, prefix});
  if (!kind) {
    fail(State::server_fault, kind.error());
    return false;
  }
  next_sequence_id_ = static_cast<std::uint8_t>(sequence_id + 1);
  last_kind_ = *kind;
  const bool begins = !std::exchange(answer_begun_, true);
  if (gate_ == nullptr) return true;
  if (*kind == PacketKind::column_count) {
    gate_->on_columns();
  } else if (tells(*kind) || tracker_.response_complete()) {
    if (*kind == PacketKind::err && begins && prefix.size() == frame_length && tracker_.idle() &&
        cut_ == Cut::none && gate_->takes_back(prefix))
      taken_back_ = true;
    else
      gate_->on_answer(*kind, prefix, tracker_);
  }
  return true;
}

bool Relay::mid_command() const noexcept {
  return !from_client_.at_boundary() || (!held_.empty() && command_size_ == 0) || swallowing_ ||
         tracker_.expects_infile();
}

void Relay::change_server() noexcept {
  if (!from_server_.at_boundary()) {
    from_server_ = PacketScanner();
    from_server_.check_sequence(!numbering_);
  }
  server_deaf_ = false;
  mysqlwire::Buffer().swap(partial_);
}

bool Relay::quiet() const noexcept {
  return tracker_.idle() && held_.empty() && from_client_.at_boundary() &&
         from_server_.at_boundary();
}

Relay::State Relay::fail(State state, const Error& error) noexcept {
  error_ = error;
  return state;
}

}  // namespace mysqlproxy
