// One MySQL connection seen from outside: messages, exchanges and problems out of its bytes.
#pragma once

#include <mysqlwire/binlog/stream.hpp>
#include <mysqlwire/capture/columns.hpp>
#include <mysqlwire/capture/tcp_stream.hpp>
#include <mysqlwire/capture/torn_packet.hpp>
#include <mysqlwire/session/frame_reader.hpp>
#include <mysqlwire/session/server_greeting.hpp>
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/sql/session_dialect.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/query.hpp>
#include <mysqlwire/wire/stmt.hpp>
#include <mysqlwire/wire/stmt_bulk.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mysqlwire::capture {

class Conversation;

enum class Compression : std::uint8_t { none, zlib, zstd };

/// What an onlooker can learn of a TLS connection.
struct TlsInfo {
  std::string version;      ///< "TLSv1.3"; empty while unknown
  std::string cipher;       ///< IANA's name; empty while unknown
  std::string server_name;  ///< what the client asked for (SNI), if anything
  std::string certificate;  ///< the subject of the server's, where it travels in clear
  bool decrypted = false;
};

/// Reads a TLS connection from outside. Implemented where cryptography is at hand.
class TlsReader {
 public:
  virtual ~TlsReader() = default;
  /// Takes the next bytes of a direction and appends what they say in clear to `plain`; nothing
  /// when the keys are not known.
  virtual void feed(Direction direction, Bytes bytes, Buffer& plain) = 0;
  /// Bytes are missing: what follows may not be readable any more.
  virtual void lose(Direction direction) = 0;
  /// True once both hellos have passed: info() is as complete as it gets.
  virtual bool established() const = 0;
  virtual const TlsInfo& info() const = 0;
  /// Why a direction can't be read although there are secrets; empty for nothing.
  virtual std::string_view failure(Direction) const { return {}; }
};

/// What a Conversation needs and the codec has not: decompression and TLS.
class Toolbox {
 public:
  virtual ~Toolbox() = default;
  /// Appends what `input` inflates to, exactly `size` bytes; false when it does not.
  virtual bool inflate(Compression compression, Bytes input, std::size_t size, Buffer& out) = 0;
  virtual std::unique_ptr<TlsReader> tls() = 0;
};

/// A prepared statement.
struct Statement {
  std::uint32_t id = 0;
  bool is_known = true;  ///< its preparation was captured
  std::string query;
  std::uint16_t parameter_count = 0;
  std::vector<ValueType> types;  ///< of the parameters, as an execute sent them last
  Buffer long_data;              ///< which parameters have come: bit i % 8 of byte i / 8
  std::vector<ColumnType> columns;

  StatementInfo info() const noexcept { return {parameter_count, types, long_data}; }
};

/// How a command was answered.
enum class Outcome : std::uint8_t {
  none,  ///< not at all: the command has no answer, or the capture has none
  ok,
  rows,
  error,
};

/// A command with its answer.
struct Exchange {
  std::uint64_t id = 0;  ///< counted from 1 in the connection
  Command command{};
  bool is_complete = false;         ///< the command's payload was captured whole
  std::uint8_t reply_sequence = 0;  ///< sequence id that the answer starts with
  std::string query;                ///< the statement's text, for executions too
  std::string expanded;             ///< with the parameters put in, where asked for
  std::optional<std::uint32_t> statement_id;
  std::string schema;    ///< in force when it was sent
  std::string argument;  ///< the schema of COM_INIT_DB and COM_CHANGE_USER
  Outcome outcome = Outcome::none;
  std::uint64_t rows = 0;
  std::uint64_t result_rows = 0;  ///< of them, those of the result set under way
  std::uint64_t affected = 0;
  std::uint32_t result_sets = 0;
  std::uint16_t error_code = 0;
  std::string sql_state;
  std::string error_message;
  std::uint64_t request_bytes = 0;   ///< with packet headers, before compression
  std::uint64_t response_bytes = 0;  ///< likewise
  Origin begin;                      ///< first byte of the request
  Origin request_end;                ///< last byte of the request
  Origin response_begin;             ///< frame 0 as long as there is none
  Origin end;                        ///< last byte seen

  bool answered() const noexcept { return response_begin.frame != 0; }
};

/// One logical packet. Everything borrows and is valid during the call only.
struct SeenMessage {
  PacketKind kind{};
  Direction direction{};
  std::uint8_t sequence_id = 0;
  std::uint8_t last_sequence_id = 0;  ///< of its last frame
  Bytes payload;                      ///< what was captured of it
  std::uint64_t length = 0;           ///< of the whole payload; more than payload.size() when cut
  Origin begin;
  Origin end;
  std::optional<Command> command;      ///< of a command, and of its reply
  const Exchange* exchange = nullptr;  ///< that it belongs to
  const ComQuery* query = nullptr;     ///< decoded, for COM_QUERY
  const ComStmtExecute* execute = nullptr;
  const ComStmtBulkExecute* bulk = nullptr;
  const Statement* statement = nullptr;  ///< for COM_STMT_*, if known
  const binlog::Event* event = nullptr;  ///< taken apart, of a binlog_event
  /// What the compressed part of an event inflates to: rows, a statement, or whole events.
  Bytes inflated;

