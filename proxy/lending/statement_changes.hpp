// What a statement's text says that it may change in its session.
#pragma once

#include "proxy/lending/pins.hpp"

#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/sql/dialect.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mysqlproxy::lending {

/// All of it is what happens if the server agrees; names are in lower case and unquoted, but for
/// those of HeldChange.
struct StatementChanges {
  /// A system variable of the session that SET names.
  struct Variable {
    std::string name;
    bool to_default = false;
    std::string number;  ///< what it is set to, when that is a number that stands in the text
  };
  /// Something is taken, or given up, that is held by its name.
  struct HeldChange {
    enum class Kind { take, take_once, release, release_all };
    Kind kind = Kind::take;
    Pin pin = Pin::user_lock;
    std::string name;
  };
  /// A user variable that may be written, and the expression for its value where the text has it.
  struct UserVariable {
    std::string name;
    std::optional<std::string> number;  ///< an integer, or "NULL"
    std::optional<std::string> text;    ///< a string of plain ASCII
  };

  std::vector<Variable> variables;
  std::vector<UserVariable> user_variables;
  std::vector<HeldChange> held;
  /// What it leaves behind until the session is reset.
  Pins lasting;
  /// SET NAMES … COLLATE.
  std::optional<std::string> names_collation;
  /// The schema that USE names.
  std::optional<std::string> schema;
  bool charset = false;               ///< SET NAMES, SET CHARACTER SET
  bool default_charset = false;       ///< … to DEFAULT
  bool last_insert_id = false;        ///< other than by an OK that has one
  bool one_shot_transaction = false;  ///< SET TRANSACTION
  bool session_transaction = false;   ///< SET SESSION TRANSACTION
  bool found_rows = false;            ///< SQL_CALC_FOUND_ROWS
  bool reads_last = false;  ///< is about the statement before it, and leaves that as it is
  bool several = false;     ///< more than one statement: no telling which have run after an ERR
  bool renames = false;     ///< a table, which may be a temporary one
  bool defines = false;     ///< alters or drops tables, maybe temporary ones
  /// A tracker may say that something changed, and all that can have is told here.
  bool explained = false;
};

/// Adds to `changes` what `sql` does; `what` is what the classifier says of its first statement.
/// `schema` is the current one, of tables that are named without.
void read_changes(std::string_view sql, const mysqlwire::sql::Classification& what,
                  const mysqlwire::sql::Dialect& dialect, std::string_view schema,
                  StatementChanges& changes);

/// See SessionFollower::reads_last_statement().
bool reads_last_statement(std::string_view sql, const mysqlwire::sql::Dialect& dialect);

}  // namespace mysqlproxy::lending
