// One session's commands before rules, guard and statistics.
#pragma once

#include "proxy/rules/asker.hpp"
#include "proxy/session/borrowing.hpp"
#include "proxy/session/gate.hpp"
#include "proxy/session/session_ties.hpp"
#include "proxy/session/watch.hpp"
#include "proxy/statement/decision.hpp"
#include "proxy/statement/inspection.hpp"
#include "proxy/statement/prepared_statements.hpp"
#include "proxy/statement/shape.hpp"

#include <mysqlwire/sql/session_dialect.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mysqlproxy {

/// Finds out what a command is, once, has it judged, and keeps what has to be known for the next
/// ones: prepared statements and the current schema.
class alignas(64) Steering final : public Gate {
 public:
  /// `shapes` are the thread's.
  Steering(ConnectionFacts facts, const mysqlwire::sql::SessionDialect& dialect,
           ShapeCache& shapes);

  Verdict on_command(mysqlwire::Bytes payload, bool whole,
                     const mysqlwire::Tracker& tracker) override;
  void on_columns() override {
    if (borrowing_ != nullptr) borrowing_->follower().on_columns();
    if (watch_) watch_->on_columns();
  }
  void on_answer(mysqlwire::PacketKind kind, mysqlwire::Bytes prefix,
                 const mysqlwire::Tracker& tracker) override;
  bool on_progress(std::uint64_t bytes, const mysqlwire::Tracker& tracker) override;
  void on_forward(std::span<std::uint8_t> payload) override;
  bool rewrites_answers() const noexcept override { return borrowing_ != nullptr; }
  bool rewrite_answer(mysqlwire::PacketKind kind, std::span<std::uint8_t> payload,
                      mysqlwire::Buffer& instead) override;

  bool takes_back(mysqlwire::Bytes payload) override {
    return borrowing_ != nullptr && borrowing_->takes_back(payload);
  }

  /// The command under way has taken its time. True when its answer is to be cut.
  bool on_time();

  /// Guard and statistics from the next command on; null: none.
  void set_watch(std::unique_ptr<Watch> watch) noexcept { watch_ = std::move(watch); }

  /// The session borrows its connections, and `borrowing` (or null) sees all commands and answers.
  void set_borrowing(Borrowing* borrowing) noexcept { borrowing_ = borrowing; }
  const mysqlwire::sql::Dialect& dialect() const noexcept { return dialect_.dialect(); }
  /// The server of the commands from here on.
  void set_server(std::string_view name) {
    if (facts_.server == name) return;
    facts_.server = name;
    if (watch_) watch_->facts_changed();
  }

  /// On the command that is held; valid until the next.
  const Decision& decision() const noexcept { return event_ ? event_->decision : no_decision_; }
  /// The command that was shown last.
  const Inspection& inspection() const noexcept { return inspection_; }
  const ConnectionFacts& facts() const noexcept { return facts_; }
  /// What rules want for it.
  const rules::Decision& ruling() const noexcept { return asker_.decision(); }
  const SessionTies& ties() const noexcept { return ties_; }

  /// The rules from the next command on.
  void use(std::shared_ptr<const rules::RuleBook> book) { asker_.use(std::move(book)); }
  /// While on, the session decides on every command, whatever it is.
  void hold_all(bool on) noexcept { hold_all_ = on; }
  /// Keeps a place within a limit until the command under way is answered, or let go of.
  void keep(rules::Permit permit) { event().permits.push_back(std::move(permit)); }
  void let_go() noexcept {
    if (event_) event_->permits.clear();
  }
  /// A rule has refused the command, or answered it: no server is to see it.
  void settle(bool refused) {
    if (watch_) watch_->settle(facts_, refused);
  }

  /// Nothing is under way, and nobody asks about the last command any more: what was kept of it
  /// goes, since clients rest for long.
  void rest() noexcept {
    if (!shape_ || shape_->lasts()) return;
    inspection_ = {};
    shape_.reset();
  }

  /// Another user or server: nothing that was prepared is left.
  void restart(ConnectionFacts facts, const mysqlwire::sql::SessionDialect& dialect);

 private:
  static const Decision no_decision_;

  /// Of a command that is more than passed on: seldom.
  struct Event {
    Decision decision;
    // What the server's answer will make true.
    std::shared_ptr<const Shape> being_prepared;
    std::optional<std::string> next_schema;
    std::string next_settings;  ///< a SET statement
    std::vector<rules::Permit> permits;
  };

  Event& event() {
    if (!event_) event_ = std::make_unique<Event>();
    return *event_;
  }
  Verdict ask_rules();
  Verdict on_nothing();
  void inspect(mysqlwire::Bytes payload, bool whole, const mysqlwire::Context& context);
  void inspect_text(std::string_view text, const std::shared_ptr<const Shape>& shape);
  void inspect_shape(const Shape& shape) noexcept;
  void inspect_prepared(std::uint32_t id);
  void take_effect(mysqlwire::PacketKind kind, mysqlwire::Bytes prefix);
  void note_wishes(mysqlwire::Bytes payload, const mysqlwire::Context& context);

  // What every command needs comes first, in few cache lines: the memory of many sessions is slow
  // to get at.
  std::unique_ptr<Watch> watch_;  ///< null: no guard and no statistics
  Borrowing* borrowing_ = nullptr;
  std::unique_ptr<Event> event_;  ///< null: the command was passed on, and changes nothing here
  rules::Asker asker_;
  bool answer_due_ = false;
  bool hold_all_ = false;
  mysqlwire::Command command_ = mysqlwire::Command::com_sleep;  ///< the one that is answered
  std::shared_ptr<const Shape> shape_;  ///< that inspection_ borrows from, of what was sent as text
  ShapeCache& shapes_;
  Inspection inspection_;
  mysqlwire::sql::SessionDialect dialect_;
  SessionTies ties_;
  PreparedStatements prepared_;
  ConnectionFacts facts_;
};

}  // namespace mysqlproxy