  bool is_whole() const noexcept { return payload.size() == length; }
};

/// What could not be understood, and why.
struct Problem {
  enum class What : std::uint8_t {
    gap,
    cut,
    malformed,
    undecodable,
    unknown_statement,
    out_of_order_seq,
  };

  What what{};
  std::optional<Direction> direction;
  std::uint64_t offset = 0;  ///< in the payload, where it is about one
  std::uint64_t bytes = 0;   ///< how many are concerned
  std::string note;
};

/// "gap", "cut", "malformed" …
std::string_view to_string(Problem::What what) noexcept;

/// Is told what a Conversation finds, in the order of the capture.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_connection(const Conversation&) {}
  virtual void on_tls(const Conversation&, const TlsInfo&, const Origin&) {}
  virtual void on_message(const Conversation&, const SeenMessage&) {}
  /// The definitions announced by a column count or a PrepareOk are complete.
  virtual void on_columns(const Conversation&, const SeenMessage& /*last*/, const Definitions&) {}
  virtual void on_exchange(const Conversation&, const Exchange&) {}
  virtual void on_problem(const Conversation&, const Problem&, const Origin&) {}
  virtual void on_end(const Conversation&, TcpStream::End) {}
};

/// Follows one connection by a Tracker and two FrameReaders. Feeds on what a TcpStream puts in
/// order; tells an Observer. Never gives up: after a gap or a packet that makes no sense it waits
/// for the next place that does. The memory it holds is bounded by Limits::max_payload.
class Conversation final : public StreamSink {
 public:
  struct Options {
    bool expand_parameters = false;  ///< fill in Exchange::expanded
    Limits limits{};
  };

  /// `from_start`: the connection's first segments are in the capture. The observer and the
  /// toolbox must outlive the conversation.
  Conversation(std::uint64_t id, const Endpoint& client, const Endpoint& server, bool from_start,
               const Origin& origin, const Options& options, Observer& observer, Toolbox& toolbox);

  void on_bytes(Direction direction, Bytes bytes, const Origin& origin) override;
  void on_missing(Direction direction, std::uint64_t size, Missing why,
                  const Origin& origin) override;
  /// The connection is over, or the capture is.
  void finish(TcpStream::End how, const Origin& origin);

  std::uint64_t id() const noexcept { return id_; }
  const Endpoint& client() const noexcept { return client_; }
  const Endpoint& server() const noexcept { return server_; }
  bool from_start() const noexcept { return from_start_; }
  const Origin& first() const noexcept { return first_; }
  const Origin& last() const noexcept { return last_; }
  /// What the tracker knows, beside which an onlooker in mid-stream has guesses.
  const Context& context() const noexcept { return context_; }
  const std::optional<ServerGreeting>& greeting() const noexcept { return greeting_; }
  const std::string& user() const noexcept { return user_; }
  const std::string& schema() const noexcept { return schema_; }
  /// How the session's statements are read.
  const sql::Dialect& dialect() const noexcept { return dialect_.dialect(); }
  /// The plugin that the login ended with, as far as known.
  const std::string& plugin() const noexcept { return plugin_; }
  /// What a PROXY protocol header said: "v1 TCP4 192.0.2.1:5000 198.51.100.1:3306", "v2 LOCAL".
  const std::string& proxy_header() const noexcept { return proxy_header_; }
  /// The header itself, for ProxyHeader::decode(); empty when there was none.
  Bytes proxy_header_bytes() const noexcept { return proxy_header_bytes_; }
  const TlsInfo* tls() const noexcept { return tls_ ? &tls_->info() : nullptr; }
  Compression compression() const noexcept { return compression_; }
  const Definitions& columns() const noexcept { return columns_; }
  const std::vector<ColumnType>& column_types() const noexcept { return column_types_; }
  bool semi_sync() const noexcept { return semi_sync_; }
  /// What the dump that is running has announced: checksums and tables.
  const binlog::Stream& binlog() const noexcept { return binlog_; }
  /// The server has asked for the password itself (caching_sha2_password's full authentication).
  bool full_authentication() const noexcept { return full_authentication_; }
  std::uint64_t commands() const noexcept { return commands_; }
  std::uint64_t errors() const noexcept { return errors_; }
  std::uint64_t bytes(Direction direction) const noexcept {
    return bytes_[static_cast<std::size_t>(direction)];
  }
  bool recognised() const noexcept { return recognised_; }

 private:
  struct Side {
    explicit Side(std::uint64_t max_payload) : frames(max_frame_payload, max_payload) {}
    FrameReader frames;
    Buffer compressed;                 // a compressed frame that is not complete
    Buffer head;                       // of a PROXY header that is not complete
    Origin packet_begin;               // where the packet under way begins
    std::unique_ptr<TornPacket> torn;  // that packet, once bytes of it are missing
    bool hunting = false;              // no packet boundary is known
  };
  // What lies between the bytes of a connection and its packets.
  struct Layers {
    bool tls;
    Compression compression;
    bool operator==(const Layers&) const = default;
  };

