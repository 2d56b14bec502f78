#include "proxy/rules/regex.hpp"
#include "proxy/rules/rendezvous.hpp"
#include "proxy/rules/rule_book_parts.hpp"

#include <mysqlwire/sql/literals.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Where a rule that fits sends a statement, and what else it does.

namespace mysqlproxy::rules {

bool RuleBook::find_target(const Compiled& rule, Question& question) const {
  const RuleAction& then = rule.config().then;
  const bool ignore_case = !rule.config().case_sensitive;
  Decision& decision = question.decision;
  std::string_view pool = then.pool;
  std::string_view server = then.server;
  if (!then.pool_from_hint.empty()) {
    const std::string_view name = question.all_hints().find(then.pool_from_hint, ignore_case);
    const auto found = std::ranges::find(pools_, name, &PoolConfig::name);
    if (found == pools_.end()) return false;
    pool = found->name;
  }
  if (!then.server_from_hint.empty()) {
    const std::string_view name = question.all_hints().find(then.server_from_hint, ignore_case);
    const auto found = std::ranges::find(
        servers_, name, [](const auto& one) -> std::string_view { return one.first; });
    if (found == servers_.end()) return false;
    server = found->first;
  }
  if (then.hash) {
    auto value = value_to_hash(*then.hash, rule, question);
    if (!value) return false;
    pool = then.hash->pool;
    decision.hash_value = std::move(*value);
  }
  decision.hashed = then.hash.has_value();
  decision.pool = pool;
  decision.server = server;
  return true;
}

/// The value as text, so that 5, '5' and a bound 5 are the same.
std::optional<std::string> RuleBook::value_to_hash(const RuleHash& hash, const Compiled& rule,
                                                   Question& question) const {
  using Of = RuleHash::Of;
  const Client& client = question.client;
  const Statement* statement = question.statement;
  const auto parameter = [&](std::uint32_t number) {
    return statement->parameter ? statement->parameter(number) : std::nullopt;
  };
  switch (hash.of) {
    case Of::user: return std::string(client.user);
    case Of::client: return std::string(client.host);
    case Of::schema: return std::string(client.schema);
    case Of::parameter: return parameter(hash.number - 1);
    case Of::hint: {
      const auto value = question.all_hints().find(hash.name, !rule.config().case_sensitive);
      return value.empty() ? std::nullopt : std::optional<std::string>(value);
    }
    case Of::group: {
      const RE2& regex = index_->text.at(rule.when.text_regex);
      std::vector<re2::StringPiece> groups(hash.number + 1);
      const re2::StringPiece text = piece(statement->text);
      if (!regex.Match(text, 0, text.size(), RE2::UNANCHORED, groups.data(),
                       static_cast<int>(groups.size())) ||
          groups.back().data() == nullptr)
        return std::nullopt;
      return groups.back().as_string();
    }
    case Of::column: break;
  }
  const auto literal = mysqlwire::sql::value_of(statement->text, statement->dialect, hash.name);
  if (!literal) return std::nullopt;
  if (literal->placeholder != mysqlwire::sql::Literal::no_placeholder)
    return parameter(literal->placeholder);
  return (literal->negative ? "-" : "") + std::string(literal->content());
}

/// Adds a rule that matches to the decision. True when it is the last one.
bool RuleBook::take(const Compiled& rule, Question& question) const {
  Decision& decision = question.decision;
  const RuleAction& then = rule.config().then;
  decision.matched_.push_back(rule.rule);
  decision.delay += then.delay;
  if (then.routes()) decision.route = rule.rule;
  if (then.refuse || then.answer) decision.last_word = rule.rule;
  if (then.rewrite) {
    if (!decision.rewritten) decision.rewritten = std::string(question.statement->text);
    const RE2& regex = index_->text.at(rule.when.text_regex);
    if (then.rewrite_all)
      RE2::GlobalReplace(&*decision.rewritten, regex, *then.rewrite);
    else
      RE2::Replace(&*decision.rewritten, regex, *then.rewrite);
  }
  return rule.config().stops;
}

std::vector<std::string> RuleBook::preferred_servers(const Decision& decision) const {
  const auto pool = std::ranges::find(pools_, decision.pool, &PoolConfig::name);
  if (pool == pools_.end()) return {};
  if (!decision.hashed) return pool->servers;
  std::vector<Member> members;
  for (const std::string& name : pool->servers) {
    const auto server =
        std::ranges::find_if(servers_, [&](const auto& one) { return one.first == name; });
    members.push_back({name, server->second});
  }
  std::vector<std::string> servers;
  for (const std::size_t i : rendezvous(decision.hash_value, members))
    servers.push_back(pool->servers[i]);
  return servers;
}

}  // namespace mysqlproxy::rules
