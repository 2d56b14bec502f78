// The server's packets in the command phase.
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/session/tracker_detail.hpp>
#include <mysqlwire/wire/column.hpp>
#include <mysqlwire/wire/error_code.hpp>
#include <mysqlwire/wire/reader.hpp>
#include <mysqlwire/wire/stmt.hpp>

namespace mysqlwire {

using namespace detail;

namespace {

constexpr std::uint32_t classic_eof = 5;  // 0xFE, warnings, status
constexpr std::uint32_t longest_eof = 8;  // one byte more is a row that starts with 0xFE
constexpr std::uint16_t progress_report = 0xffff;

bool is_short_eof(const PacketHead& head) noexcept {
  return starts_with(head, eof_byte) && head.frame_length <= longest_eof;
}

// Bytes of an int<lenenc> that starts so.
std::uint32_t lenenc_width(std::uint8_t first) noexcept {
  return first < 0xfb ? 1 : first == 0xfc ? 3 : first == 0xfd ? 4 : 9;
}

std::uint16_t err_code(const PacketHead& head) noexcept {
  return static_cast<std::uint16_t>(head.prefix[1] | head.prefix[2] << 8);
}

// Commands that are answered by EOF, or by its replacement, where others are answered by OK.
bool is_answered_by_eof(Command command) noexcept {
  switch (command) {
    case Command::com_set_option:
    case Command::com_debug:
    case Command::com_shutdown: return true;
    default: return false;
  }
}

}  // namespace

// --- one packet ----------------------------------------------------------------------------------

// The end of rows, or of a field list. A longer packet with 0xFE is a row whose first column has
// 2^24 bytes or more, so that it needs more than one frame.
bool Tracker::is_terminator(const PacketHead& head) const noexcept {
  if (!starts_with(head, eof_byte)) return false;
  return has(Capability::deprecate_eof) ? head.frame_length < max_frame_
                                        : head.frame_length <= longest_eof;
}

bool Tracker::is_progress(const PacketHead& head) const noexcept {
  return err_code(head) == progress_report && context_.flavor == Flavor::mariadb &&
         (has(Capability::mariadb_progress) || has(Capability::capability_extension));
}

// What is left to believe of the last status when a packet carries none.
StatusFlags Tracker::kept_status() const noexcept {
  StatusFlags status = status_;
  status.clear({ServerStatus::more_results_exists, ServerStatus::cursor_exists,
                ServerStatus::last_row_sent, ServerStatus::ps_out_params});
  return status;
}

// OK | affected rows | last insert id | status | …: within 21 bytes.
Result<StatusFlags> Tracker::ok_status(const PacketHead& head) const noexcept {
  if (head.frame_length == classic_eof && starts_with(head, eof_byte)) return eof_status(head);
  Reader reader(head.prefix, "OkPacket", context_);
  reader.skip(1, "header");
  (void)reader.lenenc("affected_rows");
  (void)reader.lenenc("last_insert_id");
  StatusFlags status = kept_status();
  // What follows is a text where neither capability is in force.
  const bool has_status = has(Capability::protocol_41) || has(Capability::transactions);
  if (has_status && !(reader.ok() && reader.at_end())) {
    status = StatusFlags(reader.u16("status_flags"));
  } else if (has(Capability::protocol_41)) {
    reader.note(errc::missing_field, "status_flags");
  }
  if (!reader.ok()) return reader.error();
  return status;
}

// EOF | warnings | status.
Result<StatusFlags> Tracker::eof_status(const PacketHead& head) const noexcept {
  if (head.frame_length < classic_eof) return odd_eof_status(head);
  return StatusFlags(static_cast<std::uint16_t>(head.prefix[3] | head.prefix[4] << 8));
}

// Without PROTOCOL_41 the 0xFE stands alone; so it does with servers of series 4.1 even then.
Result<StatusFlags> Tracker::odd_eof_status(const PacketHead& head) const noexcept {
  Reader reader(head.prefix, "EofPacket", context_);
  reader.skip(1, "header");
  if (head.frame_length != 1) {
    (void)reader.u16("warnings");
    (void)reader.u16("status_flags");
  } else if (has(Capability::protocol_41)) {
    reader.note(errc::missing_field, "status_flags");
  }
  if (!reader.ok()) return reader.error();
  return kept_status();
}

// --- the reply as a whole ------------------------------------------------------------------------

Result<PacketKind> Tracker::take_from_server(const PacketHead& head) noexcept {
  if (phase_ <= Phase::authentication) return take_login_reply(head);
  if (phase_ != Phase::command || queue_.empty()) return take_unasked(head);
  if (!front_open_) open_front();
  if (!sequence_fits(head)) return out_of_order();
  if (starts_with(head, err_byte)) return take_err(head);
  advance_sequence(head);
  switch (expect_) {
    case Expect::result: return take_result(head);
    case Expect::simple: return take_simple(head);
    case Expect::statistics: complete_reply(); return PacketKind::statistics;
    case Expect::prepare_ok: return take_prepare_ok(head);
    case Expect::parameter_definitions:
    case Expect::prepared_columns:
    case Expect::column_definitions: return take_definition(head);
    case Expect::parameters_eof:
    case Expect::prepared_columns_eof:
    case Expect::columns_eof: return take_definitions_eof(head);
    case Expect::rows: return take_row(head);
    case Expect::field_list: return take_field_list(head);
    case Expect::binlog: return take_binlog(head);
    case Expect::auth_server:
    case Expect::auth_either: return take_auth(head);
    case Expect::infile:
    case Expect::auth_client: break;
  }
  return unexpected();
}

// The server speaks although nothing was asked: it may say why it is going to close, and MySQL
// complains about malformed commands that have no reply.
Result<PacketKind> Tracker::take_unasked(const PacketHead& head) noexcept {
  if (!starts_with(head, err_byte) || head.frame_length < smallest_err) return unexpected();
  if (malformed_ != 0 && err_code(head) == error_codes::er_malformed_packet) --malformed_;
  return PacketKind::err;
}

Result<PacketKind> Tracker::take_err(const PacketHead& head) noexcept {
  if (head.frame_length < smallest_err) return unexpected();
  detail::CommandQueue::Entry& front = queue_.front();
  // In front of rows too: CHECK TABLE works between its columns and its rows.
  const bool may_report = expect_ == Expect::result || expect_ == Expect::simple ||
                          expect_ == Expect::infile || expect_ == Expect::prepare_ok ||
                          expect_ == Expect::rows;
  if (is_progress(head)) {
    if (!may_report) return unexpected();
    advance_sequence(head);
    return PacketKind::progress;
  }
  if (front.malformed_before != 0 && results_ == 0 &&
      err_code(head) == error_codes::er_malformed_packet) {
    --front.malformed_before;  // the answer to an earlier command; ours is still to come
    return PacketKind::err;
  }
  status_.clear(ServerStatus::more_results_exists);
  // The client does not know yet that its file is not wanted any more: the rest of it, up to the
  // empty packet, still comes.
  if (infile_open_) sequence_known_ = false;
  complete_reply();
  return PacketKind::err;
}

// --- results -------------------------------------------------------------------------------------

Result<PacketKind> Tracker::take_result(const PacketHead& head) noexcept {
  if (head.frame_length == 0) return unexpected();
  switch (head.prefix[0]) {
    case ok_byte: {
      const auto status = ok_status(head);
      if (!status) return status.error();
      metadata_status_ = {};
      finish_result(*status);
      return PacketKind::ok;
    }
    case local_infile_byte:
      // A command behind it would be taken for the file's first piece by the server.
      if (!has(Capability::local_files) || queue_.size() != 1) return unexpected();
      infile_open_ = true;
      expect_ = Expect::infile;
      return PacketKind::local_infile_request;
    default: return take_column_count(head);
  }
}

Result<PacketKind> Tracker::take_column_count(const PacketHead& head) noexcept {
  // Its length leaves no room for doubt: anything else that starts with a number is no count.
  const std::uint32_t size =
      lenenc_width(head.prefix[0]) + (has_metadata_follows(context_) ? 1U : 0U);
  if (head.frame_length != size) return unexpected();
  const auto count = ColumnCount::decode(head.prefix.first(size), context_);
  if (!count) return count.error();
  columns_ = static_cast<std::uint32_t>(count->column_count);
  rows_ = 0;
  metadata_status_ = {};
  expect_ = Expect::column_definitions;
  definitions_left_ = count->metadata_follows == ResultsetMetadata::full ? columns_ : 0;
  if (definitions_left_ == 0) definitions_done();
  return PacketKind::column_count;
}

void Tracker::finish_result(StatusFlags status) noexcept {
  status_ = status;
  ++results_;
  bool more = status.has(ServerStatus::more_results_exists);
  // MySQL's EOF behind a row of OUT parameters lacks the flag, though an OK follows; the EOF in
  // front of the row has it.
  if (metadata_status_.has(ServerStatus::ps_out_params))
    more = more || metadata_status_.has(ServerStatus::more_results_exists);
  if (more && queue_.front().command != Command::com_stmt_fetch) {
    expect_ = Expect::result;
  } else {
    complete_reply();
  }
}

Result<PacketKind> Tracker::take_simple(const PacketHead& head) noexcept {
  const Command command = queue_.front().command;
  // Other protocols start behind these.
  if (command == Command::com_clone || command == Command::com_subscribe_group_replication_stream)
    return Error{errc::unsupported, 0, "Tracker", to_string(command).data()};
  const bool is_eof = is_answered_by_eof(command) && is_terminator(head);
  if (!is_eof && !starts_with(head, ok_byte)) return unexpected();
  const auto status =
      is_eof && !has(Capability::deprecate_eof) ? eof_status(head) : ok_status(head);
  if (!status) return status.error();
  status_ = *status;
  ++results_;
  complete_reply();
  return is_eof ? PacketKind::eof : PacketKind::ok;
}

// --- definitions ---------------------------------------------------------------------------------

Result<PacketKind> Tracker::take_prepare_ok(const PacketHead& head) noexcept {
  if (!starts_with(head, ok_byte) || head.frame_length > head.prefix.size()) return unexpected();
  const auto prepared = StmtPrepareOk::decode(head.prefix.first(head.frame_length), context_);
  if (!prepared) return prepared.error();
  columns_ = prepared->column_count;
  parameters_ = prepared->parameter_count;
  if (columns_ > context_.limits.max_columns)
    return Error{errc::limit_exceeded, 0, "Tracker", "columns"};
  if (parameters_ > context_.limits.max_parameters)
    return Error{errc::limit_exceeded, 0, "Tracker", "parameters"};
  if (prepared->metadata_follows == ResultsetMetadata::none) {
    complete_reply();
  } else if (parameters_ != 0) {
    definitions_left_ = parameters_;
    expect_ = Expect::parameter_definitions;
  } else {
    begin_prepared_columns();
  }
  return PacketKind::prepare_ok;
}

void Tracker::begin_prepared_columns() noexcept {
  if (columns_ == 0) {
    complete_reply();
    return;
  }
  definitions_left_ = columns_;
  expect_ = Expect::prepared_columns;
}

Result<PacketKind> Tracker::take_definition(const PacketHead& head) noexcept {
  // The catalog, a string<lenenc>.
  if (head.frame_length == 0 || head.prefix[0] >= local_infile_byte) return unexpected();
  const bool is_parameter = expect_ == Expect::parameter_definitions;
  if (--definitions_left_ == 0) definitions_done();
  return is_parameter ? PacketKind::parameter_definition : PacketKind::column_definition;
}

// All definitions of a block have come; in the EOF dialect an EOF stands behind them.
void Tracker::definitions_done() noexcept {
  const bool eof = !has(Capability::deprecate_eof);
  switch (expect_) {
    case Expect::parameter_definitions:
      if (eof) {
        expect_ = Expect::parameters_eof;
      } else {
        begin_prepared_columns();
      }
      break;
    case Expect::prepared_columns:
      if (eof) {
        expect_ = Expect::prepared_columns_eof;
      } else {
        complete_reply();
      }
      break;
    default: expect_ = eof ? Expect::columns_eof : Expect::rows; break;
  }
}

Result<PacketKind> Tracker::take_definitions_eof(const PacketHead& head) noexcept {
  if (!is_short_eof(head)) return unexpected();
  const auto status = eof_status(head);
  if (!status) return status.error();
  status_ = *status;
  if (expect_ == Expect::parameters_eof) {
    begin_prepared_columns();
  } else if (expect_ == Expect::prepared_columns_eof) {
    complete_reply();
  } else if (queue_.front().wants_cursor && status->has(ServerStatus::cursor_exists)) {
    ++results_;
    complete_reply();  // the rows are for COM_STMT_FETCH
  } else {
    metadata_status_ = *status;
    expect_ = Expect::rows;
  }
  return PacketKind::eof;
}

// --- rows and other long replies -----------------------------------------------------------------

Result<PacketKind> Tracker::take_row(const PacketHead& head) noexcept {
  if (is_terminator(head)) {
    const auto status = has(Capability::deprecate_eof) ? ok_status(head) : eof_status(head);
    if (!status) return status.error();
    finish_result(*status);
    return PacketKind::result_end;
  }
  if (head.frame_length == 0 || (binary_rows_ && head.prefix[0] != ok_byte)) return unexpected();
  ++rows_;
  return binary_rows_ ? PacketKind::binary_row : PacketKind::text_row;
}

Tracker::Bulk Tracker::accept_bulk(Bytes input) noexcept {
  Bulk bulk;
  if (phase_ != Phase::command || !front_open_) return bulk;
  const std::size_t whole = input.size();
  if (expect_ == Expect::result) {
    if (!begin_in_bulk(input)) return bulk;
    bulk.begins = true;
  }
  while (expect_ == Expect::column_definitions) {
    const std::uint32_t length = frame_in_bulk(input);
    if (length == 0 || input[packet_header_size] >= local_infile_byte) break;
    pass_in_bulk(length, input);
    bulk.last = PacketKind::column_definition;
    if (--definitions_left_ == 0) definitions_done();
  }
  if (expect_ == Expect::columns_eof && pass_eof_in_bulk(input)) bulk.last = PacketKind::eof;
  const std::size_t rows_from = input.size();
  while (expect_ == Expect::rows) {
    const std::uint32_t length = frame_in_bulk(input);
    if (length == 0) break;
    const std::uint8_t first = input[packet_header_size];
    if (binary_rows_ ? first != ok_byte : first >= eof_byte) break;
    pass_in_bulk(length, input);
    ++rows_;
  }
  bulk.size = whole - input.size();
  if (bulk.size == 0) return bulk;
  if (input.size() != rows_from)
    bulk.last = binary_rows_ ? PacketKind::binary_row : PacketKind::text_row;
  response_complete_ = false;
  open_end_[index_of(Direction::to_client)] = OpenEnd::none;
  return bulk;
}

// The column count of one byte that almost every result set has.
bool Tracker::begin_in_bulk(Bytes& input) noexcept {
  const std::uint32_t length = frame_in_bulk(input);
  if (length == 0) return false;
  const Bytes payload = input.subspan(packet_header_size, length);
  if (payload[0] == ok_byte || payload[0] >= local_infile_byte) return false;
  if (!take_column_count({Direction::to_client, input[3], length, payload})) return false;
  pass_in_bulk(length, input);
  return true;
}

// The EOF behind the definitions, if it tells of nothing else.
bool Tracker::pass_eof_in_bulk(Bytes& input) noexcept {
  const std::uint32_t length = frame_in_bulk(input);
  if (length != classic_eof || queue_.front().wants_cursor) return false;
  const PacketHead head{Direction::to_client, input[3], length,
                        input.subspan(packet_header_size, length)};
  if (!starts_with(head, eof_byte)) return false;
  const auto status = eof_status(head);
  if (!status || status->has(ServerStatus::session_state_changed)) return false;
  status_ = metadata_status_ = *status;
  expect_ = Expect::rows;
  pass_in_bulk(length, input);
  return true;
}

// The length of the packet at the front of `input`, if it lies there in one frame and is the next
// one; else 0, and 0 of an empty one.
std::uint32_t Tracker::frame_in_bulk(Bytes input) const noexcept {
  if (input.size() <= packet_header_size) return 0;
  const PacketHeader header = read_packet_header(input.data());
  if (header.length > input.size() - packet_header_size || header.length >= max_frame_) return 0;
  if (check_sequence_ && sequence_known_ && header.sequence_id != next_sequence_) return 0;
  return header.length;
}

void Tracker::pass_in_bulk(std::uint32_t length, Bytes& input) noexcept {
  next_sequence_ = next_id(input[3]);
  sequence_known_ = true;
  input = input.subspan(packet_header_size + length);
}

Result<PacketKind> Tracker::take_field_list(const PacketHead& head) noexcept {
  if (is_terminator(head)) {
    const auto status = has(Capability::deprecate_eof) ? ok_status(head) : eof_status(head);
    if (!status) return status.error();
    status_ = *status;
    ++results_;
    complete_reply();
    return PacketKind::field_list_end;
  }
  if (head.frame_length == 0 || head.prefix[0] >= local_infile_byte) return unexpected();
  if (++columns_ > context_.limits.max_columns)
    return Error{errc::limit_exceeded, 0, "Tracker", "columns"};
  return PacketKind::field_list_definition;
}

// The end of a dump is a classic EOF in either dialect.
Result<PacketKind> Tracker::take_binlog(const PacketHead& head) noexcept {
  if (starts_with(head, ok_byte)) return PacketKind::binlog_event;
  if (!is_short_eof(head)) return unexpected();
  const auto status = eof_status(head);
  if (!status) return status.error();
  status_ = *status;
  ++results_;
  complete_reply();
  return PacketKind::binlog_end;
}

}  // namespace mysqlwire