  Side& side(Direction direction) noexcept { return sides_[static_cast<std::size_t>(direction)]; }
  Layers layers() const noexcept { return {tls_ != nullptr, compression_}; }
  void announce();
  bool take_proxy_header(Bytes& bytes);
  void take_transport(Direction direction, Bytes bytes);
  void take_plain(Direction direction, Bytes bytes);
  void take_compressed(Direction direction, Bytes bytes);
  void take_packets(Direction direction, Bytes bytes);
  bool find_boundary(Direction direction, Bytes bytes);
  bool detect_compression(Direction direction, Bytes bytes);
  void drain(Direction direction);
  std::optional<std::uint64_t> place_in_packet(Direction direction) const noexcept;
  bool tear(Direction direction);
  bool skip_torn(Direction direction, Bytes& bytes);
  void take_torn(Direction direction);
  void lose(Direction direction);
  void lose_framing();

  bool take_one_sided(SeenMessage& message);
  void take_packet(Direction direction, const Packet& packet, std::uint64_t length);
  void guess_dialect(const SeenMessage& message);
  void guess_from_command(const SeenMessage& message);
  bool guess_from_login(const SeenMessage& message);
  void judge(SeenMessage& message);
  void check_sequence(const SeenMessage& message);
  void before(SeenMessage& message);
  void after(const SeenMessage& message);
  void take_greeting(const SeenMessage& message);
  void take_login(const SeenMessage& message);
  void take_command(SeenMessage& message);
  void decode_command(SeenMessage& message, Exchange& exchange);
  Statement* known_statement(std::uint32_t id) noexcept;
  Statement& find_statement(std::uint32_t id);
  void decode_execute(SeenMessage& message, Exchange& exchange);
  void remember_types(const SeenMessage& message);
  void take_definition(const SeenMessage& message);
  void take_event(SeenMessage& message);
  void inflate_event(SeenMessage& message);
  void take_reply(const SeenMessage& message);
  void begin_columns(const Exchange& exchange);
  void take_prepare_ok(const SeenMessage& message, Exchange& exchange);
  void take_ok(const SeenMessage& message);
  void take_schema_change(const Exchange& exchange);
  void end_exchange();
  void emit(Exchange& exchange);
  void report(Problem::What what, std::optional<Direction> direction, std::uint64_t offset,
              std::uint64_t bytes, std::string note);
  Exchange* current() noexcept { return waiting_ == 0 ? nullptr : &exchanges_[front_]; }
  Exchange& push_exchange();

  std::uint64_t id_;
  Endpoint client_;
  Endpoint server_;
  Origin first_;
  Origin last_;
  Options options_;
  Observer& observer_;
  Toolbox& toolbox_;
  Tracker tracker_;
  std::optional<Tracker> other_dialect_;  // in mid-stream, until it is known which one is spoken
  Context context_;
  Side sides_[2];
  std::unique_ptr<TlsReader> tls_;
  Buffer plain_;
  Buffer inflated_;
  std::optional<ServerGreeting> greeting_;
  std::string user_, next_user_;
  std::string schema_, next_schema_;
  std::uint16_t next_collation_ = 0;
  sql::SessionDialect dialect_;
  std::string plugin_;
  std::string proxy_header_;
  Buffer proxy_header_bytes_;
  std::unordered_map<std::uint32_t, Statement> statements_;
  std::optional<std::uint32_t> last_prepared_;
  Statement being_prepared_;  // MariaDB's clients execute it before they know its id
  Definitions columns_;
  std::vector<ColumnType> column_types_;
  std::uint32_t definitions_left_ = 0;
  // What a SeenMessage points at.
  ComQuery query_;
  ComStmtExecute execute_;
  ComStmtBulkExecute bulk_;
  binlog::Event event_;
  Buffer event_inflated_;
  binlog::Stream binlog_;
  // A ring, so that the strings in it are used again.
  std::vector<Exchange> exchanges_;
  std::size_t front_ = 0;
  std::size_t waiting_ = 0;
  Exchange unanswered_;
  std::uint64_t commands_ = 0;
  std::uint64_t errors_ = 0;
  std::uint64_t bytes_[2] = {0, 0};
  std::uint8_t next_sequence_ = 0;
  bool sequence_known_ = false;
  bool from_start_;
  bool announced_ = false;
  bool proxy_header_done_ = false;
  bool recognised_ = false;
  bool tls_reported_ = false;
  std::array<bool, 2> tls_failed_{};
  bool semi_sync_ = false;
  bool full_authentication_ = false;
  bool guessing_ = false;
  bool finished_ = false;
  Compression compression_ = Compression::none;
};

}  // namespace mysqlwire::capture
