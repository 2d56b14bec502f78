// What rules make of a statement, in words and as JSON.
#pragma once

#include "proxy/guard/guard.hpp"
#include "proxy/rules/rule_book.hpp"

#include <mysqlwire/sql/analysis.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace mysqlproxy::rules {

/// All that is known of what would become of one statement.
struct Explanation {
  std::string user, host, schema, listener;
  std::string user_pool;     ///< the account's; empty: the server decides
  std::string session_pool;  ///< where the session is
  std::string sql;
  bool prepared = false;
  mysqlwire::sql::Analysis analysis;
  std::optional<GuardFindings> guard;  ///< nothing: the guard looks for nothing
  std::vector<Verdict> connection;
  std::vector<Verdict> statement;
  Decision at_connection;
  Decision at_statement;
  std::vector<std::string> servers;  ///< that come into question, the preferred one first
  std::string balance;               ///< how one of them is chosen; "hash", "named"
  std::string tie;                   ///< what keeps the statement where its session is; or empty

  /// By the guard, or by a rule.
  bool refused() const noexcept;
};

/// The names of the effects, reads_only among them.
std::vector<std::string> effects_of(const mysqlwire::sql::Classification& what);

/// What a rule does, on one line: "pool replicas, log".
std::string describe_action(const RuleAction& then);

std::string to_text(const Explanation& explanation);
nlohmann::ordered_json to_json(const Explanation& explanation);

}  // namespace mysqlproxy::rules
