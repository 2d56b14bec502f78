// What a session keeps of itself while it borrows its server connections.
#pragma once

#include "proxy/lending/last_statement.hpp"
#include "proxy/lending/loan_key.hpp"
#include "proxy/lending/session_follower.hpp"
#include "proxy/lending/statements.hpp"
#include "proxy/session/gate.hpp"
#include "proxy/session/second_chance.hpp"
#include "proxy/session/server_connection.hpp"
#include "proxy/session/terms.hpp"
#include "proxy/statement/inspection.hpp"

#include <mysqlwire/session/tracker.hpp>
#include <mysqlwire/sql/dialect.hpp>
#include <mysqlwire/wire/context.hpp>
#include <mysqlwire/wire/writer.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace mysqlproxy {

/// The part of a session that follows its client from one server connection to the next: the image
/// of its session, its prepared statements, and why it can't let the connection go. No I/O.
/// Steering shows it every command and every answer.
class Borrowing {
 public:
  Borrowing(lending::ImageStore& images, lending::StatementSources& sources)
      : follower_(images), sources_(sources) {}

  /// A login or a change of user: the session is like `image`.
  void begin(lending::SharedImage image, SharedTerms terms);

  /// The client of `before` goes on with this: ids of statements are not given twice.
  void number_behind(const Borrowing& before) noexcept {
    statements_.number_behind(before.statements_);
  }

  // The connection.
  /// Its statements are these from here on; null: there is no connection. `only`: there can't be
  /// another one.
  void attach(lending::PreparedHere* prepared, bool only) noexcept;
  bool attached() const noexcept { return prepared_ != nullptr; }
  /// On whose behalf servers are asked for connections.
  void set_borrower(std::shared_ptr<const lending::Borrower> who) { who_ = std::move(who); }
  const std::shared_ptr<const lending::Borrower>& who() const noexcept { return who_; }
  const mysqlwire::Context& client_side() const noexcept { return terms_->client_side; }
  const mysqlwire::Context& server_side() const noexcept { return terms_->server_side; }
  const lending::ServerTraits& server() const noexcept { return terms_->server; }
  /// What the client's session is like now, and was like at its beginning.
  const lending::SharedImage& image() const noexcept {
    return reset_ ? initial_ : follower_.image();
  }
  const lending::SharedImage& initial_image() const noexcept { return initial_; }
  /// The client may send several statements at once: as its login said, until COM_SET_OPTION says
  /// otherwise, which no COM_CHANGE_USER takes back.
  bool multi_statements() const noexcept { return multi_statements_; }
  /// The client has reset its connection, and the server tells of changes no more.
  bool trackers_are_off() const noexcept { return trackers_off_ && !reset_; }
  /// The session is over, and its connection is as at the beginning again.
  void note_reset() noexcept { reset_ = true; }
  lending::SessionFollower& follower() noexcept { return follower_; }
  const lending::SessionFollower& follower() const noexcept { return follower_; }

  /// The server is about to close the connection that the session has.
  void note_killed() noexcept { stuck_ = true; }

  // Commands.
  /// hold: the session has to do something before it can go on, or there is no connection.
  Gate::Verdict on_command(const Inspection& inspection, const mysqlwire::sql::Dialect& dialect);
  /// The payload of an OK that says nothing.
  mysqlwire::Buffer plain_ok() const;
  /// The payload of the OK to a login, or to COM_CHANGE_USER, that no server was asked about: as a
  /// server would say it to the proxy.
  mysqlwire::Buffer login_ok() const;
  /// The payload of an OK that was said to the proxy, as the client is to see it.
  mysqlwire::Buffer shown(mysqlwire::Bytes ok_payload) const;
  /// The payload of the answer, where none of a server is needed; empty: the command has none.
  std::optional<mysqlwire::Buffer> answer_here(const Inspection& inspection);
  /// The payload of a command with the same answer and effect, where the server of the connection
  /// does not have the statement that is meant. Nothing: the command itself can go.
  std::optional<mysqlwire::Buffer> stand_in(const Inspection& inspection);
  /// What has to be prepared first on the connection that the session has now; null: nothing.
  const lending::SharedSource* to_prepare(const Inspection& inspection);
  /// The command prepares one more than a connection is to have: some have to be closed first.
  bool lacks_room(const Inspection& inspection) const noexcept;
  /// It has been, under this id.
  void prepared(lending::SharedSource source, std::uint32_t server_id);
  /// The server has to be told the types of parameters again: with_types() does.
  bool lacks_types(const Inspection& inspection) const {
    return executes(inspection.command) && target_.entry != nullptr && !has_types(inspection);
  }
  /// The command with the types of its parameters, where the server has to be told them again: as
  /// much of it as was shown.
  std::optional<mysqlwire::Buffer> with_types(const Inspection& inspection);
  /// The session's last statement ran elsewhere, or the connection was another's since.
  void note_strange_connection() noexcept { found_rows_elsewhere_ = true; }
  /// The command asks for what this connection does not know.
  bool asks_strangers(const Inspection& inspection, const mysqlwire::sql::Dialect& dialect) const {
    return found_rows_elsewhere_ &&
           lending::SessionFollower::reads_last_statement(inspection, dialect);
  }
  /// What the command reads of the statement before it is not on this connection. The text to run
  /// in its place, where that can be told; else nothing.
  std::optional<std::string> without_last_statement(const Inspection& inspection,
                                                    const mysqlwire::sql::Dialect& dialect) const;
  /// The command goes now: ids of statements become the server's.
  void on_forward(const Inspection& inspection, std::span<std::uint8_t> payload);

