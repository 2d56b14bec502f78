// One session's commands before rules, guard and statistics.
#pragma once

#include "proxy/session/gate.hpp"
#include "proxy/statement/decision.hpp"
#include "proxy/statement/inspection.hpp"
#include "proxy/statement/prepared_statements.hpp"

#include <mysqlwire/sql/session_dialect.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace mysqlproxy {

/// Finds out what a command is, once, has it judged, and keeps what has to be known for the next
/// ones: prepared statements and the current schema.
class Steering final : public Gate {
 public:
  /// Room for digests, shared by the sessions of a thread: an inspection is over before the next.
  static constexpr std::size_t digest_room = 16 * 1024;

  Steering(ConnectionFacts facts, const mysqlwire::sql::SessionDialect& dialect,
           std::span<char> room);

  Verdict on_command(mysqlwire::Bytes payload, bool whole,
                     const mysqlwire::Tracker& tracker) override;
  void on_answer(mysqlwire::PacketKind kind, mysqlwire::Bytes prefix,
                 const mysqlwire::Tracker& tracker) override;
  bool on_progress(std::uint64_t bytes, const mysqlwire::Tracker& tracker) override;

  /// On the command that is held; valid until the next.
  const Decision& decision() const noexcept { return decision_; }
  /// The command that was shown last.
  const Inspection& inspection() const noexcept { return inspection_; }
  const ConnectionFacts& facts() const noexcept { return facts_; }

  /// Another user or server: nothing that was prepared is left.
  void restart(ConnectionFacts facts, const mysqlwire::sql::SessionDialect& dialect);

 private:
  void inspect(mysqlwire::Bytes payload, bool whole, const mysqlwire::Context& context);
  void inspect_text(std::string_view text);
  void inspect_prepared(std::uint32_t id);
  void note_wishes(mysqlwire::Bytes payload, const mysqlwire::Context& context);

  ConnectionFacts facts_;
  mysqlwire::sql::SessionDialect dialect_;
  std::span<char> digest_room_;
  PreparedStatements prepared_;
  Inspection inspection_;
  Decision decision_;
  /// What the server's answer will make true.
  std::unique_ptr<const PreparedStatement> being_prepared_;
  std::optional<std::string> next_schema_;
  std::string next_settings_;                                   ///< a SET statement
  mysqlwire::Command command_ = mysqlwire::Command::com_sleep;  ///< the one that is answered
  bool answer_due_ = false;
};

}  // namespace mysqlproxy
