#include "proxy/rules/rule_book.hpp"

#include "proxy/rules/rule_book_parts.hpp"
#include "proxy/rules/shape_memo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace mysqlproxy::rules {
namespace {

bool names_schema(const RuleMatch& match) noexcept {
  return std::ranges::any_of(
      match.table, [](std::string_view pattern) { return pattern.find('.') != pattern.npos; });
}

}  // namespace

std::string refusal_text(const RuleConfig& rule) {
  const std::string& text = rule.then.refuse->text;
  return text.empty() ? fmt::format("Refused by the rule {:?} of the proxy", rule.name) : text;
}

std::string_view to_string(Misfit misfit) noexcept {
  constexpr std::array<std::string_view, 19> words{
      "none",   "disabled", "stage",        "user",    "schema", "client", "listener",
      "pool",   "time",     "weekday",      "kind",    "effect", "table",  "hint",
      "digest", "match",    "match_digest", "percent", "value"};
  return words[static_cast<std::size_t>(misfit)];
}

RuleState::RuleState(const RuleAction& then) {
  if (then.rate) rate = std::make_shared<RateLimit>(*then.rate);
  if (then.concurrency) concurrency = std::make_shared<ConcurrencyLimit>(*then.concurrency);
}

bool Decision::acts() const noexcept {
  return std::ranges::any_of(matched_, [](const Rule* rule) { return rule->config().then.any(); });
}

void Decision::clear() {
  matched_.clear();
  route = nullptr;
  pool = {};
  server = {};
  hash_value.clear();
  hashed = false;
  last_word = nullptr;
  rewritten.reset();
  delay = std::chrono::milliseconds(0);
}

RuleBook::RuleBook(const Config& config, const RuleBook* previous)
    : id_(next_id()), pools_(config.pools) {
  for (const ServerConfig& server : config.servers)
    servers_.emplace_back(server.name, server.weight);
  std::vector<bool> taken(previous == nullptr ? 0 : previous->rules_.size(), false);
  for (const RuleConfig& wanted : config.rules) {
    Rule rule;
    rule.config_ = std::make_shared<const RuleConfig>(wanted);
    rule.number = rules_.size() + 1;
    for (std::size_t i = 0; i < taken.size() && !rule.state_; ++i) {
      if (taken[i] || !(previous->rules_[i].config() == wanted)) continue;
      taken[i] = true;
      rule.state_ = previous->rules_[i].state_;
    }
    if (!rule.state_) rule.state_ = std::make_shared<RuleState>(wanted.then);
    rules_.push_back(std::move(rule));
  }
  const std::size_t words = (rules_.size() + 63) / 64;
  auto index = std::make_unique<Index>();
  index->at_connection.assign(words, 0);
  index->at_statement.assign(words, 0);
  for (auto& bits : index->by_kind) bits.assign(words, 0);
  const auto prepare = [&](const RuleMatch& match, bool case_sensitive) {
    Conditions conditions;
    conditions.match = &match;
    for (const auto kind : match.kind)
      conditions.kinds |= std::uint64_t{1} << static_cast<unsigned>(kind);
    for (const RuleEffect effect : match.effect) conditions.effects |= bit_of(effect);
    if (!match.match.empty()) conditions.text_regex = index->text.add(match.match, case_sensitive);
    if (!match.match_digest.empty())
      conditions.digest_regex = index->digest.add(match.match_digest, case_sensitive);
    return conditions;
  };
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const RuleConfig& rule = rules_[i].config();
    Compiled compiled;
    compiled.rule = &rules_[i];
    compiled.when = prepare(rule.when, rule.case_sensitive);
    compiled.unless = prepare(rule.unless, rule.case_sensitive);
    compiled.asks_time = !rule.when.time.empty() || !rule.when.weekday.empty() ||
                         !rule.unless.time.empty() || !rule.unless.weekday.empty();
    index->rules.push_back(compiled);
    if (!rule.enabled) continue;
    asks_schema_ = asks_schema_ || names_schema(rule.when) || names_schema(rule.unless);
    asks_moment_ = asks_moment_ || compiled.asks_time || rule.percent < 100;
    if (rule.stage == RuleStage::connection) {
      set_bit(index->at_connection, i);
      continue;
    }
    set_bit(index->at_statement, i);
    for (std::size_t kind = 0; kind < statement_kinds; ++kind) {
      const bool wanted = compiled.when.kinds == 0 || (compiled.when.kinds >> kind & 1) != 0;
      if (wanted && (compiled.unless.kinds >> kind & 1) == 0) set_bit(index->by_kind[kind], i);
    }
  }
  index->text.compile();
  index->digest.compile();
  index_ = std::move(index);
}

RuleBook::~RuleBook() = default;

bool RuleBook::empty(RuleStage stage) const noexcept {
  const auto& bits = stage == RuleStage::connection ? index_->at_connection : index_->at_statement;
  return is_empty(bits);
}

bool RuleBook::Scope::nothing() const noexcept { return is_empty(rules_); }

RuleBook::Scope RuleBook::scope(const Client& client) const {
  Scope scope;
  scope.rules_ = index_->at_statement;
  bool by_unless = false;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (has_bit(scope.rules_, i) &&
        misfit_of_connection(index_->rules[i], client, by_unless) != Misfit::none)
      clear_bit(scope.rules_, i);
  }
  scope.id_ = id_of(scope.rules_, client.schema);
  return scope;
}

