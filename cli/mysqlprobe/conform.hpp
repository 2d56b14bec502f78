// The rules of the protocol as checks that can be run against anything that speaks it.
#pragma once

#include "cli/mysqlprobe/login.hpp"

#include <mysqlwire/session/packet_kind.hpp>
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/wire/parameter.hpp>
#include <mysqlwire/wire/stmt.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlprobe {

/// How a check went.
struct Outcome {
  enum class Kind : std::uint8_t {
    pass,
    fail,       ///< against the protocol
    deviation,  ///< within it, but not what servers do
    skipped,    ///< can't be tried here
  };
  Kind kind = Kind::pass;
  std::string seen;    ///< what was seen, in words that don't vary from run to run
  std::string packet;  ///< the packet that shows it, in hex
};

std::string_view to_string(Outcome::Kind kind) noexcept;

/// One packet of an answer. Owned.
struct SeenPacket {
  mysqlwire::PacketKind kind{};
  mysqlwire::Buffer payload;
  std::uint8_t first_sequence_id = 0;
  std::uint8_t last_sequence_id = 0;
};

/// A whole answer, with what there is to say of it.
struct Answer {
  static constexpr std::size_t max_packets = 20000;

  std::vector<SeenPacket> packets;
  std::optional<Failure> err;
  bool closed = false;
  mysqlwire::Context context;

  /// "OK", "2 rows", "ERR 1047 (08S01)", "closed".
  std::string text() const;
  std::size_t count(mysqlwire::PacketKind kind) const;
  const SeenPacket* find(mysqlwire::PacketKind kind, std::size_t number = 0) const;
  bool is_ok() const { return !closed && !err && count(mysqlwire::PacketKind::ok) != 0; }
  /// The cells of a row, of the text or the binary protocol, printed as the text protocol has them;
  /// "NULL" for NULL.
  std::vector<std::string> row(std::size_t number) const;
  /// The status flags of the last OK or EOF.
  mysqlwire::StatusFlags status() const;
};

/// A connection that is logged in. Whatever breaks the grammar is thrown as an Outcome that failed.
class Session {
 public:
  Session(const Target& target, const LoginSettings& settings);

  Login& login() noexcept { return login_; }
  Connection& connection() noexcept { return login_.connection(); }
  const mysqlwire::Context& context() const noexcept { return context_; }
  bool has(mysqlwire::Capability capability) const noexcept {
    return context_.capabilities.has(capability);
  }

  /// Sends a command and reads its whole answer.
  Answer command(mysqlwire::Bytes payload);
  Answer command(std::initializer_list<std::uint8_t> payload) {
    return command(mysqlwire::Buffer(payload));
  }
  template <class Message>
  Answer send(const Message& message) {
    mysqlwire::Buffer payload;
    mysqlwire::Writer writer(payload);
    message.encode(writer, context_);
    return command(payload);
  }
  Answer query(std::string_view sql);
  /// As query(), but an error makes the check a skipped one: it was only the preparation.
  void need(std::string_view sql);
  /// Prepares; an error makes the check fail.
  mysqlwire::StmtPrepareOk prepare(std::string_view sql);
  Answer execute(std::uint32_t id, std::span<const mysqlwire::Parameter> parameters,
                 mysqlwire::ExecuteFlags flags = {});
  /// COM_PING is answered with OK.
  bool alive();

  /// What is not followed: bytes as they are, and the next packet, nothing when it closes.
  void send_raw(mysqlwire::Bytes bytes) { connection().send(bytes); }
  std::optional<SeenPacket> read_raw();
  /// The grammar begins anew behind what was not followed.
  void restart();

 private:
  Login login_;
  mysqlwire::Context context_;
  mysqlwire::Tracker tracker_;
};

/// What checks are given.
class Bench {
 public:
  Bench(const Target& target, const LoginSettings& settings);

  const Target& target() const noexcept { return target_; }
  const LoginSettings& settings() const noexcept { return settings_; }
  mysqlwire::Flavor flavor() const noexcept { return flavor_; }
  mysqlwire::Capabilities offered() const noexcept { return offered_; }
  void learn(const LoginMachine& machine);

  std::unique_ptr<Session> open(mysqlwire::Capabilities add = {},
                                mysqlwire::Capabilities remove = {});
  /// The same with a schema of its own choice; skips the check where none was given.
  std::unique_ptr<Session> open_in_schema(mysqlwire::Capabilities add = {},
                                          mysqlwire::Capabilities remove = {});
  /// Skips the check when the server does not offer it.
  void need(mysqlwire::Capability capability) const;

 private:
  const Target& target_;
  LoginSettings settings_;
  mysqlwire::Flavor flavor_ = mysqlwire::Flavor::mysql;
  mysqlwire::Capabilities offered_;
};

struct Check {
  std::string name;  ///< "group.what"
  std::string about;
  std::function<Outcome(Bench&)> run;
};

std::vector<Check> all_checks();
void add_greeting_checks(std::vector<Check>& checks);
void add_login_checks(std::vector<Check>& checks);
void add_command_checks(std::vector<Check>& checks);
void add_result_checks(std::vector<Check>& checks);
void add_size_checks(std::vector<Check>& checks);
void add_statement_checks(std::vector<Check>& checks);
void add_type_checks(std::vector<Check>& checks);
void add_compression_checks(std::vector<Check>& checks);

Outcome pass(std::string seen);
Outcome fail(std::string seen, mysqlwire::Bytes packet = {});
Outcome deviation(std::string seen, mysqlwire::Bytes packet = {});
Outcome skip(std::string why);
/// Passes for an ERR with one of the codes; another ERR is a deviation.
Outcome expect_err(const Answer& answer, std::initializer_list<std::int64_t> codes);
Outcome expect_ok(const Answer& answer);
/// Passes when the first row's cells are these.
Outcome expect_row(const Answer& answer, const std::vector<std::string>& cells);
std::string hex_of(mysqlwire::Bytes bytes);

}  // namespace mysqlprobe
