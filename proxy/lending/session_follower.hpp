// Follows what one client's session becomes, so that other connections can stand in for its own.
#pragma once

#include "proxy/lending/held_things.hpp"
#include "proxy/lending/image_store.hpp"
#include "proxy/lending/pins.hpp"
#include "proxy/lending/reported_value.hpp"
#include "proxy/lending/server_traits.hpp"
#include "proxy/lending/session_image.hpp"
#include "proxy/lending/statement_changes.hpp"
#include "proxy/statement/inspection.hpp"

#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/sql/dialect.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/command.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/ok_packet.hpp>
#include <mysqlwire/wire/session_track.hpp>
#include <mysqlwire/wire/status.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy::lending {

/// Keeps the image of a session by what its commands say and what its server answers: session
/// trackers first, the statement's text where they don't tell. What is not certain is a pin, never
/// a guess.
///
/// What can't be seen from outside: a user variable that a trigger, or a function behind a view,
/// writes by SELECT … INTO, and GET_LOCK() there.
class SessionFollower {
 public:
  /// User variables and system variables that are carried along, and the bytes of their values.
  static constexpr std::size_t most_variables = 64;
  static constexpr std::size_t most_bytes = 16 * 1024;
  static constexpr std::size_t longest_value = 4096;

  /// `images` outlives the follower.
  explicit SessionFollower(ImageStore& images) : images_(&images) {}

  /// A login or COM_CHANGE_USER has succeeded: a session begins that is as `initial` says.
  void begin(SharedImage initial, ServerTraits server);

  /// The next command, before its connection is chosen. Commands are not pipelined: the answer to
  /// the one before has ended, or never comes. `then`: how the session was when the statement was
  /// prepared that is executed, which tables without a schema go by; null: as it is.
  void on_command(const Inspection& inspection, const mysqlwire::sql::Dialect& dialect,
                  const SessionImage* then = nullptr);
  /// A result set begins.
  void on_columns() {
    // INSERT … RETURNING: the id is in no OK.
    if (inserts_ && answer_due_) unknown().last_insert_id = true;
  }
  /// A packet of the answer to it that says how it went: whole when it is an OK (PacketKind::ok,
  /// and result_end with CLIENT_DEPRECATE_EOF), of others as much as there is. `server_side` is
  /// what the proxy and the server agreed on. `tracker` has accepted the packet. Others may be
  /// shown as well.
  void on_answer(mysqlwire::PacketKind kind, mysqlwire::Bytes payload,
                 const mysqlwire::Tracker& tracker, const mysqlwire::Context& server_side);

  /// As of the last answer; but for what value_query() has to ask for.
  const SharedImage& image() const noexcept { return image_; }
  /// Not empty: no other connection will do.
  Pins pins() const;

  /// What the session has to ask its connection for before it gives it back, since nobody reported
  /// it: a SELECT of one row. Empty: nothing. It is asked only when there are no pins; it leaves
  /// no warnings, but takes the place of the last statement for FOUND_ROWS() and ROW_COUNT().
  std::string value_query() const;
  bool asks_for_values() const noexcept { return unknown_ && unknown_->any(); }
  /// Its answer, one value for each column. False when that is not what was asked for: the session
  /// is pinned from there on. An ERR: with an empty span.
  bool take_values(std::span<const ReportedValue> row);
  /// All that it would be asked for is LAST_INSERT_ID(), of which servers promise nothing behind a
  /// statement that has failed. A connection that can't be asked then can be done without.
  bool lacks_id_alone() const noexcept;
  /// Its schema is there no more: the session is one that has chosen none.
  void lose_schema();
  void forget_id() noexcept {
    if (unknown_) unknown_->last_insert_id = false;
  }

  /// A variable whose value has to be asked for.
  bool is_unknown(std::string_view variable) const {
    return unknown_ && unknown_->variables.contains(variable);
  }

  /// A statement has failed, and nobody has told yet whether a trigger had changed something before
  /// that. The OK of a BEGIN does.
  bool in_doubt() const noexcept { return in_doubt_; }
  /// That OK.
  void settle_doubt(const mysqlwire::OkPacket& packet, const mysqlwire::Context& context);

  /// The last transaction of this session as its server named it, for causal reads; empty: none.
  const std::string& last_gtid() const noexcept { return last_gtid_; }

