// What a RuleBook is made of inside: for its own files.
#pragma once

#include "proxy/rules/bits.hpp"
#include "proxy/rules/hints.hpp"
#include "proxy/rules/regex_set.hpp"
#include "proxy/rules/rule_book.hpp"

#include <mysqlwire/sql/classify.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace mysqlproxy::rules {

constexpr std::size_t no_regex = std::numeric_limits<std::size_t>::max();

/// The bit of effects_of() that says it.
std::uint64_t bit_of(RuleEffect effect) noexcept;
/// What a statement does, and one bit more: that it reads only.
std::uint64_t effects_of(const mysqlwire::sql::Classification& what) noexcept;

/// What of `when` or `unless` is asked often.
struct Conditions {
  const RuleMatch* match = nullptr;
  std::uint64_t kinds = 0;  // 0: not asked
  std::uint64_t effects = 0;
  std::size_t text_regex = no_regex;
  std::size_t digest_regex = no_regex;
};

struct RuleBook::Compiled {
  const Rule* rule = nullptr;
  Conditions when;
  Conditions unless;
  bool asks_time = false;
  const RuleConfig& config() const noexcept { return rule->config(); }
};

struct RuleBook::Index {
  std::vector<Compiled> rules;
  std::vector<std::uint64_t> at_connection;
  std::vector<std::uint64_t> at_statement;
  /// The rules of the stage `statement` that a statement of this kind can match.
  std::array<std::vector<std::uint64_t>, statement_kinds> by_kind;
  RegexSet text;
  RegexSet digest;
};

/// One connection or statement, with what has been found out of it up to now.
struct RuleBook::Question {
  const Client& client;
  const Statement* statement;
  const Moment& moment;
  Decision& decision;

  std::uint64_t kind = 0;
  std::uint64_t effects = 0;
  // What costs something is found out when the first rule asks.
  bool text_known = false;
  bool text_by_set = false;
  bool digest_known = false;
  bool digest_by_set = false;
  bool hints_known = false;
  Hints hints;
  Bits fresh;     ///< the rules that are likely, where that is not remembered
  Bits possible;  ///< the expressions that texts of this shape can match, once one was asked for

  const Hints& all_hints() {
    if (!hints_known && statement != nullptr &&
        statement->what->has(mysqlwire::sql::Effect::comment))
      hints = find_hints(statement->text, statement->dialect);
    hints_known = true;
    return hints;
  }
};

}  // namespace mysqlproxy::rules
