// One session's questions to the rules in force.
#pragma once

#include "proxy/rules/rule_book.hpp"
#include "proxy/statement/inspection.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace mysqlproxy::rules {

/// Keeps what does not change from one statement to the next. Belongs to one thread.
class Asker {
 public:
  /// The rules from here on; null: none.
  void use(std::shared_ptr<const RuleBook> book);

  /// What rules want for this command; nothing where it is no statement. Counts their hits. Valid
  /// until the next.
  const Decision& ask(const ConnectionFacts& facts, const Inspection& inspection,
                      const mysqlwire::sql::Dialect& dialect);
  const Decision& decision() const noexcept { return asked_ ? state_->decision : nothing_; }
  /// For a command that no rule is asked about.
  void forget() noexcept { asked_ = false; }
  /// Other facts are given to ask() from here on: user, schema, pool.
  void facts_changed() noexcept {
    scope_known_ = false;
    scope_id_ = 0;
  }

 private:
  struct State {
    std::shared_ptr<const RuleBook> book;
    RuleBook::Scope scope;
    // What the scope was made of.
    std::string user, schema, pool, host;
    Decision decision;
  };

  void look_at(const ConnectionFacts& facts);
  const Decision& ask_book(const ConnectionFacts& facts, const Inspection& inspection,
                           const mysqlwire::sql::Dialect& dialect);

  static const Decision nothing_;
  // Most statements are done with by these, and their state is not looked at.
  std::unique_ptr<State> state_;  ///< null: there are no rules for statements
  std::uint64_t scope_id_ = 0;    ///< 0: not known
  bool asked_ = false;            ///< the decision is about the last statement
  bool scope_known_ = false;
  bool scope_empty_ = true;
};

/// The host of "10.0.0.9:41234", "[::1]:41234" and "unix".
std::string host_of(std::string_view address);

/// Whose limit it is: the key for RateLimit and ConcurrencyLimit.
std::string_view limit_key(LimitBy by, std::string_view user, std::string_view host) noexcept;

}  // namespace mysqlproxy::rules
