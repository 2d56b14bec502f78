// The grammar of a connection: what each packet is, and what may come next.
#pragma once

#include <mysqlwire/session/command_queue.hpp>
#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/packet_kind.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/capabilities.hpp>
#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/error.hpp>
#include <mysqlwire/wire/frame.hpp>
#include <mysqlwire/wire/status.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace mysqlwire {

/// The beginning of one logical packet: all that the grammar needs to know of it.
struct PacketHead {
  Direction direction = Direction::to_server;
  std::uint8_t sequence_id = 0;    ///< of the first frame
  std::uint32_t frame_length = 0;  ///< of the first frame; max_frame means that more follow
  Bytes prefix;  ///< at least Tracker::needs() bytes from the start of the payload; may be more
};

/// Follows one connection from the greeting on, given the packets of both directions in the order
/// in which they were sent. It is the one place that knows what may come next; a proxy's relay, a
/// client, a server and an onlooker differ only in what they do with its answers.
///
/// First byte, length and what is expected decide together what a packet is. No I/O, no clock; a
/// value that can be copied (a copy allocates only when more than four commands are pipelined).
///
/// With streamed packets, call accept() at the head of a packet. When it was longer than a frame,
/// call end_of_packet() at its end, so that the sequence ids behind it can be checked.
///
/// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html and
/// https://mariadb.com/kb/en/clientserver-protocol/
class Tracker {
 public:
  /// A connection from its first packet on. `limits` bounds columns, login rounds and pipelining.
  /// `max_frame`: a frame that long is continued by the next one; smaller values are for tests.
  explicit Tracker(const Limits& limits = {}, std::uint32_t max_frame = max_frame_payload) noexcept;

  /// A connection whose login is over and was done by the caller: `context` has the negotiated
  /// capabilities and the flavor of the server.
  static Tracker in_command_phase(const Context& context,
                                  std::uint32_t max_frame = max_frame_payload) noexcept;

  /// A connection that runs already, its login unseen: `context` is the caller's best guess.
  /// Packets are `unexpected` until one comes that is surely a command (phase joining).
  static Tracker midstream(const Context& context,
                           std::uint32_t max_frame = max_frame_payload) noexcept;

  /// How many bytes of the payload accept() wants to see of a packet of that direction whose first
  /// frame has that length: the whole greeting and HandshakeResponse (but not of a longer one than
  /// a frame, which is refused), at most 24 of anything else.
  std::uint32_t needs(Direction direction, std::uint32_t frame_length) const noexcept;

  /// Takes the next packet and says what it is.
  ///
  /// Errors: unexpected_packet, packets_out_of_order, limit_exceeded (columns, login rounds,
  /// pipelined commands, login packets of more than one frame), unsupported (protocol 9, COM_CLONE,
  /// group replication streams), or what a decoder found in a packet that has to be understood. The
  /// phase is `lost` from then on and every call fails with unexpected_packet, until resync().
  Result<PacketKind> accept(const PacketHead& head) noexcept;
  /// The same for a packet that is held whole; end_of_packet() included.
  Result<PacketKind> accept(Direction direction, const Packet& packet) noexcept;

  /// Says which sequence id the last frame of the last accepted packet of that direction had. Only
  /// needed when it had several frames; without it the next sequence id is not checked.
  void end_of_packet(Direction direction, std::uint8_t last_sequence_id) noexcept;

  /// What accept_bulk() has accepted.
  struct Bulk {
    std::size_t size = 0;  ///< bytes of the input; 0: nothing
    bool begins = false;   ///< the first packet is a column_count
    /// The last packet: column_count, column_definition, eof, text_row or binary_row.
    PacketKind last = PacketKind::column_count;
  };
  /// The short way over the packets of a result set up to its end, the bulk of all packets. `input`
  /// is what the server sent, from a packet boundary on. Accepts those at its front that lie whole
  /// in it, have one frame, and say nothing but what belongs to the result: no status that tells of
  /// a change of state, no cursor. With anything else there it does nothing.
  Bulk accept_bulk(Bytes input) noexcept;

  /// The sequence id that belongs behind the packet accepted last, when that had one frame.
  std::uint8_t next_sequence_id() const noexcept { return next_sequence_; }