  // Answers.
  void on_answer(mysqlwire::PacketKind kind, mysqlwire::Bytes payload,
                 const mysqlwire::Tracker& tracker);
  bool rewrite_answer(mysqlwire::PacketKind kind, std::span<std::uint8_t> payload,
                      mysqlwire::Buffer& instead);
  /// The whole answer is this ERR. True: the client is not to see it, the command is repeated.
  bool takes_back(mysqlwire::Bytes err_payload) {
    return second_chance_.takes_back(err_payload, server_side());
  }
  SecondChance& second_chance() noexcept { return second_chance_; }
  /// The id that the client knows its newest statement by.
  std::uint32_t id_of_new_statement() const noexcept { return client_id_of_new_; }
  /// Asks for what only the connection knows of the session's last statement.
  static std::string_view last_statement_query() noexcept;
  /// Its answer, with the status flags that came with it. False when it is none.
  bool take_last_statement(std::span<const lending::ReportedValue> row,
                           mysqlwire::StatusFlags status);
  /// Somebody may want to know more of it than its answer has told.
  bool asks_back() const noexcept {
    return asks_back_ || follower_.pins().has(lending::Pin::found_rows);
  }

  // Between commands.
  enum class Hold : std::uint8_t {
    none,       ///< the connection can be given back
    uncertain,  ///< briefly, and then the status has to be asked for: the last answer has none
    briefly,    ///< only the next statement could ask for what keeps it
    firmly,
  };
  Hold hold() const;
  /// The last command was answered by an ERR.
  bool failed() const noexcept { return failed_; }
  /// COM_RESET_CONNECTION takes back all that keeps the connection.
  bool reset_suffices() const;
  /// Why, in words: "transaction", "temporary_table, cursor"; empty: nothing.
  std::string reasons() const;
  bool in_transaction() const noexcept;
  bool autocommit() const noexcept { return status_.has(mysqlwire::ServerStatus::autocommit); }

 private:
  void aim(const Inspection& inspection) noexcept;
  lending::PreparedHere::Entry* find_entry() noexcept;
  bool has_types(const Inspection& inspection) const;
  static bool executes(mysqlwire::Command command) noexcept {
    return command == mysqlwire::Command::com_stmt_execute ||
           command == mysqlwire::Command::com_stmt_bulk_execute;
  }
  bool is_one_too_many(const Inspection& inspection) const noexcept;
  bool is_of_other_schema() const;
  mysqlwire::Buffer counted_ok();
  bool is_free() const;
  void note_execute(const Inspection& inspection);
  void note_bulk(mysqlwire::Bytes command);
  void remember_types(mysqlwire::Bytes command);
  void lose_types();
  bool has_other_option() const;
  void note_last_statement(mysqlwire::PacketKind kind, mysqlwire::Bytes payload,
                           const mysqlwire::Tracker& tracker);
  void end_of_answer(mysqlwire::PacketKind kind, const mysqlwire::Tracker& tracker);

  // What every command needs stands together, since the memory of many sessions is slow to get at.
  lending::ClientStatements statements_;
  lending::PreparedHere* prepared_ = nullptr;
  SharedTerms terms_;  ///< null before begin()
  // Of the command under way.
  /// The prepared statement that it is about.
  struct Target {
    std::uint32_t sent_id = 0;                      ///< as the client wrote it
    std::uint32_t id = 0;                           ///< the client's; 0: none
    lending::ClientStatement* statement = nullptr;  ///< null: the client has no such statement
    /// Where it is prepared on the connection; null: it is not, or that was not looked at yet.
    lending::PreparedHere::Entry* entry = nullptr;
  };
  Target target_;
  lending::SharedSource being_prepared_;
  std::uint32_t client_id_of_new_ = 0;
  mysqlwire::Command command_ = mysqlwire::Command::com_sleep;
  bool diagnoses_ = false;  ///< GET DIAGNOSTICS leaves what is known of the statement before it
  // Of the session.
  mysqlwire::StatusFlags status_;
  bool multi_statements_ = false;  ///< as asked for last
  bool wanted_multi_statements_ = false;
  bool only_ = false;    ///< no other connection can be had
  bool stuck_ = false;   ///< the connection has become something else
  bool failed_ = false;  ///< the last answer was an ERR
  bool trackers_off_ = false;
  bool reset_ = false;
  bool found_rows_elsewhere_ = false;  ///< FOUND_ROWS() of the connection is not the session's
  bool asks_back_ = false;             ///< the client asks about statements behind them
  bool asks_back_later_ = false;       ///< what is being prepared does
  SecondChance second_chance_;
  lending::LastStatement last_;
  lending::SessionFollower follower_;

  lending::StatementSources& sources_;
  std::shared_ptr<const lending::Borrower> who_;
  lending::SharedImage initial_;
};

}  // namespace mysqlproxy
