// One session's commands before the guard and in the statistics.
#pragma once

#include "proxy/guard/guard.hpp"
#include "proxy/io/loop.hpp"
#include "proxy/session/services.hpp"
#include "proxy/statement/decision.hpp"
#include "proxy/statement/inspection.hpp"
#include "proxy/statistics/statistics.hpp"

#include <mysqlwire/session/packet_kind.hpp>
#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/sql/dialect.hpp>
#include <mysqlwire/wire/bytes.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace mysqlproxy {

/// Knows the time and writes things down, which guard and statistics themselves do not. A command
/// begins and ends with the batches of events that brought it and its answer.
class alignas(64) Watch {
 public:
  /// For the sessions of `user` by this configuration; null where it has neither guard nor
  /// statistics. `statistics` is the thread's; `deadline` is for commands whose time is limited:
  /// when it has passed, on_time() is to be asked.
  static std::unique_ptr<Watch> make(Services& services, StatementStatistics& statistics,
                                     Deadline& deadline, std::uint64_t connection_id,
                                     std::shared_ptr<const Topology> topology,
                                     std::string_view user);

  Watch(Services& services, StatementStatistics& statistics, Deadline& deadline,
        std::uint64_t connection_id, std::shared_ptr<const Topology> topology,
        std::string_view user);

  /// What is to become of a command: nothing where the guard has nothing against it.
  std::optional<Refusal> on_command(const ConnectionFacts& facts, const Inspection& inspection,
                                    const mysqlwire::sql::Dialect& dialect);
  void on_columns() noexcept { in_rows_ = under_way_; }
  void on_answer(mysqlwire::PacketKind kind, mysqlwire::Bytes prefix,
                 const mysqlwire::Tracker& tracker);
  /// A refusal: the client is to get no more of the answer.
  std::optional<Refusal> on_progress(const ConnectionFacts& facts, std::uint64_t bytes,
                                     const mysqlwire::Tracker& tracker);
  /// The same when the command's time is over.
  std::optional<Refusal> on_time(const ConnectionFacts& facts);
  /// Other facts are given from here on: user, schema or server.
  void facts_changed() noexcept { origin_.reset(); }
  /// No server is to see the command: a rule refused it, or the proxy has answered it.
  void settle(const ConnectionFacts& facts, bool refused);

 private:
  std::optional<Refusal> judge(const ConnectionFacts& facts, const Inspection& inspection,
                               const mysqlwire::sql::Dialect& dialect);
  std::optional<Refusal> refuse_at_limit(const ConnectionFacts& facts, GuardCheck check);
  void note_findings(const ConnectionFacts& facts, GuardChecks observed, GuardChecks refused,
                     std::string_view request, std::string_view statement);
  void learn(const ConnectionFacts& facts, const Inspection& inspection,
             const GuardFindings& findings);
  void begin(const ConnectionFacts& facts, const Inspection& inspection,
             const mysqlwire::sql::Dialect& dialect);
  void arm(std::chrono::milliseconds from_now);
  void finish(const ConnectionFacts& facts, bool refused);
  void write_slow(const ConnectionFacts& facts, std::int64_t microseconds);

  // What every command needs comes first, in two cache lines: the memory of many sessions is slow
  // to get at.
  const UserGuard* guard_ = nullptr;  ///< null: nothing is looked for
  const StatisticsConfig* counted_ = nullptr;
  StatementStatistics& statistics_;
  Deadline& deadline_;
  std::shared_ptr<const StatementOrigin> origin_;  ///< null: to be asked for
  StatementStatistics::Handle line_;
  std::int64_t began_ = 0;  ///< nanoseconds, monotonic
  std::uint64_t rows_ = 0;  ///< of the results that are complete
  std::uint64_t bytes_ = 0;
  std::uint64_t asked_at_ = 0;  ///< the loop's clock, where the time is limited
  std::uint64_t digest_ = 0;
  /// For the audit log. Borrowed from the inspection, which is there until the next command.
  std::string_view digest_text_;
  GuardChecks exceeded_;  ///< limits that were noted already
  std::uint16_t error_code_ = 0;
  mysqlwire::Command command_ = mysqlwire::Command::com_sleep;
  bool slow_ : 1 = false;
  bool limits_ : 1 = false;  ///< of what an answer may be
  bool times_ : 1 = false;   ///< of how long it may take
  bool armed_ = false;       ///< the deadline is set
  bool under_way_ = false;
  bool complete_ = false;
  bool cut_ = false;
  bool error_ = false;
  bool in_rows_ = false;
  bool mariadb_ = false;

  Services& services_;
  std::uint64_t connection_id_;
  std::shared_ptr<const Topology> topology_;
  std::string text_;  ///< for the slow log
  mysqlwire::sql::Dialect dialect_;
  std::uint64_t slow_seen_ = 0;
};

}  // namespace mysqlproxy