  /// Gives up what is outstanding and waits for a packet that is surely a command. For an onlooker,
  /// after an error or a gap.
  void resync() noexcept;

  /// Whether sequence ids are checked. On at first; goes off by itself when compression was
  /// negotiated, since the ids inside compressed frames mean nothing.
  void check_sequence(bool on) noexcept { check_sequence_ = on; }

  Phase phase() const noexcept;
  bool lost() const noexcept { return phase_ == Phase::lost; }

  /// What was negotiated so far: after the greeting the server's capabilities, after the
  /// HandshakeResponse those of both.
  const Context& context() const noexcept { return context_; }

  /// The command whose reply is being read; when idle the one that was answered last, if any.
  std::optional<Command> command() const noexcept { return command_; }

  /// Command phase, no reply outstanding, no file of the client under way: what comes next is a
  /// command.
  bool idle() const noexcept {
    return phase_ == Phase::command && queue_.empty() && !infile_open_ && !quit_;
  }
  /// The packet accepted last was the last one of a reply (or of the login).
  bool response_complete() const noexcept { return response_complete_; }
  /// Commands whose replies are not complete, the one being answered included.
  std::size_t pending_commands() const noexcept { return queue_.size(); }

  /// The status flags that an OK or EOF carried last. ERR carries none: it leaves the flags but
  /// clears MORE_RESULTS_EXISTS.
  StatusFlags status() const noexcept { return status_; }
  /// The last status said that a transaction is open. After an ERR this may be out of date.
  bool in_transaction() const noexcept { return status_.has(ServerStatus::in_trans); }

  /// The server waits for pieces of a file: what the client sends next is infile_data or
  /// infile_end.
  bool expects_infile() const noexcept { return infile_open_; }

  /// The next packet of the server's is a row, or what ends the rows.
  bool reads_rows() const noexcept { return front_open_ && expect_ == Expect::rows; }

  /// Columns of the current result set or prepared statement; parameters of the latter.
  std::uint32_t columns() const noexcept { return columns_; }
  std::uint32_t parameters() const noexcept { return parameters_; }
  /// Rows of the current result set so far.
  std::uint64_t rows() const noexcept { return rows_; }
  /// Results of the current command that are complete: more than one for multi-statements and CALL.
  std::uint32_t results() const noexcept { return results_; }

  /// The state in words, for logs: "command: COM_QUERY, next row, 3 columns, 12 rows".
  std::string describe() const;

 private:
  /// What comes next in the login or in the reply to the command at the front of the queue.
  enum class Expect : std::uint8_t {
    result,  // the first packet of a result: OK, ERR, column count, LOCAL INFILE
    simple,  // OK or ERR, and EOF where the command has it
    statistics,
    prepare_ok,
    parameter_definitions,
    parameters_eof,
    prepared_columns,
    prepared_columns_eof,
    column_definitions,
    columns_eof,
    rows,
    field_list,
    binlog,
    auth_server,  // a packet of the server's plugin, OK or ERR
    auth_client,  // the client's plugin data; of the server only ERR
    auth_either,  // after AuthMoreData: whichever
    infile,       // the client's file; of the server only ERR
  };

  /// What end_of_packet() is going to tell.
  enum class OpenEnd : std::uint8_t { none, command, exchange };

  Result<PacketKind> take(const PacketHead& head) noexcept;
  [[gnu::cold]] Result<PacketKind> take_outside_commands(const PacketHead& head) noexcept;
  Result<PacketKind> take_from_client(const PacketHead& head) noexcept;
  Result<PacketKind> take_from_server(const PacketHead& head) noexcept;

  // What comes once, or never, is cold: kept apart from what comes with every query, for which the
  // room for all that it decodes would be made otherwise.

  // Login.
  [[gnu::cold]] Result<PacketKind> take_greeting(const PacketHead& head) noexcept;
  [[gnu::cold]] Result<PacketKind> take_handshake_response(const PacketHead& head) noexcept;
  [[gnu::cold]] Result<PacketKind> take_login_reply(const PacketHead& head) noexcept;
  [[gnu::cold]] Result<PacketKind> take_auth(const PacketHead& head) noexcept;