std::uint64_t RuleBook::id_of(const Bits& rules, std::string_view schema) const {
  std::pair key(rules, std::string(asks_schema_ ? schema : std::string_view()));
  const std::scoped_lock lock(scopes_mutex_);
  const auto known = scope_ids_.find(key);
  if (known != scope_ids_.end()) return known->second;
  if (scope_ids_.size() >= most_scopes) return 0;
  return scope_ids_.emplace(std::move(key), next_id()).first->second;
}

void RuleBook::at_connection(const Client& client, const Moment& moment, Decision& decision) const {
  decision.clear();
  Question question{client, nullptr, moment, decision};
  bool by_unless = false;
  for (const Compiled& rule : index_->rules) {
    if (!has_bit(index_->at_connection, rule.rule->number - 1)) continue;
    if (misfit_of_connection(rule, client, by_unless) != Misfit::none ||
        misfit(rule, question, by_unless) != Misfit::none)
      continue;
    rule.rule->state().hits.fetch_add(1, std::memory_order_relaxed);
    if (take(rule, question)) return;
  }
}

/// The rules that are not ruled out by the shape of the statement. The same few shapes come all the
/// time, so that is remembered.
const Bits& RuleBook::likely(Question& question) const {
  const Statement& statement = *question.statement;
  if (statement.shape != nullptr && statement.shape->lasts()) {
    Shape::RuleMemo& memo = statement.shape->rules;
    if (memo.book == id_ && memo.schema == question.client.schema) return memo.rules;
    find_likely(question, memo.rules);
    memo.book = id_;
    memo.schema = question.client.schema;
    return memo.rules;
  }
  const ShapeMemo::Key key{id_, statement, question.client.schema, question.effects};
  ShapeMemo::Entry* const entry = ShapeMemo::of_this_thread().find(key);
  if (entry != nullptr && entry->is(key)) return entry->rules;
  Bits& rules = entry != nullptr ? entry->rules : question.fresh;
  find_likely(question, rules);
  if (entry != nullptr) entry->become(key);
  return rules;
}

void RuleBook::find_likely(Question& question, Bits& rules) const {
  rules = index_->by_kind[static_cast<std::size_t>(question.statement->what->kind)];
  bool by_unless = false;
  for (const Compiled& rule : index_->rules) {
    const std::size_t place = rule.rule->number - 1;
    if (has_bit(rules, place) &&
        misfit_of_statement(rule, question, by_unless, true) != Misfit::none)
      clear_bit(rules, place);
  }
}

bool RuleBook::rules_out(const Scope& scope, const Shape& shape,
                         std::string_view schema) const noexcept {
  const Shape::RuleMemo& memo = shape.rules;
  if (memo.book != id_ || memo.schema != schema) return false;
  for (std::size_t word = 0; word < memo.rules.size(); ++word)
    if ((memo.rules[word] & scope.rules_[word]) != 0) return false;
  shape.quiet_scope = scope.id_;
  return true;
}

void RuleBook::at_statement(const Scope& scope, const Client& client, const Statement& statement,
                            const Moment& moment, Decision& decision) const {
  decision.clear();
  Question question{client, &statement, moment, decision};
  const auto kind = static_cast<std::size_t>(statement.what->kind);
  question.kind = std::uint64_t{1} << kind;
  question.effects = effects_of(*statement.what);
  const Bits& rules = likely(question);
  bool by_unless = false;
  for (std::size_t word = 0; word < rules.size(); ++word) {
    for (std::uint64_t bits = rules[word] & scope.rules_[word]; bits != 0; bits &= bits - 1) {
      const Compiled& rule =
          index_->rules[word * 64 + static_cast<std::size_t>(std::countr_zero(bits))];
      // One reading of the text has told of all of them, and most are out by that.
      if (rule.when.text_regex != no_regex && !text_hit(question, rule.when.text_regex)) continue;
      if (misfit(rule, question, by_unless) != Misfit::none) continue;
      rule.rule->state().hits.fetch_add(1, std::memory_order_relaxed);
      if (take(rule, question)) return;
    }
  }
}

std::vector<Verdict> RuleBook::explain(const Client& client, const Statement* statement,
                                       const Moment& moment, Decision& decision) const {
  decision.clear();
  Question question{client, statement, moment, decision};
  if (statement != nullptr) {
    question.kind = std::uint64_t{1} << static_cast<unsigned>(statement->what->kind);
    question.effects = effects_of(*statement->what);
  }
  const RuleStage stage = statement == nullptr ? RuleStage::connection : RuleStage::statement;
  std::vector<Verdict> verdicts;
  bool stopped = false;
  for (const Compiled& rule : index_->rules) {
    Verdict verdict;
    verdict.rule = rule.rule;
    if (!rule.config().enabled) {
      verdict.misfit = Misfit::disabled;
    } else if (rule.config().stage != stage) {
      verdict.misfit = Misfit::stage;
    } else if (stopped) {
      verdict.asked = false;
    } else {
      verdict.misfit = misfit_of_connection(rule, client, verdict.by_unless);
      if (verdict.misfit == Misfit::none)
        verdict.misfit = misfit(rule, question, verdict.by_unless);
      if (verdict.misfit == Misfit::none) stopped = take(rule, question);
    }
    verdicts.push_back(verdict);
  }
  return verdicts;
}

}  // namespace mysqlproxy::rules