  /// The statement is about the statement before it, whose connection has to be the same:
  /// FOUND_ROWS(), ROW_COUNT(), SHOW WARNINGS, @@warning_count, GET DIAGNOSTICS …
  static bool reads_last_statement(const Inspection& inspection,
                                   const mysqlwire::sql::Dialect& dialect);
  /// The same of its text, whether it is executed now or only prepared.
  static bool is_about_last_statement(const Inspection& inspection,
                                      const mysqlwire::sql::Dialect& dialect);

 private:
  /// Names whose values have to be asked for.
  struct Unknown {
    std::set<std::string, std::less<>> user_variables;
    std::set<std::string, std::less<>> variables;
    bool last_insert_id = false;
    bool schema = false;
    bool names = false;  // follows from the others

    bool any() const noexcept {
      return !user_variables.empty() || !variables.empty() || last_insert_id || schema;
    }
  };

  void on_ok(const mysqlwire::OkPacket& packet, const mysqlwire::Context& context);
  void on_items(const mysqlwire::OkPacket& packet, const mysqlwire::Context& context);
  void on_item(const mysqlwire::SessionTrackItem& item, const mysqlwire::OkPacket& packet,
               const mysqlwire::Context& context);
  void on_variable(std::string_view reported_name, std::string_view value);
  void on_reset();
  void succeed();
  bool did_nothing(std::uint16_t code) const noexcept;
  void fail(std::uint16_t code);

  // What the command that was answered has done.
  void settle(bool succeeded);
  void settle_held(bool succeeded);
  void settle_schema(bool succeeded);
  void settle_variables(bool succeeded);
  void settle_variable(const StatementChanges::Variable& variable, bool succeeded);
  void settle_timestamp(const StatementChanges::Variable& variable, bool succeeded);
  void settle_names(bool succeeded);
  void settle_user_variables(bool succeeded);
  void settle_statement(bool has_warnings);
  void settle_savepoints(mysqlwire::StatusFlags status);
  void settle_transaction(mysqlwire::StatusFlags status);

  bool was_reported(std::string_view name) const noexcept;
  bool leaves_all_as_it_is(const Inspection& inspection) const noexcept;
  std::optional<std::string> text_literal(std::string_view text) const;
  void become(SharedImage image);
  void need_session_charset();
  StatementChanges& change();
  Unknown& unknown();
  const Unknown& asked() const noexcept;
  SessionImage& draft();
  void set_variable(const std::string& name, std::string value);
  void set_user_variable(const std::string& name, std::string value);
  void publish();
  void forget_command() noexcept {
    if (pending_ || reported_.capacity() != 0) drop_command();
  }
  void drop_command() noexcept;
  void check_bounds();
  bool take_session_values(std::span<const ReportedValue>& row);
  bool take_user_values(std::span<const ReportedValue>& row);

  // What every command needs stands first, since the memory of many sessions is slow to get at.
  static const Unknown nothing_;
  SharedImage image_;
  std::unique_ptr<SessionImage> draft_;  // what the image becomes at the end of the answer
  std::unique_ptr<Unknown> unknown_;     // null: nothing
  HeldThings held_;
  Pins lasting_;       // until the session is reset
  Pins of_statement_;  // until the next statement
  ServerTraits server_;
  bool oracle_mode_ = false;           // of image_: sequences look like columns
  bool one_shot_transaction_ = false;  // SET TRANSACTION, not used up
  bool one_shot_in_use_ = false;       // … and the transaction has begun
  bool saves_ = false;                 // the command is about a savepoint
  bool ends_ = false;                  // … ends or begins a transaction

  // Of the command that is being answered.
  bool state_changed_ = false;  // a tracker said so
  bool inserts_ = false;
  bool uses_tables_ = false;
  bool may_trigger_ = false;
  bool calls_ = false;
  bool trackers_told_ = false;  // by an OK
  bool in_doubt_ = false;       // not only of this command
  bool answer_due_ = false;
  mysqlwire::Command command_ = mysqlwire::Command::com_query;
  std::uint16_t warnings_ = 0;
  std::unique_ptr<StatementChanges> pending_;  // null: it changes nothing
  std::vector<std::string> reported_;          // variables that trackers told of

  std::string last_gtid_;
  ImageStore* images_;
};

}  // namespace mysqlproxy::lending