  // Commands.
  [[gnu::cold]] Result<PacketKind> take_joining(const PacketHead& head) noexcept;
  Result<PacketKind> take_command(const PacketHead& head) noexcept;
  Result<PacketKind> take_infile(const PacketHead& head) noexcept;
  [[gnu::cold]] Result<PacketKind> take_auth_response(const PacketHead& head) noexcept;
  void open_front() noexcept;
  void complete_reply() noexcept;

  // Replies.
  [[gnu::cold]] Result<PacketKind> take_unasked(const PacketHead& head) noexcept;
  [[gnu::noinline]] Result<PacketKind> take_err(const PacketHead& head) noexcept;
  Result<PacketKind> take_result(const PacketHead& head) noexcept;
  Result<PacketKind> take_column_count(const PacketHead& head) noexcept;
  Result<PacketKind> take_simple(const PacketHead& head) noexcept;
  [[gnu::noinline]] Result<PacketKind> take_prepare_ok(const PacketHead& head) noexcept;
  Result<PacketKind> take_definition(const PacketHead& head) noexcept;
  Result<PacketKind> take_definitions_eof(const PacketHead& head) noexcept;
  Result<PacketKind> take_row(const PacketHead& head) noexcept;
  [[gnu::cold]] Result<PacketKind> take_field_list(const PacketHead& head) noexcept;
  [[gnu::noinline]] Result<PacketKind> take_binlog(const PacketHead& head) noexcept;
  bool begin_in_bulk(Bytes& input) noexcept;
  bool pass_eof_in_bulk(Bytes& input) noexcept;
  std::uint32_t frame_in_bulk(Bytes input) const noexcept;
  void pass_in_bulk(std::uint32_t length, Bytes& input) noexcept;
  void finish_result(StatusFlags status) noexcept;
  void definitions_done() noexcept;
  void begin_prepared_columns() noexcept;

  // Sequence ids, and questions about one packet.
  [[gnu::cold]] Result<PacketKind> out_of_order() const noexcept;
  [[gnu::cold]] Result<PacketKind> too_little_of(const PacketHead& head) const noexcept;
  [[gnu::cold]] Result<PacketKind> too_large() const noexcept;
  bool sequence_fits(const PacketHead& head) const noexcept;
  void advance_sequence(const PacketHead& head) noexcept;
  bool is_terminator(const PacketHead& head) const noexcept;
  bool is_progress(const PacketHead& head) const noexcept;
  StatusFlags kept_status() const noexcept;
  Result<StatusFlags> ok_status(const PacketHead& head) const noexcept;
  Result<StatusFlags> eof_status(const PacketHead& head) const noexcept;
  [[gnu::cold]] Result<StatusFlags> odd_eof_status(const PacketHead& head) const noexcept;
  bool has(Capability capability) const noexcept { return context_.capabilities.has(capability); }
  const char* expected() const noexcept;
  [[gnu::cold]] Error unexpected() const noexcept;

  Context context_;
  detail::CommandQueue queue_;
  std::uint64_t rows_ = 0;
  std::uint32_t max_frame_;
  std::uint32_t columns_ = 0;
  std::uint32_t parameters_ = 0;
  std::uint32_t definitions_left_ = 0;
  std::uint32_t results_ = 0;
  std::uint32_t auth_rounds_ = 0;
  StatusFlags status_;
  StatusFlags metadata_status_;  // of the EOF behind the column definitions
  std::optional<Command> command_;
  Phase phase_ = Phase::greeting;
  Expect expect_ = Expect::auth_server;
  OpenEnd open_end_[2] = {OpenEnd::none, OpenEnd::none};  // by direction
  std::uint8_t next_sequence_ = 0;
  std::uint8_t malformed_ = 0;  // commands without a reply that MySQL may answer with ERR
  bool sequence_known_ = true;
  bool check_sequence_ = true;
  bool sequence_loose_ = false;  // for the rest of a reply
  bool front_open_ = false;      // expect_ and the counters are about the front of the queue
  bool binary_rows_ = false;
  bool response_complete_ = false;
  bool infile_open_ = false;
  bool quit_ = false;
};

}  // namespace mysqlwire
