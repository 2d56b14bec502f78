// What is known of one command and of the connection that it came by: what rules, guard and
// statistics judge. Found out once for all of them.
#pragma once

#include "proxy/config/host_pattern.hpp"
#include "proxy/statement/shape.hpp"

#include <mysqlwire/sql/classify.hpp>
#include <mysqlwire/wire/bytes.hpp>
#include <mysqlwire/wire/command.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mysqlproxy {

/// What stays the same from one command to the next, mostly.
struct ConnectionFacts {
  std::string user;     ///< as the client calls itself
  std::string schema;   ///< the current one, as far as it can be followed; empty: none
  std::string address;  ///< the client's, as the log has it: "10.0.0.9:41234", "unix"
  ClientHost host;      ///< the client's, as accounts look at it
  std::string listener;
  std::string pool;    ///< of the user
  std::string server;  ///< whose connection the session has
};

/// One command. The views borrow from the command's packet, or from what is kept of a prepared
/// statement, and are good until the next command.
struct Inspection {
  mysqlwire::Command command = mysqlwire::Command::com_query;
  /// False: the command is longer than what is inspected. `text` and all that follows from it is
  /// of its beginning only, and `what` says that it may do anything.
  bool whole = true;
  /// False: a statement must be in there, but the packet can't be read. What the server makes of it
  /// is not known.
  bool readable = true;
  bool digest_truncated = false;
  /// Of COM_QUERY and COM_STMT_PREPARE; of COM_STMT_EXECUTE what was prepared. Empty for others.
  std::string_view text;
  /// The whole payload: for COM_STMT_EXECUTE the values of its placeholders.
  mysqlwire::Bytes payload;
  /// Never null.
  const mysqlwire::sql::Classification* what = &not_known;
  /// Where that is from, to remember more of it; null: it was found out another way.
  const Shape* shape = nullptr;
  std::uint64_t digest = 0;
  std::string_view digest_text;

  /// There is a statement: a text was sent, or prepared before.
  bool has_text() const noexcept { return !text.empty(); }

  /// Of what can't be told what it does.
  static const mysqlwire::sql::Classification not_known;
};

inline const mysqlwire::sql::Classification Inspection::not_known = [] {
  mysqlwire::sql::Classification what;
  what.effects.add(mysqlwire::sql::Effect::writes);
  return what;
}();

}  // namespace mysqlproxy
