// Phases, login, commands and sequence ids. The replies are in tracker_reply.cpp.
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/session/tracker_detail.hpp>
#include <mysqlwire/wire/handshake_v10.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/ssl_request.hpp>

#include <algorithm>
#include <cassert>
#include <string_view>

namespace mysqlwire {

using namespace detail;

namespace {

constexpr std::uint32_t prefix_wanted = 24;

static_assert(sizeof(Tracker) <= 200);

// ", 3 rows"; nothing for none.
void add_count(std::string& text, std::uint64_t count, const char* what) {
  if (count == 0) return;
  text += ", " + std::to_string(count) + what;
  if (count != 1) text += 's';
}

// Whether bytes that may be anything are surely a command, judged by code and length. Commands that
// no client sends are left out.
bool is_surely_command(const PacketHead& head) noexcept {
  if (head.sequence_id != 0 || head.frame_length == 0) return false;
  const std::uint32_t size = head.frame_length;
  switch (static_cast<Command>(head.prefix[0])) {
    case Command::com_quit:
    case Command::com_statistics:
    case Command::com_process_info:
    case Command::com_debug:
    case Command::com_ping:
    case Command::com_reset_connection: return size == 1;
    case Command::com_set_option: return size == 3;
    case Command::com_process_kill:
    case Command::com_stmt_close:
    case Command::com_stmt_reset: return size == 5;
    case Command::com_stmt_fetch: return size == 9;
    case Command::com_stmt_execute: return size >= 10;
    case Command::com_stmt_send_long_data:
    case Command::com_stmt_bulk_execute: return size >= 7;
    case Command::com_binlog_dump:
    case Command::com_binlog_dump_gtid: return size >= 11;
    case Command::com_register_slave: return size >= 18;
    case Command::com_query:
    case Command::com_stmt_prepare:
    case Command::com_init_db:
    case Command::com_field_list:
    case Command::com_change_user: return size >= 2;
    default: return false;
  }
}

}  // namespace

Tracker::Tracker(const Limits& limits, std::uint32_t max_frame) noexcept : max_frame_(max_frame) {
  context_.limits = limits;
}

Tracker Tracker::in_command_phase(const Context& context, std::uint32_t max_frame) noexcept {
  Tracker tracker(context.limits, max_frame);
  tracker.context_ = context;
  tracker.check_sequence_ = !compresses(context.capabilities);
  tracker.phase_ = Phase::command;
  return tracker;
}

Tracker Tracker::midstream(const Context& context, std::uint32_t max_frame) noexcept {
  Tracker tracker = in_command_phase(context, max_frame);
  tracker.phase_ = Phase::joining;
  return tracker;
}

std::uint32_t Tracker::needs(Direction direction, std::uint32_t frame_length) const noexcept {
  const bool handshake = direction == Direction::to_client
                             ? phase_ == Phase::greeting
                             : phase_ == Phase::login || phase_ == Phase::tls;
  // One that goes on in another frame is refused, however much of it is there.
  return handshake && frame_length < max_frame_ ? frame_length
                                                : std::min(frame_length, prefix_wanted);
}

Phase Tracker::phase() const noexcept {
  if (phase_ != Phase::command) return phase_;
  if (quit_ && queue_.empty()) return Phase::closed;
  const bool dumping = front_open_ && expect_ == Expect::binlog;
  return dumping ? Phase::binlog : Phase::command;
}

Result<PacketKind> Tracker::accept(const PacketHead& head) noexcept {
  response_complete_ = false;
  if (phase_ == Phase::lost) return unexpected();
  open_end_[index_of(head.direction)] = OpenEnd::none;
  const Result<PacketKind> kind = take(head);
  if (!kind) phase_ = Phase::lost;
  return kind;
}

Result<PacketKind> Tracker::accept(Direction direction, const Packet& packet) noexcept {
  PacketHead head;
  head.direction = direction;
  head.sequence_id = packet.first_sequence_id;
  head.frame_length =
      static_cast<std::uint32_t>(std::min<std::size_t>(packet.payload.size(), max_frame_));
  head.prefix = packet.payload;
  const Result<PacketKind> kind = accept(head);
  if (kind) end_of_packet(direction, packet.last_sequence_id);
  return kind;
}

Result<PacketKind> Tracker::take(const PacketHead& head) noexcept {
  if (phase_ != Phase::command) return take_outside_commands(head);
  if (head.prefix.size() < std::min(head.frame_length, prefix_wanted)) return too_little_of(head);
  return head.direction == Direction::to_server ? take_from_client(head) : take_from_server(head);
}

Result<PacketKind> Tracker::take_outside_commands(const PacketHead& head) noexcept {
  if (head.prefix.size() < needs(head.direction, head.frame_length)) return too_little_of(head);
  if (phase_ == Phase::joining) return take_joining(head);
  // What comes before the login is over fits in one frame, or someone wants to fill memory.
  if (phase_ <= Phase::authentication && head.frame_length >= max_frame_) return too_large();
  return head.direction == Direction::to_server ? take_from_client(head) : take_from_server(head);
}

void Tracker::resync() noexcept {
  queue_.clear();
  phase_ = Phase::joining;
  front_open_ = false;
  infile_open_ = false;
  quit_ = false;
  malformed_ = 0;
  open_end_[0] = open_end_[1] = OpenEnd::none;
  response_complete_ = false;
}

// --- sequence ids --------------------------------------------------------------------------------

bool Tracker::sequence_fits(const PacketHead& head) const noexcept {
  if (!check_sequence_ || !sequence_known_ || head.sequence_id == next_sequence_) return true;
  // An ERR that nobody asked for (time-out, shutdown, KILL) does not count on: MySQL sends it with
  // 0, MariaDB makes it 1.
  return head.direction == Direction::to_client && starts_with(head, err_byte) &&
         head.sequence_id <= 1;
}

// Only the end of a packet tells the last id of several frames.
void Tracker::advance_sequence(const PacketHead& head) noexcept {
  next_sequence_ = next_id(head.sequence_id);
  sequence_known_ = head.frame_length < max_frame_ && !sequence_loose_;
  if (head.frame_length >= max_frame_) open_end_[index_of(head.direction)] = OpenEnd::exchange;
}

void Tracker::end_of_packet(Direction direction, std::uint8_t last_sequence_id) noexcept {
  bool is_exchange = false;
  switch (open_end_[index_of(direction)]) {
    case OpenEnd::none: break;
    case OpenEnd::command:
      queue_.back().reply_sequence = next_id(last_sequence_id);
      queue_.back().sequence_known = true;
      is_exchange = front_open_ && queue_.size() == 1;
      break;
    case OpenEnd::exchange: is_exchange = true; break;
  }
  open_end_[index_of(direction)] = OpenEnd::none;
  // Known already when the other side has spoken since.
  if (!is_exchange || sequence_known_ || sequence_loose_) return;
  next_sequence_ = next_id(last_sequence_id);
  sequence_known_ = true;
}

Result<PacketKind> Tracker::too_little_of(const PacketHead& head) const noexcept {
  return Error{errc::truncated, head.prefix.size(), "PacketHead", "prefix"};
}

Result<PacketKind> Tracker::too_large() const noexcept {
  return Error{errc::limit_exceeded, 0, "Tracker", to_string(phase_).data()};
}

Result<PacketKind> Tracker::out_of_order() const noexcept {
  return Error{errc::packets_out_of_order, 0, "Packet", "sequence_id"};
}

// --- login ---------------------------------------------------------------------------------------

Result<PacketKind> Tracker::take_greeting(const PacketHead& head) noexcept {
  const auto greeting = HandshakeV10::decode(head.prefix.first(head.frame_length), context_);
  if (!greeting) return greeting.error();
  context_.capabilities = greeting->capabilities;
  context_.flavor = greeting->flavor();
  status_ = greeting->status;
  phase_ = Phase::login;
  return PacketKind::greeting;
}

Result<PacketKind> Tracker::take_handshake_response(const PacketHead& head) noexcept {
  const Bytes payload = head.prefix.first(head.frame_length);
  Reader reader(payload, "HandshakeResponse", context_);
  Capabilities client(reader.u16("client_flag"));
  if (!client.has(Capability::protocol_41)) {
    if (!reader.ok()) return reader.error();
    context_.capabilities = context_.capabilities & client;
    phase_ = Phase::authentication;
    expect_ = Expect::auth_server;
    return PacketKind::handshake_response;
  }

  const bool asks_for_tls = client.has(Capability::ssl) && phase_ == Phase::login;
  if (asks_for_tls &&
      (payload.size() == SslRequest::size || payload.size() == SslRequest::short_size)) {
    phase_ = Phase::tls;
    return PacketKind::ssl_request;
  }
  SslRequest start;  // both packets start alike
  Reader head_reader(payload, "HandshakeResponse41", context_);
  read(head_reader, start);
  if (!head_reader.ok()) return head_reader.error();
  context_.capabilities = context_.capabilities & start.capabilities;
  phase_ = Phase::authentication;
  expect_ = Expect::auth_server;
  return PacketKind::handshake_response;
}

// Of the login, and of COM_CHANGE_USER.
Result<PacketKind> Tracker::take_auth(const PacketHead& head) noexcept {
  if (head.frame_length == 0 || expect_ == Expect::auth_client) return unexpected();
  PacketKind kind = PacketKind::auth_raw_data;
  Expect next = Expect::auth_either;
  switch (head.prefix[0]) {
    case ok_byte: {
      const auto status = ok_status(head);
      if (!status) return status.error();
      status_ = *status;
      if (phase_ == Phase::authentication) {
        phase_ = Phase::command;
        response_complete_ = true;
        if (compresses(context_.capabilities)) check_sequence_ = false;
      } else {
        complete_reply();
      }
      return PacketKind::ok;
    }
    case auth_switch_byte:
      kind = head.frame_length == 1 ? PacketKind::old_auth_switch_request
                                    : PacketKind::auth_switch_request;
      next = Expect::auth_client;
      break;
    case auth_more_data_byte: kind = PacketKind::auth_more_data; break;
    case auth_next_factor_byte:
      if (!has(Capability::multi_factor_authentication)) break;
      kind = PacketKind::auth_next_factor;
      next = Expect::auth_client;
      break;
    default: break;
  }
  // MariaDB's plugins may speak without a marker in front.
  if (kind == PacketKind::auth_raw_data && context_.flavor != Flavor::mariadb) return unexpected();
  if (++auth_rounds_ > context_.limits.max_auth_rounds)
    return Error{errc::limit_exceeded, 0, "Tracker", "auth_rounds"};
  expect_ = next;
  return kind;
}

Result<PacketKind> Tracker::take_auth_response(const PacketHead& head) noexcept {
  if (expect_ != Expect::auth_client && expect_ != Expect::auth_either) return unexpected();
  if (!sequence_fits(head)) return out_of_order();
  advance_sequence(head);
  expect_ = Expect::auth_server;
  return PacketKind::auth_response;
}

// What the server says before the command phase.
Result<PacketKind> Tracker::take_login_reply(const PacketHead& head) noexcept {
  if (!sequence_fits(head)) return out_of_order();
  advance_sequence(head);
  if (starts_with(head, err_byte)) {
    if (head.frame_length < smallest_err) return unexpected();
    phase_ = Phase::closed;
    response_complete_ = true;
    return PacketKind::err;
  }
  if (phase_ == Phase::greeting) return take_greeting(head);
  if (phase_ == Phase::authentication) return take_auth(head);
  return unexpected();
}

// --- the client's packets ------------------------------------------------------------------------

Result<PacketKind> Tracker::take_from_client(const PacketHead& head) noexcept {
  switch (phase_) {
    case Phase::login:
    case Phase::tls:
      if (!sequence_fits(head)) return out_of_order();
      advance_sequence(head);
      return take_handshake_response(head);
    case Phase::authentication: return take_auth_response(head);
    case Phase::command: break;
    case Phase::greeting:
    case Phase::binlog:
    case Phase::closed:
    case Phase::joining:
    case Phase::lost: return unexpected();
  }
  if (quit_) return unexpected();
  if (infile_open_) return take_infile(head);
  if (front_open_) {
    if (expect_ == Expect::auth_client || expect_ == Expect::auth_either)
      return take_auth_response(head);
    if (expect_ == Expect::binlog && starts_with(head, semi_sync_byte)) {
      // MariaDB counts anew from its arrival, wherever that is in the stream; MySQL goes on.
      sequence_loose_ = true;
      sequence_known_ = false;
      return PacketKind::semi_sync_ack;
    }
  }
  return take_command(head);
}

Result<PacketKind> Tracker::take_infile(const PacketHead& head) noexcept {
  if (!sequence_fits(head)) return out_of_order();
  advance_sequence(head);
  if (head.frame_length != 0) return PacketKind::infile_data;
  infile_open_ = false;
  if (front_open_ && expect_ == Expect::infile) expect_ = Expect::result;
  return PacketKind::infile_end;
}

Result<PacketKind> Tracker::take_joining(const PacketHead& head) noexcept {
  if (head.direction == Direction::to_client || !is_surely_command(head))
    return PacketKind::unexpected;
  phase_ = Phase::command;
  return take_command(head);
}

Result<PacketKind> Tracker::take_command(const PacketHead& head) noexcept {
  if (check_sequence_ && head.sequence_id != 0) return out_of_order();
  detail::CommandQueue::Entry entry;
  // The servers take an empty packet for COM_SLEEP, and refuse that.
  entry.command =
      head.frame_length == 0 ? Command::com_sleep : static_cast<Command>(head.prefix[0]);
  const std::uint32_t size = head.frame_length;
  switch (entry.command) {
    case Command::com_quit: quit_ = true; return PacketKind::command;
    case Command::com_stmt_close:
    case Command::com_stmt_send_long_data: {
      const std::uint32_t smallest = entry.command == Command::com_stmt_close ? 5 : 7;
      if (size < smallest && malformed_ != 0xff) ++malformed_;
      return PacketKind::command;
    }
    case Command::com_stmt_execute:
      // Command 1, statement id 4, flags 1; the low three flags ask for a cursor.
      entry.wants_cursor = size >= 6 && (head.prefix[5] & 0x07) != 0;
      break;
    default: break;
  }

  if (queue_.size() >= context_.limits.max_pipelined_commands)
    return Error{errc::limit_exceeded, 0, "Tracker", "pipelined_commands"};
  entry.malformed_before = malformed_;
  entry.sequence_known = size < max_frame_;
  entry.reply_sequence = next_id(head.sequence_id);
  if (!queue_.push(entry)) return Error{errc::limit_exceeded, 0, "Tracker", "memory"};
  malformed_ = 0;
  if (!entry.sequence_known) open_end_[index_of(Direction::to_server)] = OpenEnd::command;
  if (queue_.size() == 1) open_front();
  return PacketKind::command;
}

// Turns to the reply of the command at the front of the queue.
void Tracker::open_front() noexcept {
  const detail::CommandQueue::Entry& front = queue_.front();
  front_open_ = true;
  command_ = front.command;
  next_sequence_ = front.reply_sequence;
  sequence_known_ = front.sequence_known;
  sequence_loose_ = false;
  rows_ = 0;
  columns_ = parameters_ = definitions_left_ = results_ = auth_rounds_ = 0;
  metadata_status_ = {};
  binary_rows_ = false;
  switch (front.command) {
    case Command::com_query:
    case Command::com_process_info: expect_ = Expect::result; break;
    case Command::com_stmt_execute:
    case Command::com_stmt_bulk_execute:
      expect_ = Expect::result;
      binary_rows_ = true;
      break;
    case Command::com_stmt_fetch:
      expect_ = Expect::rows;
      binary_rows_ = true;
      break;
    case Command::com_field_list: expect_ = Expect::field_list; break;
    case Command::com_statistics: expect_ = Expect::statistics; break;
    case Command::com_stmt_prepare: expect_ = Expect::prepare_ok; break;
    case Command::com_change_user: expect_ = Expect::auth_server; break;
    case Command::com_binlog_dump:
    case Command::com_binlog_dump_gtid: expect_ = Expect::binlog; break;
    default: expect_ = Expect::simple; break;
  }
}

// The counters stay until the next reply begins, so that a caller can look at them.
void Tracker::complete_reply() noexcept {
  if (queue_.size() == 1) open_end_[index_of(Direction::to_server)] = OpenEnd::none;
  open_end_[index_of(Direction::to_client)] = OpenEnd::none;
  queue_.pop();
  front_open_ = false;
  response_complete_ = true;
}

// --- in words ------------------------------------------------------------------------------------

// What could come next, for messages.
const char* Tracker::expected() const noexcept {
  const bool in_reply =
      phase_ == Phase::authentication || (phase_ == Phase::command && front_open_);
  if (!in_reply) return to_string(phase()).data();
  switch (expect_) {
    case Expect::result: return "result";
    case Expect::simple: return "ok";
    case Expect::statistics: return "statistics";
    case Expect::prepare_ok: return "prepare_ok";
    case Expect::parameter_definitions: return "parameter_definition";
    case Expect::prepared_columns:
    case Expect::column_definitions: return "column_definition";
    case Expect::parameters_eof:
    case Expect::prepared_columns_eof:
    case Expect::columns_eof: return "eof";
    case Expect::rows: return "row";
    case Expect::field_list: return "field_list_definition";
    case Expect::binlog: return "binlog_event";
    case Expect::auth_server:
    case Expect::auth_client:
    case Expect::auth_either: return "authentication";
    case Expect::infile: return "infile_data";
  }
  return "";
}

Error Tracker::unexpected() const noexcept {
  return {errc::unexpected_packet, 0, "Tracker", expected()};
}

std::string Tracker::describe() const {
  std::string text(to_string(phase()));
  const bool in_reply = phase_ == Phase::command && front_open_;
  if (in_reply) {
    const std::string_view name = to_string(*command_);
    text += ": ";
    text += name.empty() ? "unknown command" : name;
    text += ", next ";
    text += expected();
    add_count(text, columns_, " column");
    add_count(text, parameters_, " parameter");
    add_count(text, rows_, " row");
    add_count(text, results_, " finished result");
  } else if (idle()) {
    text += ": idle";
  }
  const std::size_t waiting = queue_.size() - (in_reply ? 1 : 0);
  add_count(text, waiting, " command");
  if (waiting != 0) text += " waiting";
  if (infile_open_) text += ", LOCAL INFILE data under way";
  return text;
}

}  // namespace mysqlwire
